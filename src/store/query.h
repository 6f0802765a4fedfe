/* query.h -- read-only questions to a run file, for the floors above that may not see SQLite. */
#ifndef MN_STORE_QUERY_H
#define MN_STORE_QUERY_H

#include "store/handle.h"

typedef struct mn_query mn_query;

/* Prepares one SELECT; `sql` names its parameters ?1, ?2, ... */
mn_status mn_query_new(mn_runfile *file, const char *sql, mn_query **query);
void mn_query_free(mn_query *query); /* NULL is fine */
void mn_query_set_int(mn_query *query, int parameter, int64_t value);
void mn_query_set_text(mn_query *query, int parameter, const char *value); /* copied */
/* Moves to the next row; *row is false after the last. */
mn_status mn_query_next(mn_query *query, bool *row);
/* Columns of the current row, from 0.  A NULL is 0, NaN, NULL; text is valid until the next row. */
int64_t mn_query_int(const mn_query *query, int column);
double mn_query_real(const mn_query *query, int column);
const char *mn_query_text(const mn_query *query, int column);

/* Puts the metric views of this version of mneme in front of those in the file, so that a formula
 * corrected since, or damaged in the file, is not asked.  An open file has them. */
mn_status mn_query_own_metrics(mn_runfile *file);

#endif
