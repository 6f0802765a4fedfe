/* connection.c -- SQLite's connection to a run file.
 *
 * What a commit has promised must survive a power cut, so the log is synced at every commit.  No
 * journal of SQLite's older kind is ever written: only the mode itself is changed outside the log,
 * which changes a few bytes of the first sector.  So nothing but FILE-wal can be taken for a part
 * of a file. */
#include "store/connection.h"
#include "base/clock.h"
#include "store/database.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLOSE_MILLISECONDS = 200, LONGEST_NAP = 50 };

static const double patience = 5; /* seconds */

void mn_finalize_statements(mn_runfile *file)
{
    for (int i = 0; i < file->statements; i++)
        sqlite3_finalize(file->statement[i].statement);
    file->statements = 0;
}

void mn_disconnect(mn_runfile *file)
{
    mn_finalize_statements(file);
    sqlite3_close_v2(file->database);
    file->database = NULL;
}

void mn_connection_trust(mn_runfile *file)
{
    sqlite3_db_config(file->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

static void say_that_it_waits(mn_runfile *file)
{
    char line[1024];
    snprintf(line, sizeof line,
             "%s is locked by another program that reads or writes it; waiting until it is free",
             file->path);
    if (file->observer->log != NULL)
        file->observer->log(file->observer->context, MN_LOG_WARNING, line);
    file->said_waiting = true;
}

/* Another program holds a lock: a run waits for as long as it takes, a reader a few seconds. */
static int wait_for_lock(void *context, int naps)
{
    mn_runfile *file = context;
    const mn_observer *observer = file->observer;
    const double now = mn_now();
    if (naps == 0)
        file->waiting_since = now;
    if (now - file->waiting_since > patience) {
        if (observer == NULL)
            return 0;
        if (!file->said_waiting)
            say_that_it_waits(file);
    }
    if (observer != NULL && observer->stop != NULL && observer->stop(observer->context))
        return 0;
    usleep(1000 * (useconds_t)(naps < LONGEST_NAP ? naps + 1 : LONGEST_NAP));
    return 1;
}

/* A file may come from anybody: nothing in its schema may do more than our own tables do, it brings
 * no code in, and it reaches no other file. */
static void confine(sqlite3 *database)
{
    static const int off[] = {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
                              SQLITE_DBCONFIG_ENABLE_VIEW, /* but for our own temporary ones */
                              SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION,
                              SQLITE_DBCONFIG_WRITABLE_SCHEMA};
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
        sqlite3_db_config(database, off[i], 0, NULL);
    sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

mn_status mn_connect_as(mn_runfile *file, const char *name, int flags)
{
    sqlite3 *database;
    const int code = sqlite3_open_v2(name, &database, flags | SQLITE_OPEN_NOMUTEX, NULL);
    file->database = database;
    if (database == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    sqlite3_extended_result_codes(database, 1);
    if (code != SQLITE_OK)
        return mn_database_failed(file, "be opened");
    sqlite3_busy_handler(database, wait_for_lock, file);
    confine(database);
    if (mn_database_add_functions(database) != SQLITE_OK)
        return mn_database_failed(file, "be used");
    return mn_database_execute(file, "PRAGMA cell_size_check = ON", "be opened");
}

mn_status mn_connect_alone(mn_runfile *file)
{
    sqlite3_str *name = sqlite3_str_new(NULL);
    sqlite3_str_appendall(name, "file:");
    for (const char *c = file->path; *c != '\0'; c++)
        sqlite3_str_appendf(name, strchr("?#%", *c) == NULL ? "%c" : "%%%02x", *c);
    sqlite3_str_appendall(name, "?immutable=1");
    char *uri = sqlite3_str_finish(name);
    if (uri == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    const mn_status status = mn_connect_as(file, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    sqlite3_free(uri);
    return status;
}

static mn_status is_write_ahead(mn_runfile *file, bool *is)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(mn_database_prepare(file, "PRAGMA journal_mode", &statement));
    MN_TRY(mn_database_step(file, statement, &row, "be read"));
    const char *mode = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    *is = mode != NULL && strcmp(mode, "wal") == 0;
    sqlite3_reset(statement);
    return MN_OK;
}

mn_status mn_write_ahead(mn_runfile *file)
{
    bool is;
    MN_TRY(is_write_ahead(file, &is));
    mn_finalize_statements(file);
    if (!is)
        MN_TRY(mn_database_execute(file, "PRAGMA journal_mode = MEMORY; PRAGMA journal_mode = WAL",
                                   "be written"));
    return mn_database_execute(file, "PRAGMA synchronous = FULL", "be written");
}

mn_status mn_fold_log(mn_runfile *file)
{
    sqlite3_busy_timeout(file->database, CLOSE_MILLISECONDS);
    MN_TRY(mn_database_execute(file, "PRAGMA wal_checkpoint(TRUNCATE)", "fold its log in"));
    const mn_status status =
        mn_database_execute(file, "PRAGMA journal_mode = MEMORY", "fold its log in");
    return status == MN_BUSY ? MN_OK : status;
}

mn_status mn_ask_int(mn_runfile *file, const char *pragma, int64_t *value)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(mn_database_prepare(file, pragma, &statement));
    MN_TRY(mn_database_step(file, statement, &row, "be read"));
    *value = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return MN_OK;
}
