/* older.c -- run files of an earlier schema.
 *
 * What an older file says in the words of this schema is written down once, as views (older.sql).
 * A reader looks through them.  A run that goes on is converted first: the tables that changed are
 * made anew from the same views.  Tables that did not change keep their declarations. */
#include "store/older.h"
#include "store/connection.h"
#include "store/database.h"
#include "store/log.h"
#include "store/schema.h"

static const char *const changed[] = {"run",   "task",    "task_class", "test_label", "scalar",
                                      "probe", "network", "tensor",     "cursor"};
enum { CHANGED = sizeof changed / sizeof changed[0] };

bool mn_older_is_known(int64_t version)
{
    return version == 1 || version == 2;
}

static mn_status execute_and_free(mn_runfile *file, char *sql, const char *action)
{
    const mn_status status = sql != NULL ? mn_database_execute(file, sql, action)
                                         : mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    sqlite3_free(sql);
    return status;
}

/* Schema 3 only adds tables to schema 2. */
mn_status mn_older_read(mn_runfile *file)
{
    if (file->version != 1)
        return MN_OK;
    return execute_and_free(file, mn_schema_older(), "be read as an older run file");
}

/* Executes the text that each row of a query is. */
static mn_status execute_rows(mn_runfile *file, const char *query)
{
    sqlite3_str *all = sqlite3_str_new(file->database);
    sqlite3_stmt *rows;
    if (sqlite3_prepare_v2(file->database, query, -1, &rows, NULL) != SQLITE_OK) {
        sqlite3_free(sqlite3_str_finish(all));
        return mn_database_failed(file, "be converted");
    }
    int code;
    while ((code = sqlite3_step(rows)) == SQLITE_ROW)
        sqlite3_str_appendf(all, "%s;", (const char *)sqlite3_column_text(rows, 0));
    const mn_status status = code == SQLITE_DONE ? MN_OK : mn_database_failed(file, "be converted");
    sqlite3_finalize(rows);
    sqlite3_str_appendall(all, ";"); /* a text, even when there are no rows */
    char *sql = sqlite3_str_finish(all);
    if (status == MN_OK)
        return execute_and_free(file, sql, "be converted");
    sqlite3_free(sql);
    return status;
}

static mn_status for_each_changed(mn_runfile *file, const char *format)
{
    for (int i = 0; i < CHANGED; i++)
        MN_TRY(execute_and_free(file, sqlite3_mprintf(format, changed[i], changed[i]),
                                "be converted"));
    return MN_OK;
}

static mn_status convert_first(mn_runfile *file)
{
    MN_TRY(for_each_changed(file, "CREATE TEMP TABLE moved_%s AS SELECT * FROM temp.%s"));
    MN_TRY(execute_rows(file, "SELECT 'DROP VIEW temp.\"' || name || '\"' FROM temp.sqlite_schema "
                              "WHERE type = 'view'"));
    MN_TRY(execute_rows(file, "SELECT 'DROP VIEW main.\"' || replace(name, '\"', '\"\"') || '\"' "
                              "FROM main.sqlite_schema WHERE type = 'view'"));
    MN_TRY(for_each_changed(file, "DROP TABLE IF EXISTS main.%s"));
    MN_TRY(execute_and_free(file, mn_schema_tables(), "be converted"));
    MN_TRY(for_each_changed(file, "INSERT INTO main.%s SELECT * FROM temp.moved_%s"));
    MN_TRY(for_each_changed(file, "DROP TABLE temp.moved_%s"));
    return execute_and_free(file, mn_schema_metrics(false), "be converted");
}

static mn_status convert(mn_runfile *file)
{
    if (file->version == 1)
        MN_TRY(convert_first(file));
    else
        MN_TRY(execute_and_free(file, mn_schema_tables(), "be converted"));
    MN_TRY(mn_log_mark(file));
    return execute_and_free(file, sqlite3_mprintf("PRAGMA user_version = %d", MN_SCHEMA_VERSION),
                            "be converted");
}

mn_status mn_older_convert(mn_runfile *file)
{
    MN_TRY(mn_write_ahead(file));
    MN_TRY(mn_database_execute(file, "BEGIN IMMEDIATE", "be converted"));
    const mn_status status = convert(file);
    if (status == MN_OK)
        MN_TRY(mn_database_execute(file, "COMMIT", "be converted"));
    else
        sqlite3_exec(file->database, "ROLLBACK", NULL, NULL, NULL);
    mn_finalize_statements(file); /* of tables that are gone */
    return status;
}
