/* table.c -- tables of text: which columns there are, whether the first row names them, and the
 * numbers in them.
 *
 * What the first row is can often be told only from the others.  So its place among the values is
 * kept free while they are read, and it is filled at the end, or left out. */
#include "data/read/table.h"
#include "base/names.h"
#include "base/numbers.h"
#include "data/read/file.h"
#include "data/read/table_cells.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

/* --- cells ------------------------------------------------------------------------------------ */

static bool is_missing(const char *cell)
{
    static const char *const marks[] = {"",    "NA",   "N/A",  "n/a",  "#N/A", "<NA>", "NaN",
                                        "nan", "-nan", "null", "NULL", "None", "none", "?"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strcmp(cell, marks[i]) == 0)
            return true;
    return false;
}

/* A number with the table's decimal point, which is made a point. */
static bool read_number(const mn_table_form *form, char *cell, double *value)
{
    char *point = strchr(cell, form->point);
    if (form->point != '.' && strchr(cell, '.') != NULL)
        return false;
    if (point != NULL)
        *point = '.';
    if (mn_number_real(cell, value))
        return true;
    if (point != NULL)
        *point = form->point; /* messages show what was written */
    return false;
}

/* --- columns ---------------------------------------------------------------------------------- */

static int64_t column_named(const mn_text_table *t, const char *name, int64_t from)
{
    for (int64_t c = from; c < t->columns; c++)
        if (strcmp(t->first[c], name) == 0)
            return c;
    return -1;
}

static bool is_dropped_by_list(const mn_text_table *t, const char *drop, int64_t column)
{
    mn_list list = {.rest = drop};
    while (mn_list_next(&list)) {
        int64_t number;
        const bool counted =
            mn_number_whole(list.item, &number) && number >= 1 && number <= t->columns;
        if (counted ? number == column + 1 : strcmp(list.item, t->first[column]) == 0)
            return true;
    }
    return false;
}

/* Every item of the list must be a column. */
static mn_status check_drop(const mn_text_table *t, const char *drop)
{
    mn_list list = {.rest = drop};
    while (mn_list_next(&list)) {
        int64_t number;
        const bool counted =
            mn_number_whole(list.item, &number) && number >= 1 && number <= t->columns;
        if (!counted && column_named(t, list.item, 0) < 0)
            return mn_fail(MN_BAD_OPTION, "%s: drop: there is no column '%s'; it has %lld", t->path,
                           list.item, (long long)t->columns);
    }
    return !list.broken
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "drop: '%.60s' is not a list of columns, as id,3", drop);
}

static bool keeps_all(const char *drop)
{
    return drop[0] == '\0' || strcmp(drop, "none") == 0;
}

static mn_status no_label(const mn_text_table *t, const char *label)
{
    const char **names = mn_memory_take_zeroed((size_t)t->columns + 1, sizeof *names);
    for (int64_t c = 0; names != NULL && c < t->columns; c++)
        names[c] = t->first[c];
    const char *nearest = names != NULL ? mn_nearest(label, names) : NULL;
    const mn_status status =
        mn_fail(MN_BAD_OPTION, "%s: no column is called '%s' in its first line%s%.60s%s", t->path,
                label, nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                nearest != NULL ? "'?" : "");
    mn_memory_give(names);
    return status;
}

/* Where each column of a table goes that decides itself. */
static mn_status place_columns(const mn_table_form *form, mn_text_table *t)
{
    const bool first = strcmp(form->label, "first") == 0, last = strcmp(form->label, "last") == 0;
    int64_t label = -1;
    if (!keeps_all(form->drop))
        MN_TRY(check_drop(t, form->drop));
    for (int64_t c = 0; c < t->columns; c++) {
        t->place[c] = 0;
        if (!keeps_all(form->drop) && is_dropped_by_list(t, form->drop, c))
            t->place[c] = MN_TABLE_DROPPED;
        else if (last || (label < 0 && (first || strcmp(t->first[c], form->label) == 0)))
            label = c;
    }
    if (label < 0)
        return no_label(t, form->label);
    t->place[label] = MN_TABLE_LABEL;
    for (int64_t c = 0; c < t->columns; c++)
        if (t->place[c] == 0)
            t->place[c] = t->width++;
    t->header = !first && !last;
    if (t->header && form->header == MN_HEADER_NO)
        return mn_fail(MN_BAD_OPTION,
                       "%s: label: '%s' is a name in the first line, which header=no says is none; "
                       "say first or last",
                       t->path, form->label);
    return t->width > 0 ? MN_OK
                        : mn_fail(MN_BAD_OPTION, "%s: has no column beside the label", t->path);
}

const char *mn_text_table_name(const mn_text_table *t, int64_t value)
{
    for (int64_t c = 0; t->header && c < t->columns; c++)
        if (t->place[c] == value)
            return t->first[c];
    return "";
}

/* Whether both headers have the same names at the same places. */
static bool same_header(const mn_text_table *t, const mn_text_table *train)
{
    for (int64_t c = 0; c < t->columns; c++)
        if (t->columns != train->columns || strcmp(t->first[c], train->first[c]) != 0)
            return false;
    return true;
}

/* Whether the first row has the name of the label, or of a value, of the training table's header.
 */
static bool shares_names(const mn_text_table *t, const mn_text_table *train)
{
    double number;
    for (int64_t c = 0; train->header && c < train->columns; c++)
        if (train->place[c] != MN_TABLE_DROPPED && !mn_number_real(train->first[c], &number) &&
            train->first[c][0] != '\0' && column_named(t, train->first[c], 0) >= 0)
            return true;
    return same_header(t, train) && train->header;
}

/* Columns of another table of the same names go where the training table's went. */
static mn_status match_columns(const mn_table_form *form, const mn_text_table *train,
                               mn_text_table *t)
{
    if (same_header(t, train)) {
        memcpy(t->place, train->place, (size_t)t->columns * sizeof *t->place);
        return MN_OK;
    }
    for (int64_t c = 0; c < train->columns; c++) {
        const char *name = train->first[c];
        const int64_t found = column_named(t, name, 0);
        if (train->place[c] == MN_TABLE_DROPPED)
            continue;
        if (found < 0)
            return mn_fail(MN_BAD_SHAPE, "%s: has no column '%s', which %s has", t->path, name,
                           train->path);
        if (column_named(train, name, 0) != c || column_named(t, name, found + 1) >= 0)
            return mn_fail(MN_BAD_SHAPE,
                           "%s and %s: two columns are called '%s', and the order of columns "
                           "differs; name them apart",
                           train->path, t->path, name);
    }
    for (int64_t c = 0; c < t->columns; c++) {
        const int64_t of_train = column_named(train, t->first[c], 0);
        if (of_train < 0 && !is_dropped_by_list(t, form->drop, c))
            return mn_fail(MN_BAD_SHAPE,
                           "%s: has a column '%s', which %s has not; leave it out with drop",
                           t->path, t->first[c], train->path);
        t->place[c] = of_train >= 0 ? train->place[of_train] : MN_TABLE_DROPPED;
    }
    return MN_OK;
}

static mn_status decide_columns(const mn_table_form *form, const mn_text_table *train,
                                mn_text_table *t)
{
    if (train == NULL)
        return place_columns(form, t);
    t->width = train->width;
    t->header = shares_names(t, train);
    if (t->header)
        return match_columns(form, train, t);
    if (t->columns != train->columns)
        return mn_fail(MN_BAD_SHAPE, "%s: has %lld columns, but %s has %lld", t->path,
                       (long long)t->columns, train->path, (long long)train->columns);
    memcpy(t->place, train->place, (size_t)t->columns * sizeof *t->place);
    return MN_OK;
}

/* --- is the first row a header? --------------------------------------------------------------- */

static bool is_number(const mn_table_form *form, const char *cell)
{
    char copy[64];
    double value;
    const size_t length = strlen(cell);
    if (length >= sizeof copy)
        return false;
    return read_number(form, memcpy(copy, cell, length + 1), &value);
}

/* Of all rows but the first. */
static bool labels_are_numbers(const mn_table_form *form, const mn_text_table *t)
{
    for (int64_t i = 1; i < t->rows; i++)
        if (!is_number(form, t->labels[i]))
            return false;
    return t->rows > 1;
}

/* What the column of the label is called where the others are only counted. */
static bool is_label_word(const char *cell)
{
    static const char *const words[] = {"label", "labels", "class", "classes", "target", "y"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(cell, words[i]) == 0)
            return true;
    return false;
}

static bool is_a_label(const mn_text_table *t, const char *cell)
{
    for (int64_t i = 1; i < t->rows; i++)
        if (strcmp(t->labels[i], cell) == 0)
            return true;
    return false;
}

/* Whether the numbers in the first row count the columns of values: 0, 1, 2, ...; `all`: the column
 * of the label among them. */
static bool is_counted(const mn_text_table *t, bool all)
{
    int64_t number, next = 0;
    for (int64_t c = 0; c < t->columns; c++)
        if (t->place[c] >= 0 || (all && t->place[c] == MN_TABLE_LABEL)) {
            const bool whole = mn_number_whole(t->first[c], &number);
            if (all ? !whole || number != c : whole && number != next++)
                return false;
        }
    return true;
}

/* 1.2.3, or 1.5 among numbers with commas: names have letters. */
static bool is_broken_number(const char *cell)
{
    return cell[strspn(cell, "0123456789.,;:+-/% ")] == '\0';
}

/* The first row is a header where its values are no numbers, or where they count the columns,
 * beside a label that no other row has; and where its label alone is no number. */
static mn_status decide_header(const mn_table_form *form, mn_text_table *t)
{
    int64_t texts = 0, numbers = 0, text_at = 0;
    bool broken = false;
    const char *label = "";
    for (int64_t c = 0; c < t->columns; c++) {
        if (t->place[c] == MN_TABLE_LABEL)
            label = t->first[c];
        if (t->place[c] < 0 || is_missing(t->first[c]))
            continue;
        const bool number = is_number(form, t->first[c]);
        numbers += number;
        texts += !number;
        text_at = number || broken ? text_at : c;
        broken = broken || (!number && is_broken_number(t->first[c]));
    }
    if (form->header != MN_HEADER_AUTO)
        t->header = form->header == MN_HEADER_YES;
    if (form->header != MN_HEADER_AUTO || t->header)
        return MN_OK;
    const bool own = !is_a_label(t, label);
    if (broken || (texts > 0 && numbers > 0 && !own))
        return mn_fail(MN_CORRUPT,
                       "%s: line 1, column %lld: '%.40s' is no number among numbers; mend it, or "
                       "say with header (yes or no) whether the line names the columns",
                       t->path, (long long)text_at + 1, t->first[text_at]);
    t->header = texts > 0 ||
                (numbers > 0 && !is_number(form, label) && labels_are_numbers(form, t)) ||
                (numbers > 2 && is_counted(t, true)) ||
                ((numbers > 2 || is_label_word(label)) && own && is_counted(t, false));
    return MN_OK;
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
    if (!is_missing(cell))
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
        if (read_number(form, cells[c], value))
            continue;
        if (!is_missing(cells[c]) || form->missing == MN_MISSING_REFUSE)
            return refuse_cell(t, line, c, cells[c]);
        *value = NAN;
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
    MN_TRY(decide_columns(form, train, t));
    MN_TRY(allocate(t, cells->at));
    MN_TRY(read_rows(form, t, cells));
    bool kept = false;
    MN_TRY(decide_header(form, t));
    if (train != NULL && train->header && t->header && !shares_names(t, train))
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
