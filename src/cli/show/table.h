/* table.h -- tables: aligned for people, or in the language of a paper, a spreadsheet, a program.
 */
#ifndef MN_CLI_TABLE_H
#define MN_CLI_TABLE_H

#include "cli/arguments.h"

#include <stdio.h>

typedef enum mn_form {
    MN_FORM_TABLE, /* aligned, for a terminal */
    MN_FORM_MARKDOWN,
    MN_FORM_LATEX, /* tabular, with the lines of booktabs */
    MN_FORM_CSV,   /* a mean and a range take two columns each */
    MN_FORM_JSON,  /* a list of rows, each an object; numbers are numbers */
} mn_form;

/* Where tables go, one after the other, and in which form. */
typedef struct mn_writer {
    mn_form form;
    FILE *stream;
    int tables; /* written so far */
} mn_writer;

/* The flag --format of commands that write tables, for their lists of flags. */
#define MN_FORMAT_FLAG                                                                             \
    {                                                                                              \
        .name = "format", .value = "NAME",                                                         \
        .help = "how tables are written: table (default), markdown, latex, csv or json"            \
    }

/* A writer to standard output in the form that --format names, or --json, which is short for
 * --format json. */
mn_status mn_writer_read(const mn_arguments *arguments, mn_writer *writer);
/* What stands around tables for people; other forms have tables alone. */
void mn_say(const mn_writer *writer, const char *format, ...) MN_PRINTF(2, 3);

typedef struct mn_table mn_table;

/* An empty table of so many columns. */
mn_table *mn_table_new(int columns);
void mn_table_free(mn_table *table);
/* A line above the table; the first column in CSV. */
void mn_table_title(mn_table *table, const char *format, ...) MN_PRINTF(2, 3);

/* Cells fill the table from left to right; the first row added is the heading.  Every form writes
 * text in its own language: what is in a name means nothing to it. */
void mn_table_text(mn_table *table, const char *format, ...) MN_PRINTF(2, 3);
/* NaN: there is none, which is shown as "-". */
void mn_table_number(mn_table *table, double value, int decimals);
void mn_table_none(mn_table *table);
/* "77.61 ± 0.81", of 2 decimals */
void mn_table_mean(mn_table *table, double mean, double deviation, int decimals);
/* "1.20 to 3.40"; `sign`: also before what is above 0. */
void mn_table_range(mn_table *table, double low, double high, bool sign, int decimals);

/* For people: columns two spaces apart; one is aligned right when all its cells but the heading are
 * numbers. */
void mn_table_print(const mn_table *table, mn_writer *writer);

#endif
