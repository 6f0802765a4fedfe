/* log.c -- whether FILE-wal belongs to FILE.
 *
 * SQLite takes whatever lies there.  So a file has a mark, a random number, whose page every commit
 * writes into the log: the mark seen without the log is the file's, the mark seen through it is the
 * log's. */
#include "store/log.h"
#include "store/connection.h"
#include "store/database.h"

#include <sys/random.h>
#include <sys/stat.h>

typedef struct mark {
    bool known;
    int64_t salt, commits;
} mark;

mn_status mn_log_mark(mn_runfile *file)
{
    sqlite3_stmt *statement;
    int64_t salt;
    if (getrandom(&salt, sizeof salt, 0) != (ssize_t)sizeof salt)
        return mn_fail(MN_IO_FAILED, "%s: the system gives no random number", file->path);
    MN_TRY(mn_database_prepare(file, "REPLACE INTO mark VALUES (1, ?1, 0, row_crc(?1, 0))",
                               &statement));
    sqlite3_bind_int64(statement, 1, salt);
    return mn_database_run(file, statement, "be marked");
}

mn_status mn_log_count_commit(mn_runfile *file)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(
        file, "UPDATE mark SET commits = commits + 1, crc = row_crc(salt, commits + 1)",
        &statement));
    return mn_database_run(file, statement, "commit");
}

static mn_status read_mark(mn_runfile *file, mark *found)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(mn_database_prepare(
        file, "SELECT salt, commits FROM mark WHERE crc = row_crc(salt, commits)", &statement));
    MN_TRY(mn_database_step(file, statement, &row, "be read"));
    if (row)
        *found =
            (mark){true, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1)};
    sqlite3_reset(statement);
    return MN_OK;
}

/* Nothing is known of a file of an earlier schema, or one that cannot be read by itself: the writer
 * may have died while it folded a log in. */
static mark mark_alone(mn_runfile *file)
{
    mark found = {.known = false};
    if (mn_connect_alone(file) == MN_OK)
        (void)read_mark(file, &found);
    mn_disconnect(file);
    return found;
}

static mn_status mark_with_log(mn_runfile *file, mark *found)
{
    *found = (mark){.known = false};
    mn_status status = mn_connect_as(file, file->path, SQLITE_OPEN_READWRITE);
    if (status == MN_OK)
        status = read_mark(file, found);
    mn_disconnect(file);
    return status;
}

mn_status mn_log_check(mn_runfile *file)
{
    char *log = sqlite3_mprintf("%s-wal", file->path);
    if (log == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", file->path);
    struct stat about;
    const bool logged = stat(log, &about) == 0 && about.st_size > 0;
    sqlite3_free(log);
    if (!logged)
        return MN_OK;
    const mark own = mark_alone(file); /* first: a writer that lives only adds commits */
    if (!own.known)
        return MN_OK;
    mark logs;
    const mn_status status = mark_with_log(file, &logs);
    if (status != MN_OK && status != MN_CORRUPT)
        return MN_OK; /* it cannot be read here: whoever opens it says why */
    if (!logs.known || logs.salt != own.salt)
        return mn_fail(MN_CORRUPT,
                       "%s: %s-wal is the log of another run; move it away, and the file is read "
                       "without it",
                       file->path, file->path);
    if (logs.commits < own.commits)
        return mn_fail(MN_CORRUPT,
                       "%s: %s-wal is older than the file, which is at commit %lld and the log at "
                       "%lld; move it away, and the file is read without it",
                       file->path, file->path, (long long)own.commits, (long long)logs.commits);
    return MN_OK;
}
