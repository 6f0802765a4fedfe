/* table.h -- aligned tables for people. */
#ifndef MN_CLI_TABLE_H
#define MN_CLI_TABLE_H

#include <mneme/status.h>
#include <stdio.h>

typedef struct mn_table mn_table;

/* An empty table of so many columns. */
mn_table *mn_table_new(int columns);
void mn_table_free(mn_table *table);

/* Cells fill the table from left to right; the first row added is the heading.  Control characters
 * in text are made visible. */
void mn_table_text(mn_table *table, const char *format, ...) MN_PRINTF(2, 3);
/* NaN is shown as "-". */
void mn_table_number(mn_table *table, double value, int decimals);
void mn_table_mean(mn_table *table, double mean, double deviation); /* "77.61 ± 0.81" */

/* Columns two spaces apart; one is aligned right when all its cells but the heading are numbers. */
void mn_table_print(const mn_table *table, FILE *stream);

#endif
