/* database.c -- SQLite behind mn_status: statements kept prepared, errors in one line, row checks.
 *
 * SQLite may roll a transaction back by itself (a full disk) and would then run the statements
 * that follow each in a transaction of its own.  So a failure dooms the transaction: whatever
 * follows is refused until the caller rolls back.
 */
#include "store/database.h"

#include <errno.h>
#include <mneme/memory.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

mn_status mn_status_of_sqlite(int code, int error)
{
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return MN_DISK_FULL;
    if (code == SQLITE_IOERR_NOMEM)
        return MN_NO_MEMORY;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return MN_OK;
    case SQLITE_NOMEM: return MN_NO_MEMORY;
    case SQLITE_FULL: return MN_DISK_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_AUTH:                     /* a view in a table's place */
    case SQLITE_ERROR: return MN_CORRUPT; /* our own SQL does not fit what the file holds */
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return MN_BUSY;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG: return MN_BAD_VALUE;
    default: return MN_IO_FAILED; /* IOERR, READONLY, CANTOPEN, PERM, ... */
    }
}

static const char *advice(mn_status status, int code)
{
    if (status == MN_DISK_FULL)
        return "; make room and go on: what was committed before is intact";
    switch (code & 0xff) {
    case SQLITE_NOTADB: return "; it is no run file, or a damaged one";
    case SQLITE_CORRUPT: return "; it is damaged: use a copy of the file";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN: return "; is the file or its folder read-only, or the disk full?";
    default: return "";
    }
}

/* A COMMIT's failure is not known to sqlite3_system_errno(); of a file that could not be made or
 * shared only that knows. */
int mn_database_errno(sqlite3 *database)
{
    static const int which[] = {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER};
    int error = 0;
    for (int i = 0; i < 2 && error == 0; i++) {
        sqlite3_file *opened = NULL;
        if (sqlite3_file_control(database, "main", which[i], &opened) == SQLITE_OK &&
            opened != NULL && opened->pMethods != NULL)
            opened->pMethods->xFileControl(opened, SQLITE_FCNTL_LAST_ERRNO, &error);
    }
    return error != 0 ? error : sqlite3_system_errno(database);
}

mn_status mn_database_failed(mn_runfile *file, const char *action)
{
    const int code = sqlite3_extended_errcode(file->database);
    const bool system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    mn_status status = mn_status_of_sqlite(code, system ? mn_database_errno(file->database) : 0);
    if (status == MN_BUSY && file->observer != NULL && file->observer->stop != NULL &&
        file->observer->stop(file->observer->context))
        status = MN_INTERRUPTED; /* while a lock was waited for */
    if (status == MN_OK)         /* the failure was not SQLite's last word */
        status = MN_IO_FAILED;
    file->failed = file->transaction;
    const char *why = status == MN_DISK_FULL ? "no space left"
                      : status == MN_NO_MEMORY
                          ? "out of memory" /* SQLite may say what it was for */
                          : sqlite3_errmsg(file->database);
    return mn_fail(status, "%s: cannot %s: %s%s", file->path, action, why, advice(status, code));
}

mn_status mn_database_execute(mn_runfile *file, const char *sql, const char *action)
{
    if (sqlite3_exec(file->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return mn_database_failed(file, action);
    return MN_OK;
}

mn_status mn_database_prepare(mn_runfile *file, const char *sql, sqlite3_stmt **statement)
{
    if (file->transaction && (file->failed || sqlite3_get_autocommit(file->database)))
        return mn_fail(MN_OUT_OF_ORDER,
                       "%s: this transaction has failed; roll it back before another", file->path);
    int i = 0;
    while (i < file->statements && file->statement[i].sql != sql)
        i++;
    if (i == MN_MAX_STATEMENTS)
        return mn_fail(MN_UNSUPPORTED, "%s: more than %d kinds of statement", file->path,
                       MN_MAX_STATEMENTS);
    if (i == file->statements) {
        if (sqlite3_prepare_v3(file->database, sql, -1, SQLITE_PREPARE_PERSISTENT,
                               &file->statement[i].statement, NULL) != SQLITE_OK)
            return mn_database_failed(file, "use the database");
        if (file->access == MN_READ && !sqlite3_stmt_readonly(file->statement[i].statement)) {
            sqlite3_finalize(file->statement[i].statement);
            return mn_fail(MN_OUT_OF_ORDER, "%s was opened for reading", file->path);
        }
        file->statement[i].sql = sql;
        file->statements++;
    }
    *statement = file->statement[i].statement;
    sqlite3_reset(*statement);
    return MN_OK;
}

mn_status mn_database_step(mn_runfile *file, sqlite3_stmt *statement, bool *row, const char *action)
{
    const int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    if (*row)
        return MN_OK;
    const mn_status status = code == SQLITE_DONE ? MN_OK : mn_database_failed(file, action);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement); /* they may point to memory of the caller */
    return status;
}

mn_status mn_database_run(mn_runfile *file, sqlite3_stmt *statement, const char *action)
{
    bool row = true;
    while (row)
        MN_TRY(mn_database_step(file, statement, &row, action));
    return MN_OK;
}

mn_status mn_database_scratch(mn_runfile *file, size_t bytes, unsigned char **scratch)
{
    if (bytes > file->scratch_bytes) {
        unsigned char *larger = mn_memory_resize(file->scratch, bytes, 1);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "%s: out of memory for %zu bytes", file->path, bytes);
        file->scratch = larger;
        file->scratch_bytes = bytes;
    }
    *scratch = file->scratch;
    return MN_OK;
}

static uLong crc_of_bytes(uLong crc, const void *bytes, size_t count)
{
    return count == 0 ? crc : crc32_z(crc, bytes, count);
}

static uLong crc_of_number(uLong crc, uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    return crc_of_bytes(crc, bytes, sizeof bytes);
}

static uLong crc_of_value(uLong crc, sqlite3_value *value)
{
    const int type = sqlite3_value_type(value);
    crc = crc_of_number(crc, (uint64_t)type);
    if (type == SQLITE_INTEGER)
        return crc_of_number(crc, (uint64_t)sqlite3_value_int64(value));
    if (type == SQLITE_FLOAT) {
        const double real = sqlite3_value_double(value);
        uint64_t bits;
        memcpy(&bits, &real, sizeof bits);
        return crc_of_number(crc, bits);
    }
    if (type == SQLITE_NULL)
        return crc;
    const void *bytes =
        type == SQLITE_TEXT ? (const void *)sqlite3_value_text(value) : sqlite3_value_blob(value);
    const size_t count = (size_t)sqlite3_value_bytes(value);
    return crc_of_bytes(crc_of_number(crc, count), bytes, count);
}

static void row_crc(sqlite3_context *context, int count, sqlite3_value **values)
{
    uLong crc = crc32_z(0, NULL, 0);
    for (int i = 0; i < count; i++)
        crc = crc_of_value(crc, values[i]);
    sqlite3_result_int64(context, (sqlite3_int64)crc);
}

int mn_database_add_functions(sqlite3 *database)
{
    return sqlite3_create_function_v2(database, "row_crc", -1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
                                      row_crc, NULL, NULL, NULL);
}
