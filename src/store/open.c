/* open.c -- connecting to a run file that is there, to read or to write, once it is known to be
 * sound.
 */
#include "store/open.h"
#include "base/text.h"
#include "store/connection.h"
#include "store/database.h"
#include "store/filesystem.h"
#include "store/heap.h"
#include "store/log.h"
#include "store/older.h"
#include "store/owner.h"
#include "store/query.h"

#include <errno.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { QUICK_BYTES = 64 << 20 }; /* read in a few hundredths of a second */

mn_status mn_runfile_new(const char *path, mn_access access, const mn_observer *observer,
                         mn_runfile **file)
{
    mn_heap_begin();
    *file = mn_memory_take_zeroed(1, sizeof **file);
    char *copy = mn_text_copy(path);
    if (*file == NULL || copy == NULL) {
        mn_memory_give(*file);
        mn_memory_give(copy);
        *file = NULL;
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    }
    (*file)->path = copy;
    (*file)->access = access;
    (*file)->observer = observer;
    (*file)->lock = -1;
    return MN_OK;
}

void mn_runfile_free(mn_runfile *file)
{
    mn_disconnect(file);
    mn_owner_unlock(file->lock, file->lock_name);
    mn_memory_give(file->scratch);
    mn_memory_give(file->path);
    mn_memory_give(file);
}

static mn_status check_kind(mn_runfile *file)
{
    int64_t application, version;
    MN_TRY(mn_ask_int(file, "PRAGMA application_id", &application));
    MN_TRY(mn_ask_int(file, "PRAGMA user_version", &version));
    if (application != MN_APPLICATION_ID)
        return mn_fail(MN_CORRUPT, "%s is a database, but not a run file of mneme", file->path);
    file->version = version;
    if (version == MN_SCHEMA_VERSION || mn_older_is_known(version))
        return MN_OK;
    return mn_fail(MN_WRONG_VERSION,
                   "%s has schema %lld, and this mneme knows those up to %d; use the mneme that "
                   "wrote it",
                   file->path, (long long)version, MN_SCHEMA_VERSION);
}

/* Why a page could not be looked at, by what the check says of it; MN_OK: it was. */
static mn_status unread(mn_runfile *file, const char *text)
{
    static const char code[] = "error code=";
    const char *found = text != NULL ? strstr(text, code) : NULL;
    if (text == NULL)
        return mn_status_of_sqlite(sqlite3_extended_errcode(file->database), 0);
    return found != NULL ? mn_status_of_sqlite(atoi(found + sizeof code - 1), 0) : MN_OK;
}

static mn_status integrity_check(mn_runfile *file, const char *pragma)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(mn_database_prepare(file, pragma, &statement));
    MN_TRY(mn_database_step(file, statement, &row, "be checked"));
    const char *text = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    mn_status status = MN_OK;
    if (unread(file, text) == MN_NO_MEMORY)
        status = mn_fail(MN_NO_MEMORY, "%s: out of memory while it is checked", file->path);
    else if (text == NULL || strcmp(text, "ok") != 0)
        status = mn_fail(MN_CORRUPT, "%s is damaged (%s); use a copy of the file", file->path,
                         text == NULL ? "no answer" : text);
    sqlite3_reset(statement);
    return status;
}

/* Whether SQLite's trees and indices are whole: damaged, they could lose rows without a word.  All
 * of them before the file is written to; otherwise those of weights only as long as that is quick.
 */
static mn_status check_pages(mn_runfile *file)
{
    static const char *const small[] = {
        "PRAGMA integrity_check(run)",        "PRAGMA integrity_check(task)",
        "PRAGMA integrity_check(evaluation)", "PRAGMA integrity_check(cursor)",
        "PRAGMA integrity_check(kept)",       "PRAGMA integrity_check(exemplar)",
    };
    struct stat about;
    if (file->access == MN_WRITE || stat(file->path, &about) != 0 || about.st_size <= QUICK_BYTES)
        return integrity_check(file, "PRAGMA integrity_check(1)");
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        MN_TRY(integrity_check(file, small[i]));
    return MN_OK;
}

/* Checks that the contents are sound, and prepares to read them as this schema has them. */
static mn_status check_contents(mn_runfile *file)
{
    MN_TRY(check_pages(file));
    MN_TRY(mn_older_read(file));
    return mn_database_verify(file);
}

mn_status mn_name_the_writer(const char *path)
{
    mn_runfile *reader;
    if (mn_runfile_new(path, MN_READ, NULL, &reader) != MN_OK)
        return MN_NO_MEMORY;
    if (mn_open_to_read(reader) != MN_OK) {
        mn_runfile_free(reader);
        return mn_fail(MN_BUSY, "%s is being written by another process; wait for it, or stop it",
                       path);
    }
    const mn_status status = mn_owner_busy(reader);
    mn_runfile_free(reader);
    return status;
}

mn_status mn_open_to_write(mn_runfile *file)
{
    MN_TRY(mn_check_filesystem(file->path));
    const mn_status status = mn_owner_lock(file->path, &file->lock, &file->lock_name);
    if (status == MN_BUSY)
        return mn_name_the_writer(file->path);
    MN_TRY(status);
    MN_TRY(mn_log_check(file));
    MN_TRY(mn_connect_as(file, file->path, SQLITE_OPEN_READWRITE));
    if (sqlite3_db_readonly(file->database, "main") == 1)
        return mn_fail(MN_IO_FAILED, "%s is read-only; copy it to where it can be written",
                       file->path);
    MN_TRY(check_kind(file));
    MN_TRY(check_contents(file));
    if (file->version < MN_SCHEMA_VERSION)
        MN_TRY(mn_older_convert(file));
    MN_TRY(mn_runfile_begin_writing(file));
    return mn_owner_take(file);
}

mn_status mn_runfile_begin_writing(mn_runfile *file)
{
    mn_connection_trust(file);
    MN_TRY(mn_write_ahead(file));
    return mn_query_own_metrics(file);
}

/* A reader may write, so as to fold in the log of a writer that died; but it changes nothing. */
static mn_status open_in_place(mn_runfile *file)
{
    MN_TRY(mn_connect_as(file, file->path, SQLITE_OPEN_READWRITE));
    return check_kind(file);
}

/* In a folder where no index of a log can be made: fine as long as there is no log. */
static mn_status open_immutable(mn_runfile *file)
{
    char *log = sqlite3_mprintf("%s-wal", file->path);
    struct stat about;
    const bool logged = log == NULL || (stat(log, &about) == 0 && about.st_size > 0);
    sqlite3_free(log);
    if (logged)
        return mn_fail(MN_IO_FAILED,
                       "%s: its last commits are in %s-wal, which cannot be read in a read-only "
                       "folder; copy both files elsewhere",
                       file->path, file->path);
    MN_TRY(mn_connect_alone(file));
    return check_kind(file);
}

mn_status mn_open_to_read(mn_runfile *file)
{
    MN_TRY(mn_log_check(file));
    mn_status status = open_in_place(file);
    if (status == MN_IO_FAILED) {
        mn_disconnect(file);
        status = open_immutable(file);
    }
    MN_TRY(status);
    MN_TRY(check_contents(file));
    mn_connection_trust(file);
    return mn_query_own_metrics(file);
}
