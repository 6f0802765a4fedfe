/* runfile.c -- a run file's life: created, opened, written in transactions, closed.
 *
 * While it is written it is in SQLite's write-ahead mode, so that others can read the last commit;
 * a clean close folds the log in and leaves the one file, in a mode that a read-only medium can
 * hold.
 */
#include "store/runfile.h"
#include "base/text.h"
#include "store/database.h"
#include "store/filesystem.h"
#include "store/heap.h"
#include "store/older.h"
#include "store/owner.h"
#include "store/schema.h"

#include <errno.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUSY_MILLISECONDS = 5000,
    CLOSE_MILLISECONDS = 200,
    QUICK_BYTES = 64 << 20, /* read in a few hundredths of a second */
};

const char *mn_runfile_sqlite_version(void)
{
    return sqlite3_libversion();
}

const char *mn_runfile_path(const mn_runfile *file)
{
    return file->path;
}

static mn_status new_runfile(const char *path, mn_access access, mn_runfile **file)
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
    (*file)->lock = -1;
    return MN_OK;
}

static void finalize_statements(mn_runfile *file)
{
    for (int i = 0; i < file->statements; i++)
        sqlite3_finalize(file->statement[i].statement);
    file->statements = 0;
}

static void disconnect(mn_runfile *file)
{
    finalize_statements(file);
    sqlite3_close_v2(file->database);
    file->database = NULL;
}

static void free_runfile(mn_runfile *file)
{
    disconnect(file);
    mn_owner_unlock(file->lock, file->lock_name);
    mn_memory_give(file->scratch);
    mn_memory_give(file->path);
    mn_memory_give(file);
}

/* A file may come from anybody: nothing in its schema may do more than our own tables do. */
static mn_status connect_as(mn_runfile *file, const char *name, int flags)
{
    sqlite3 *database;
    const int code = sqlite3_open_v2(name, &database, flags | SQLITE_OPEN_NOMUTEX, NULL);
    file->database = database;
    if (database == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    sqlite3_extended_result_codes(database, 1);
    if (code != SQLITE_OK)
        return mn_database_failed(file, "be opened");
    sqlite3_busy_timeout(database, BUSY_MILLISECONDS);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (mn_database_add_functions(database) != SQLITE_OK)
        return mn_database_failed(file, "be used");
    return mn_database_execute(file, "PRAGMA cell_size_check = ON", "be opened");
}

static mn_status write_ahead(mn_runfile *file)
{
    MN_TRY(mn_database_execute(file, "PRAGMA journal_mode = WAL", "be written"));
    return mn_database_execute(file, "PRAGMA synchronous = NORMAL", "be written");
}

static mn_status create_schema(mn_runfile *file)
{
    char *tables = mn_schema_tables(), *metrics = mn_schema_metrics(false);
    char *sql =
        sqlite3_mprintf("PRAGMA page_size = 16384; BEGIN IMMEDIATE;"
                        "PRAGMA application_id = %d; PRAGMA user_version = %d; %s %s COMMIT",
                        MN_APPLICATION_ID, MN_SCHEMA_VERSION, tables, metrics);
    const mn_status status = tables == NULL || metrics == NULL || sql == NULL
                                 ? mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path)
                                 : mn_database_execute(file, sql, "be created");
    sqlite3_free(tables);
    sqlite3_free(metrics);
    sqlite3_free(sql);
    return status;
}

static mn_status refuse_existing(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return errno == ENOENT ? MN_OK : mn_fail(MN_IO_FAILED, "%s: %s", path, strerror(errno));
    if (S_ISREG(about.st_mode) && about.st_size == 0)
        return MN_OK;
    return mn_fail(MN_BAD_OPTION,
                   "%s exists; continue it with 'mneme resume %s', or choose another with --out",
                   path, path);
}

/* Of a creation that failed: nobody else has seen the file. */
static void remove_traces(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (int i = 0; i < 4; i++) {
        char *name = sqlite3_mprintf("%s%s", path, suffixes[i]);
        if (name != NULL)
            unlink(name);
        sqlite3_free(name);
    }
}

static mn_status create_locked(mn_runfile *file)
{
    MN_TRY(refuse_existing(file->path)); /* again: now nobody else can create it */
    mn_status status = connect_as(file, file->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (status == MN_OK)
        status = create_schema(file);
    if (status == MN_OK)
        status = write_ahead(file);
    if (status == MN_OK)
        status = mn_owner_take(file);
    if (status != MN_OK) {
        disconnect(file);
        remove_traces(file->path);
    }
    return status;
}

static mn_status ask_int(mn_runfile *file, const char *pragma, int64_t *value)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(mn_database_prepare(file, pragma, &statement));
    MN_TRY(mn_database_step(file, statement, &row, "be read"));
    *value = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return MN_OK;
}

static mn_status check_kind(mn_runfile *file)
{
    int64_t application, version;
    MN_TRY(ask_int(file, "PRAGMA application_id", &application));
    MN_TRY(ask_int(file, "PRAGMA user_version", &version));
    if (application != MN_APPLICATION_ID)
        return mn_fail(MN_CORRUPT, "%s is a database, but not a run file of mneme", file->path);
    file->older = mn_older_is_known(version);
    if (version == MN_SCHEMA_VERSION || file->older)
        return MN_OK;
    return mn_fail(MN_WRONG_VERSION,
                   "%s has schema %lld, and this mneme knows those up to %d; use the mneme that "
                   "wrote it",
                   file->path, (long long)version, MN_SCHEMA_VERSION);
}

static mn_status integrity_check(mn_runfile *file, const char *pragma)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(mn_database_prepare(file, pragma, &statement));
    MN_TRY(mn_database_step(file, statement, &row, "be checked"));
    const char *text = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    mn_status status = MN_OK;
    if (text == NULL || strcmp(text, "ok") != 0)
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
    if (file->older)
        MN_TRY(mn_older_read(file));
    return mn_database_verify(file);
}

static mn_status check_regular(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return errno == ENOENT ? mn_fail(MN_NOT_FOUND, "%s: there is no such file", path)
                               : mn_fail(MN_IO_FAILED, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return mn_fail(MN_CORRUPT, "%s is not a file", path);
    if (about.st_size == 0)
        return mn_fail(MN_CORRUPT, "%s is empty; remove it, and start the run again", path);
    return MN_OK;
}

static mn_status open_to_read(mn_runfile *file);

/* The lock is held elsewhere: says by whom, if the file can tell. */
static mn_status name_the_writer(const char *path)
{
    mn_runfile *reader;
    if (new_runfile(path, MN_READ, &reader) != MN_OK)
        return MN_NO_MEMORY;
    if (open_to_read(reader) != MN_OK) {
        free_runfile(reader);
        return mn_fail(MN_BUSY, "%s is being written by another process; wait for it, or stop it",
                       path);
    }
    const mn_status status = mn_owner_busy(reader);
    free_runfile(reader);
    return status;
}

static mn_status open_to_write(mn_runfile *file)
{
    MN_TRY(mn_check_filesystem(file->path));
    const mn_status status = mn_owner_lock(file->path, &file->lock, &file->lock_name);
    if (status == MN_BUSY)
        return name_the_writer(file->path);
    MN_TRY(status);
    MN_TRY(connect_as(file, file->path, SQLITE_OPEN_READWRITE));
    if (sqlite3_db_readonly(file->database, "main") == 1)
        return mn_fail(MN_IO_FAILED, "%s is read-only; copy it to where it can be written",
                       file->path);
    MN_TRY(check_kind(file));
    MN_TRY(check_contents(file));
    if (file->older) {
        finalize_statements(file);
        MN_TRY(mn_older_convert(file));
        file->older = false;
    }
    MN_TRY(write_ahead(file));
    return mn_owner_take(file);
}

/* A reader may write, so as to fold in the log of a writer that died; but it changes nothing. */
static mn_status open_in_place(mn_runfile *file)
{
    MN_TRY(connect_as(file, file->path, SQLITE_OPEN_READWRITE));
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
    sqlite3_str *name = sqlite3_str_new(NULL);
    sqlite3_str_appendall(name, "file:");
    for (const char *c = file->path; *c != '\0'; c++)
        sqlite3_str_appendf(name, strchr("?#%", *c) == NULL ? "%c" : "%%%02x", *c);
    sqlite3_str_appendall(name, "?immutable=1");
    char *uri = sqlite3_str_finish(name);
    if (uri == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    mn_status status = connect_as(file, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    sqlite3_free(uri);
    if (status == MN_OK)
        status = check_kind(file);
    return status;
}

static mn_status open_to_read(mn_runfile *file)
{
    mn_status status = open_in_place(file);
    if (status == MN_IO_FAILED) {
        disconnect(file);
        status = open_immutable(file);
    }
    MN_TRY(status);
    return check_contents(file);
}

mn_status mn_runfile_create(const char *path, mn_runfile **file)
{
    *file = NULL;
    MN_TRY(mn_check_filesystem(path));
    MN_TRY(refuse_existing(path));
    mn_runfile *made;
    MN_TRY(new_runfile(path, MN_WRITE, &made));
    mn_status status = mn_owner_lock(path, &made->lock, &made->lock_name);
    if (status == MN_BUSY)
        status = name_the_writer(path);
    else if (status == MN_OK)
        status = create_locked(made);
    if (status == MN_OK)
        *file = made;
    else
        free_runfile(made);
    return status;
}

mn_status mn_runfile_open(const char *path, mn_access access, mn_runfile **file)
{
    *file = NULL;
    MN_TRY(check_regular(path));
    mn_runfile *made;
    MN_TRY(new_runfile(path, access, &made));
    const mn_status status = access == MN_WRITE ? open_to_write(made) : open_to_read(made);
    if (status == MN_OK)
        *file = made;
    else
        free_runfile(made);
    return status;
}

/* Leaves one file.  A reader that is still there keeps the log alive, and folds it in when it
 * closes. */
static mn_status fold_log(mn_runfile *file)
{
    sqlite3_busy_timeout(file->database, CLOSE_MILLISECONDS);
    MN_TRY(mn_database_execute(file, "PRAGMA wal_checkpoint(TRUNCATE)", "fold its log in"));
    const mn_status status =
        mn_database_execute(file, "PRAGMA journal_mode = DELETE", "fold its log in");
    return status == MN_BUSY ? MN_OK : status;
}

mn_status mn_runfile_close(mn_runfile *file)
{
    if (file == NULL)
        return MN_OK;
    mn_runfile_rollback(file);
    mn_status status = MN_OK;
    if (file->access == MN_WRITE) {
        status = mn_owner_release(file);
        finalize_statements(file);
        const mn_status folded = fold_log(file);
        status = status == MN_OK ? folded : status;
    }
    free_runfile(file);
    return status;
}
