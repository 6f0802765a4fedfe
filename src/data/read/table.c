/* table.c -- tables of text: the numbers and labels in them.
 *
 * What the first row is can often be told only from the others.  So its place among the values is
 * kept free while they are read, and it is filled at the end, or left out. */
#include "data/read/table.h"
#include "data/read/file.h"
#include "data/read/table_cells.h"
#include "data/read/table_columns.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

enum { MOST_COLUMNS = 1 << 20 };
static const size_t MOST_BYTES = (size_t)1 << 36;

void mn_text_table_free(mn_text_table *t)
{
    mn_memory_give(t->text);
    mn_memory_give(t->first);
    mn_memory_give(t->place);
    mn_memory_give(t->values);
    mn_memory_give(t->labels);
    mn_memory_give(t->lines);
    *t = (mn_text_table){.path = NULL};
}

static mn_status no_memory(const mn_text_table *t)
{
    return mn_fail(MN_NO_MEMORY, "%s: out of memory for its table", t->path);
}

/* --- rows ------------------------------------------------------------------------------------- */

static mn_status allocate(mn_text_table *t, const char *rest)
{
    int64_t lines = 2; /* the first row, and one without an end */
    for (const char *c = rest; (c = strpbrk(c, "\r\n")) != NULL; c++)
        lines++;
    int64_t values;
    if (!__builtin_mul_overflow(lines, t->width, &values) && values < INT64_MAX / 16) {
        t->values = mn_memory_take((size_t)values, sizeof *t->values);
        t->labels = mn_memory_take_zeroed((size_t)lines, sizeof *t->labels);
        t->lines = mn_memory_take_zeroed((size_t)lines, sizeof *t->lines);
    }
    return t->values != NULL && t->labels != NULL && t->lines != NULL ? MN_OK : no_memory(t);
}

static mn_status refuse_cell(const mn_text_table *t, int64_t line, int64_t column, const char *cell)
{
    const long long at = column + 1;
    if (!mn_cell_is_missing(cell))
        return mn_fail(MN_CORRUPT,
                       "%s: line %lld, column %lld: '%.40s' is no number; drop=%lld leaves the "
                       "column out",
                       t->path, (long long)line, at, cell, at);
    return mn_fail(
        MN_CORRUPT,
        "%s: line %lld, column %lld: '%.40s' is no number; missing=skip leaves such rows "
        "out, missing=mean takes the column's mean",
        t->path, (long long)line, at, cell);
}

/* *kept is false where the row is to be left out. */
static mn_status read_label(const mn_table_form *form, mn_text_table *t, char *const *cells,
                            int64_t line, int64_t row, bool *kept)
{
    int64_t c = 0;
    while (t->place[c] != MN_TABLE_LABEL)
        c++;
    t->labels[row] = cells[c];
    *kept = cells[c][0] != '\0';
    if (*kept || form->missing == MN_MISSING_SKIP)
        return MN_OK;
    char hint[96] = "";
    if (c == t->columns - 1)
        snprintf(hint, sizeof hint,
                 "; where each line ends in a '%c', drop=%lld leaves that column out",
                 form->delimiter, (long long)c + 1);
    return mn_fail(MN_CORRUPT, "%s: line %lld, column %lld: there is no label%s", t->path,
                   (long long)line, (long long)c + 1, hint);
}

/* Fills row `row`; *kept is false where it is to be left out. */
static mn_status read_row(const mn_table_form *form, mn_text_table *t, char *const *cells,
                          int64_t line, int64_t row, bool *kept)
{
    MN_TRY(read_label(form, t, cells, line, row, kept));
    t->lines[row] = line;
    for (int64_t c = 0; c < t->columns; c++) {
        if (t->place[c] < 0)
            continue;
        double *value = &t->values[row * t->width + t->place[c]];
        if (mn_cell_number(form, cells[c], value))
            continue;
        if (!mn_cell_is_missing(cells[c]) || form->missing == MN_MISSING_REFUSE)
            return refuse_cell(t, line, c, cells[c]);
        *value = (double)NAN;
        *kept = *kept && form->missing == MN_MISSING_MEAN;
    }
    return MN_OK;
}

/* All rows behind the first, whose place stays free. */
static mn_status read_rows(const mn_table_form *form, mn_text_table *t, mn_cells *cells)
{
    for (t->rows = 1;;) {
        bool more, kept;
        MN_TRY(mn_cells_next(cells, t->columns, &more));
        if (!more)
            return MN_OK;
        if (cells->count < t->columns)
            return mn_fail(MN_CORRUPT, "%s: line %lld has %lld columns, expected %lld", t->path,
                           (long long)cells->begin, (long long)cells->count, (long long)t->columns);
        MN_TRY(read_row(form, t, cells->cell, cells->begin, t->rows, &kept));
        t->rows += kept;
        t->skipped += !kept;
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

static mn_status read_text(mn_text_table *t)
{
    mn_data_file *file;
    uint8_t *bytes;
    size_t count;
    MN_TRY(mn_data_file_open(t->path, &file));
    const mn_status status = mn_data_file_whole(file, MOST_BYTES, &bytes, &count);
    mn_data_file_close(file);
    MN_TRY(status);
    t->text = (char *)bytes;
    if (count >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return mn_fail(MN_CORRUPT, "%s: is UTF-16; save it as UTF-8", t->path);
    if (strlen(t->text) == count)
        return MN_OK;
    return mn_fail(MN_CORRUPT, "%s: is no text: there is a zero byte in it", t->path);
}

/* "commas", for messages. */
static const char *plural(char delimiter)
{
    return delimiter == ','    ? "commas"
           : delimiter == ';'  ? "semicolons"
           : delimiter == '\t' ? "tabs"
           : delimiter == '|'  ? "bars"
                               : "spaces";
}

/* What separates the columns if not the delimiter; NULL: nothing that is known. */
static const char *other_delimiter(const mn_text_table *t, char delimiter)
{
    static const struct {
        char delimiter;
        const char *option;
    } others[] = {{';', ";"}, {'\t', "tab"}, {'|', "|"}, {',', ","}, {' ', "space"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].delimiter != delimiter && strchr(t->first[0], others[i].delimiter) != NULL)
            return others[i].option;
    return NULL;
}

static mn_status read_first(const mn_table_form *form, mn_text_table *t, mn_cells *cells)
{
    bool more;
    MN_TRY(mn_cells_next(cells, MOST_COLUMNS, &more));
    t->columns = cells->count;
    if (!more)
        return mn_fail(MN_BAD_OPTION, "%s: its first line has no %s; it is empty", t->path,
                       plural(form->delimiter));
    t->first = mn_memory_take((size_t)t->columns, sizeof *t->first);
    t->place = mn_memory_take((size_t)t->columns, sizeof *t->place);
    if (t->first == NULL || t->place == NULL)
        return no_memory(t);
    memcpy(t->first, cells->cell, (size_t)t->columns * sizeof *t->first);
    if (t->columns > 1)
        return MN_OK;
    const char *other = other_delimiter(t, form->delimiter);
    return mn_fail(MN_BAD_OPTION,
                   "%s: its first line has no %s; expected values and a label with "
                   "%s between%s%s%s",
                   t->path, plural(form->delimiter), plural(form->delimiter),
                   other != NULL ? ", or delimiter=\"" : "", other != NULL ? other : "",
                   other != NULL ? "\"" : "");
}

static void forget_first(mn_text_table *t)
{
    const size_t rows = (size_t)--t->rows;
    memmove(t->values, t->values + t->width, rows * (size_t)t->width * sizeof *t->values);
    memmove(t->labels, t->labels + 1, rows * sizeof *t->labels);
    memmove(t->lines, t->lines + 1, rows * sizeof *t->lines);
}

static mn_status read_all(const mn_table_form *form, const mn_text_table *train, mn_cells *cells,
                          mn_text_table *t)
{
    MN_TRY(read_text(t));
    mn_cells_begin(t->path, t->text, form->delimiter, cells);
    MN_TRY(read_first(form, t, cells));
    const int64_t line = cells->begin;
    MN_TRY(mn_columns_decide(form, train, t));
    MN_TRY(allocate(t, cells->at));
    MN_TRY(read_rows(form, t, cells));
    bool kept = false;
    MN_TRY(mn_header_decide(form, t));
    if (train != NULL && train->header && t->header && !mn_header_shares_names(t, train))
        return mn_fail(MN_BAD_SHAPE, "%s: its first line names none of the columns of %s", t->path,
                       train->path);
    if (!t->header)
        MN_TRY(read_row(form, t, t->first, line, 0, &kept));
    t->skipped += !t->header && !kept;
    if (!kept)
        forget_first(t);
    return t->rows > 0 ? MN_OK : mn_fail(MN_CORRUPT, "%s: holds no rows", t->path);
}

mn_status mn_text_table_read(const mn_table_form *form, const char *path,
                             const mn_text_table *train, mn_text_table *table)
{
    mn_cells cells = {.path = path};
    *table = (mn_text_table){.path = path};
    const mn_status status = read_all(form, train, &cells, table);
    mn_cells_free(&cells);
    return status;
}
