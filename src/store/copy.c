/* copy.c -- a consistent copy of a run file, finished or in progress.
 *
 * SQLite writes the copy from one read transaction, so it holds exactly one commit; the run that is
 * being copied goes on meanwhile.  The copy belongs to nobody: it can be resumed at once. */
#include "store/copy.h"
#include "base/text.h"
#include "store/database.h"

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

static mn_status disown(const char *part, const char *path)
{
    sqlite3 *copy;
    bool done = sqlite3_open_v2(part, &copy, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                sqlite3_exec(copy, "DELETE FROM run WHERE key GLOB 'owner.*'", NULL, NULL, NULL) ==
                    SQLITE_OK;
    const mn_status status = done
                                 ? MN_OK
                                 : mn_fail(mn_status_of_sqlite(sqlite3_errcode(copy), 0),
                                           "%s: cannot be written: %s", path, sqlite3_errmsg(copy));
    sqlite3_close(copy);
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
    mn_status status = vacuum_into(file, part);
    if (status == MN_OK)
        status = disown(part, path);
    if (status == MN_OK && rename(part, path) != 0)
        status = mn_fail(MN_IO_FAILED, "%s: cannot be created", path);
    if (status != MN_OK)
        (void)unlink(part);
    mn_memory_give(part);
    return status;
}
