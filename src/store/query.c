/* query.c -- SELECTs for the floors above, with SQLite kept out of their sight. */
#include "store/query.h"
#include "store/database.h"
#include "store/schema.h"

#include <math.h>
#include <mneme/memory.h>

struct mn_query {
    mn_runfile *file;
    sqlite3_stmt *statement;
};

mn_status mn_query_new(mn_runfile *file, const char *sql, mn_query **query)
{
    *query = mn_memory_take(1, sizeof **query);
    if (*query == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    **query = (mn_query){.file = file};
    if (sqlite3_prepare_v2(file->database, sql, -1, &(*query)->statement, NULL) == SQLITE_OK)
        return MN_OK;
    const mn_status status = mn_database_failed(file, "be queried");
    mn_query_free(*query);
    *query = NULL;
    return status;
}

void mn_query_free(mn_query *query)
{
    if (query == NULL)
        return;
    sqlite3_finalize(query->statement);
    mn_memory_give(query);
}

void mn_query_set_int(mn_query *query, int parameter, int64_t value)
{
    sqlite3_bind_int64(query->statement, parameter, value);
}

void mn_query_set_text(mn_query *query, int parameter, const char *value)
{
    sqlite3_bind_text(query->statement, parameter, value, -1, SQLITE_TRANSIENT);
}

mn_status mn_query_next(mn_query *query, bool *row)
{
    return mn_database_step(query->file, query->statement, row, "read its results");
}

int64_t mn_query_int(const mn_query *query, int column)
{
    return sqlite3_column_int64(query->statement, column);
}

double mn_query_real(const mn_query *query, int column)
{
    return sqlite3_column_type(query->statement, column) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(query->statement, column);
}

const char *mn_query_text(const mn_query *query, int column)
{
    return (const char *)sqlite3_column_text(query->statement, column);
}

mn_status mn_query_own_metrics(mn_runfile *file)
{
    char *views = mn_schema_metrics(true);
    if (views == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    const mn_status status = mn_database_execute(file, views, "define the metrics");
    sqlite3_free(views);
    return status;
}
