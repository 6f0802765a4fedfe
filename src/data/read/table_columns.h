/* table_columns.h -- a table, and what it decides of its columns: where each goes, and whether its
 * first row names them. */
#ifndef MN_DATA_READ_TABLE_COLUMNS_H
#define MN_DATA_READ_TABLE_COLUMNS_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum mn_table_header { MN_HEADER_AUTO, MN_HEADER_YES, MN_HEADER_NO } mn_table_header;
typedef enum mn_table_missing {
    MN_MISSING_REFUSE,
    MN_MISSING_SKIP, /* the row is left out */
    MN_MISSING_MEAN, /* the cell becomes NaN, for who knows the mean */
} mn_table_missing;

typedef struct mn_table_form {
    const char *label; /* its column: "first", "last" or a name */
    const char *drop;  /* a list of columns, by name or by number from 1; "none": all are meant */
    char delimiter, point;
    mn_table_header header;
    mn_table_missing missing;
} mn_table_form;

enum { MN_TABLE_DROPPED = -1, MN_TABLE_LABEL = -2 };

typedef struct mn_text_table {
    const char *path;
    char *text;      /* in which all cells are */
    int64_t columns; /* of the file */
    char **first;    /* (columns) the first row's cells: names where `header` */
    int64_t *place;  /* (columns) of each among a row's values, MN_TABLE_DROPPED or _LABEL */
    bool header;
    int64_t width; /* values of a row */
    int64_t rows;
    double *values;      /* (rows, width) */
    const char **labels; /* (rows) as they are written */
    int64_t *lines;      /* (rows) where each begins, counted from 1 */
    int64_t skipped;     /* rows that were left out, for what is missing in them */
} mn_text_table;

/* Fills place, width and, where the first row is a header beyond doubt, header; `first` is there.
 */
mn_status mn_columns_decide(const mn_table_form *form, const mn_text_table *train,
                            mn_text_table *table);
/* Fills header, from the labels of all rows but the first. */
mn_status mn_header_decide(const mn_table_form *form, mn_text_table *table);
/* The name of a value's column, or "" where the table has no header. */
const char *mn_text_table_name(const mn_text_table *table, int64_t value);
/* Whether the first row has the name of the label, or of a value, of the training table's header.
 */
bool mn_header_shares_names(const mn_text_table *table, const mn_text_table *train);

bool mn_cell_is_missing(const char *cell);
/* A number with the table's decimal point, which is made a point. */
bool mn_cell_number(const mn_table_form *form, char *cell, double *value);

#endif
