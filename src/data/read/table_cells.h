/* table_cells.h -- a text cut into cells in place. */
#ifndef MN_DATA_READ_TABLE_CELLS_H
#define MN_DATA_READ_TABLE_CELLS_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct mn_cells {
    const char *path;     /* for messages */
    char *at;             /* the rest of the text */
    char delimiter, stop; /* stop: what ended the last cell */
    int64_t line;         /* of the rest, counted from 1 */
    int64_t begin;        /* the line on which the last row began */
    char **cell;          /* (capacity) of the last row */
    int64_t count, capacity;
} mn_cells;

/* Begins at the start of a text, behind a byte-order mark; `cells` must be zeros before. */
void mn_cells_begin(const char *path, char *text, char delimiter, mn_cells *cells);
/* Cuts up the next row that is not blank; *more is false where there is none.  A row of more than
 * `most` cells: MN_CORRUPT. */
mn_status mn_cells_next(mn_cells *cells, int64_t most, bool *more);
void mn_cells_free(mn_cells *cells);

#endif
