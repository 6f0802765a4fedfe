/* table_cells.c -- cutting a text into cells, as RFC 4180 says.
 *
 * Cells are C strings inside the text: what ends one becomes a zero byte, and what was quoted is
 * moved together.  Beside the RFC, spaces around a cell are no part of it, lines may end in any of
 * the three ways, and lines without anything are passed over. */
#include "data/read/table_cells.h"

#include <mneme/memory.h>
#include <string.h>

void mn_cells_begin(const char *path, char *text, char delimiter, mn_cells *cells)
{
    static const char mark[] = "\xef\xbb\xbf";
    cells->path = path;
    cells->at = text + (strncmp(text, mark, 3) == 0 ? 3 : 0);
    cells->delimiter = delimiter;
    cells->line = 1;
    const size_t end = strcspn(cells->at, "\r\n");
    if (end == 5 && strncmp(cells->at, "sep=", 4) == 0) { /* a note of Excel's to itself */
        cells->at +=
            end + (cells->at[end] == '\r' && cells->at[end + 1] == '\n') + (cells->at[end] != '\0');
        cells->line = 2;
    }
}

void mn_cells_free(mn_cells *cells)
{
    mn_memory_give(cells->cell);
    cells->cell = NULL;
}

static bool is_space(const mn_cells *cells, char c)
{
    return (c == ' ' || c == '\t') && c != cells->delimiter;
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r' || c == '\0';
}

/* Moves a quoted cell together; *end, the place of its first quote, is moved behind the last. */
static mn_status take_quoted(mn_cells *cells, char **cell, char **end)
{
    const int64_t line = cells->line;
    char *from = *end + 1, *to = from;
    *cell = to;
    for (; *from != '\0' && (*from != '"' || from[1] == '"'); from++) {
        from += *from == '"';
        cells->line += *from == '\n';
        *to++ = *from;
    }
    if (*from == '\0')
        return mn_fail(MN_CORRUPT, "%s: line %lld: a quote opens a cell and nothing closes it",
                       cells->path, (long long)line);
    *end = from + 1;
    *to = '\0';
    return MN_OK;
}

/* What stands from *end to the next delimiter or the end of the line, where *end is moved. */
static void take_plain(mn_cells *cells, char **cell, char **end)
{
    char *last = *end;
    *cell = last;
    while (*last != cells->delimiter && !ends_line(*last))
        last++;
    *end = last;
    while (last > *cell && is_space(cells, last[-1]))
        last--;
    cells->stop = **end;
    *last = '\0';
}

/* Leaves in cells->stop what ended the cell. */
static mn_status take_cell(mn_cells *cells, char **cell)
{
    while (is_space(cells, *cells->at))
        cells->at++;
    char *end = cells->at;
    if (*cells->at == '"') {
        MN_TRY(take_quoted(cells, cell, &end));
        while (is_space(cells, *end))
            end++;
        if (*end != cells->delimiter && !ends_line(*end))
            return mn_fail(MN_CORRUPT,
                           "%s: line %lld: '%.*s' follows the quote that closes a cell; within "
                           "one, two quotes stand for one",
                           cells->path, (long long)cells->line, (int)strcspn(end, "\r\n"), end);
        cells->stop = *end;
    } else {
        take_plain(cells, cell, &end);
    }
    const char stop = cells->stop;
    cells->at = end + (stop != '\0');
    cells->at += stop == '\r' && *cells->at == '\n';
    cells->line += stop == '\r' || stop == '\n';
    return MN_OK;
}

static mn_status add_cell(mn_cells *cells, char *cell)
{
    if (cells->count == cells->capacity) {
        cells->capacity = cells->capacity > 0 ? 2 * cells->capacity : 64;
        char **larger = mn_memory_resize(cells->cell, (size_t)cells->capacity, sizeof *larger);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "%s: out of memory for its cells", cells->path);
        cells->cell = larger;
    }
    cells->cell[cells->count++] = cell;
    return MN_OK;
}

mn_status mn_cells_next(mn_cells *cells, int64_t most, bool *more)
{
    for (*more = false; *cells->at != '\0' && !*more;) {
        char *cell;
        cells->begin = cells->line;
        cells->count = 0;
        const bool quoted = *cells->at == '"';
        do {
            MN_TRY(take_cell(cells, &cell));
            if (cells->count == most)
                return mn_fail(MN_CORRUPT, "%s: line %lld has more than %lld columns", cells->path,
                               (long long)cells->begin, (long long)most);
            MN_TRY(add_cell(cells, cell));
        } while (cells->stop == cells->delimiter);
        *more = cells->count > 1 || *cell != '\0' || quoted;
    }
    return MN_OK;
}
