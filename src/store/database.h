/* database.h -- what the files of the store floor share: the connection, its statements, errors.
 *
 * No other floor includes this (or sqlite3.h).
 */
#ifndef MN_STORE_DATABASE_H
#define MN_STORE_DATABASE_H

#include "store/handle.h"

#include <mneme/observer.h>
#include <sqlite3.h>

enum {
    MN_APPLICATION_ID = 0x6d6e656d, /* "mnem" */
    MN_SCHEMA_VERSION = 3,
    MN_MAX_STATEMENTS = 48,
};

typedef struct mn_cached_statement {
    const char *sql; /* a literal: compared by address */
    sqlite3_stmt *statement;
} mn_cached_statement;

struct mn_runfile {
    char *path;
    sqlite3 *database;
    mn_access access;
    int lock; /* descriptor of FILE-lock, -1 for a reader */
    char *lock_name;
    const mn_observer *observer; /* told of locks that are waited for; NULL: nobody, and not long */
    double waiting_since;
    bool said_waiting;
    int64_t version;  /* of the schema */
    bool transaction; /* between begin and commit */
    bool failed;      /* something in that transaction failed, so it must not be committed */
    int statements;
    mn_cached_statement statement[MN_MAX_STATEMENTS];
    unsigned char *scratch;
    size_t scratch_bytes;
};

/* Turns SQLite's last error on this connection into a status and one line:
 * "FILE: cannot <action>: <why>"; inside a transaction, dooms it. */
mn_status mn_database_failed(mn_runfile *file, const char *action);
/* errno of the last failure of the file, its log or its index; 0 when there was none. */
int mn_database_errno(sqlite3 *database);
/* error: errno, 0 when it is not known. */
mn_status mn_status_of_sqlite(int code, int error);

/* Runs SQL text that returns no rows. */
mn_status mn_database_execute(mn_runfile *file, const char *sql, const char *action);

/* The prepared statement of a literal, reset and ready to bind.  Refuses when the transaction that
 * the caller believes in is gone: its rest must not land alone. */
mn_status mn_database_prepare(mn_runfile *file, const char *sql, sqlite3_stmt **statement);
/* Runs a bound statement that returns no rows. */
mn_status mn_database_run(mn_runfile *file, sqlite3_stmt *statement, const char *action);
/* Steps a bound statement; *row says whether there is one.  Ended or failed, it is reset. */
mn_status mn_database_step(mn_runfile *file, sqlite3_stmt *statement, bool *row,
                           const char *action);

/* Room for at least `bytes`, kept with the file; valid until the next call. */
mn_status mn_database_scratch(mn_runfile *file, size_t bytes, unsigned char **scratch);

/* The SQL function row_crc(...): the CRC-32 of its arguments, types and lengths included. */
int mn_database_add_functions(sqlite3 *database);

#endif
