/* open.c -- connecting to a run file that is there, to read or to write, once it is known to be
 * sound.
 */
#include "store/open.h"
#include "base/text.h"
#include "store/check.h"
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

/* Checks that the contents are sound, and prepares to read them as this schema has them. */
static mn_status check_contents(mn_runfile *file)
{
    MN_TRY(mn_check_schema(file));
    MN_TRY(mn_older_read(file));
    return file->access == MN_WRITE ? mn_runfile_check(file) : mn_check_contents(file);
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
