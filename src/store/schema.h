/* schema.h -- the tables of a run file, and the metrics that are views over them. */
#ifndef MN_STORE_SCHEMA_H
#define MN_STORE_SCHEMA_H

#include <stdbool.h>

/* The text of schema.sql, older.sql and metrics.sql; caller sqlite3_free()s; NULL: out of memory.
 * temporary: views as CREATE TEMP VIEW. */
char *mn_schema_tables(void);
char *mn_schema_older(void);
char *mn_schema_metrics(bool temporary);

#endif
