/* copy.c -- a consistent copy of a run file, finished or in progress.
 *
 * SQLite writes the copy from one read transaction, so it holds exactly one commit; the run that is
 * being copied goes on meanwhile.  The copy belongs to nobody: it can be resumed at once. */
#include "store/copy.h"
#include "base/folder.h"
#include "base/text.h"
#include "store/connection.h"
#include "store/database.h"
#include "store/log.h"
#include "store/open.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <unistd.h>

static mn_status vacuum_into(mn_runfile *file, const char *path)
{
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", path);
    if (sql == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    sqlite3_limit(file->database, SQLITE_LIMIT_ATTACHED, 1); /* the copy */
    const mn_status status = mn_database_execute(file, sql, "be copied");
    sqlite3_limit(file->database, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_free(sql);
    return status;
}

/* It has no owner, and a mark of its own: a log of the run that was copied is none of the copy's.
 */
static mn_status disown(mn_runfile *copy, int64_t version)
{
    MN_TRY(mn_connect_as(copy, copy->path, SQLITE_OPEN_READWRITE));
    MN_TRY(mn_database_execute(copy,
                               "PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE; "
                               "DELETE FROM run WHERE key GLOB 'owner.*'",
                               "be written"));
    if (version == MN_SCHEMA_VERSION)
        MN_TRY(mn_log_mark(copy));
    return mn_database_execute(copy, "COMMIT", "be written");
}

static mn_status copy_to(mn_runfile *file, const char *part)
{
    mn_runfile *copy;
    MN_TRY(vacuum_into(file, part));
    MN_TRY(mn_runfile_new(part, MN_WRITE, NULL, &copy));
    const mn_status status = disown(copy, file->version);
    mn_runfile_free(copy);
    return status;
}

mn_status mn_runfile_copy(mn_runfile *file, const char *path)
{
    if (access(path, F_OK) == 0)
        return mn_fail(MN_BAD_OPTION, "%s exists; choose another name for the copy", path);
    char *part = mn_text_format("%s.part", path);
    if (part == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    (void)unlink(part); /* of a copy that was killed */
    mn_status status = copy_to(file, part);
    if (status == MN_OK)
        status = mn_folder_take_name(part, path);
    if (status != MN_OK)
        (void)unlink(part);
    mn_memory_give(part);
    return status;
}
