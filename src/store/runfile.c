/* runfile.c -- a run file's life: opened, written in transactions, closed.
 *
 * While it is written it is in SQLite's write-ahead mode, so that others can read the last commit;
 * a clean close folds the log in and leaves the one file, in a mode that a read-only medium can
 * hold.
 */
#include "store/runfile.h"
#include "store/check.h"
#include "store/connection.h"
#include "store/database.h"
#include "store/open.h"
#include "store/owner.h"
#include "store/records.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

const char *mn_runfile_sqlite_version(void)
{
    return sqlite3_libversion();
}

const char *mn_runfile_path(const mn_runfile *file)
{
    return file->path;
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

static mn_status open_as(const char *path, mn_access access, const mn_observer *observer,
                         mn_runfile **file)
{
    *file = NULL;
    MN_TRY(check_regular(path));
    mn_runfile *made;
    MN_TRY(mn_runfile_new(path, access, observer, &made));
    const mn_status status = access == MN_WRITE ? mn_open_to_write(made) : mn_open_to_read(made);
    if (status == MN_OK)
        *file = made;
    else
        mn_runfile_free(made);
    return status;
}

mn_status mn_runfile_open(const char *path, mn_access access, mn_runfile **file)
{
    return open_as(path, access, NULL, file);
}

mn_status mn_runfile_open_for(const mn_observer *observer, const char *path, mn_runfile **file)
{
    return open_as(path, MN_WRITE, observer, file);
}

mn_status mn_runfile_close(mn_runfile *file)
{
    if (file == NULL)
        return MN_OK;
    mn_runfile_rollback(file);
    mn_status status = MN_OK;
    if (file->access == MN_WRITE) {
        status = mn_owner_release(file);
        mn_finalize_statements(file);
        const mn_status folded = mn_fold_log(file);
        status = status == MN_OK ? folded : status;
    }
    mn_runfile_free(file);
    return status;
}

mn_status mn_runfile_look(const char *path, bool *done)
{
    mn_runfile *file;
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    mn_status status = mn_runfile_is_done(file, done);
    if (status == MN_OK && *done)
        status = mn_runfile_check(file);
    const mn_status closed = mn_runfile_close(file);
    return status != MN_OK ? status : closed;
}
