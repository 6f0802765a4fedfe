/* create.c -- a run file comes into being whole.
 *
 * It is made under another name and takes its own when it is complete and on the disk.  Whatever
 * ends the process or the machine meanwhile, there is either no file by that name, and the same
 * command starts again, or one that can be resumed. */
#include "store/create.h"
#include "base/folder.h"
#include "base/text.h"
#include "store/connection.h"
#include "store/database.h"
#include "store/filesystem.h"
#include "store/log.h"
#include "store/open.h"
#include "store/owner.h"
#include "store/schema.h"
#include "store/transaction.h"

#include <errno.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a new file gets besides its tables. */
typedef struct contents {
    mn_runfile_fill fill; /* NULL: nothing */
    void *context;
} contents;

static mn_status create_tables(mn_runfile *file)
{
    char *tables = mn_schema_tables(), *metrics = mn_schema_metrics(false);
    char *sql = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; %s %s",
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
    return mn_fail(
        MN_BAD_OPTION,
        "%s exists; continue it with 'mneme resume %s', choose another with --out, or replace it "
        "with --overwrite",
        path, path);
}

/* A journal or log without its file: of one that was removed, or whose creation was killed. */
static void remove_traces(const char *path)
{
    static const char *const suffixes[] = {"-journal", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char *name = sqlite3_mprintf("%s%s", path, suffixes[i]);
        if (name != NULL)
            unlink(name);
        sqlite3_free(name);
    }
}

static mn_status fill_in_one_commit(mn_runfile *file, const contents *what)
{
    MN_TRY(mn_database_execute(
        file, "PRAGMA page_size = 16384; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL",
        "be created"));
    MN_TRY(mn_runfile_begin(file));
    MN_TRY(create_tables(file));
    MN_TRY(mn_log_mark(file));
    if (what->fill != NULL)
        MN_TRY(what->fill(what->context, file));
    MN_TRY(mn_owner_write(file));
    return mn_runfile_commit(file); /* which waits for the disk */
}

static mn_status make_as(mn_runfile *file, const char *name, const contents *what)
{
    remove_traces(name);
    (void)unlink(name);
    mn_status status = mn_connect_as(file, name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (status == MN_OK)
        status = fill_in_one_commit(file, what);
    mn_disconnect(file); /* which rolls back what is not committed */
    file->transaction = file->failed = false;
    if (status != MN_OK)
        return status;
    remove_traces(file->path);
    return mn_folder_take_name(name, file->path);
}

static mn_status connect(mn_runfile *file)
{
    MN_TRY(mn_connect_as(file, file->path, SQLITE_OPEN_READWRITE));
    return mn_runfile_begin_writing(file);
}

static mn_status make(mn_runfile *file, const contents *what)
{
    MN_TRY(refuse_existing(file->path));               /* again: now nobody else can create it */
    char *name = mn_text_format("%s-new", file->path); /* which is ours, as we hold the lock */
    if (name == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    mn_status status = make_as(file, name, what);
    if (status != MN_OK)
        (void)unlink(name);
    mn_memory_give(name);
    MN_TRY(status);
    status = connect(file);
    if (status != MN_OK) { /* nothing has been learnt: the name is free again */
        mn_disconnect(file);
        remove_traces(file->path);
        (void)unlink(file->path);
    }
    return status;
}

mn_status mn_runfile_create_filled(const char *path, mn_runfile_fill fill, void *context,
                                   const mn_observer *observer, mn_runfile **file)
{
    *file = NULL;
    MN_TRY(mn_check_filesystem(path));
    MN_TRY(refuse_existing(path));
    mn_runfile *made;
    MN_TRY(mn_runfile_new(path, MN_WRITE, observer, &made));
    mn_status status = mn_owner_lock(path, &made->lock, &made->lock_name);
    if (status == MN_BUSY)
        status = mn_name_the_writer(path);
    else if (status == MN_OK)
        status = make(made, &(contents){fill, context});
    if (status == MN_OK)
        *file = made;
    else
        mn_runfile_free(made);
    return status;
}

mn_status mn_runfile_create(const char *path, mn_runfile **file)
{
    return mn_runfile_create_filled(path, NULL, NULL, NULL, file);
}
