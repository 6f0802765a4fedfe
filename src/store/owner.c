/* owner.c -- who may write a run file.
 *
 * A process id alone proves nothing: it is reused, and means another process in another container
 * or after a reboot.  So the owner is written with the start time of its process, the boot of its
 * kernel and its pid namespace, and is alive only if all of them agree.
 */
#include "store/owner.h"
#include "base/text.h"
#include "store/check.h"
#include "store/database.h"
#include "store/records.h"
#include "store/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct owner {
    char host[256], boot[64], pids[64]; /* pids: the namespace that the id below belongs to */
    char pid[24], started[24];          /* started: in clock ticks since the boot */
    char since[32];
} owner;

/* The owner's fields and their keys in the run table. */
#define OWNER_FIELDS(X)                                                                            \
    X(host, "owner.host")                                                                          \
    X(boot, "owner.boot")                                                                          \
    X(pids, "owner.pids")                                                                          \
    X(pid, "owner.pid")                                                                            \
    X(started, "owner.started")                                                                    \
    X(since, "owner.since")

/* Beside the file itself, also when `path` is a link to it: all its names share one lock. */
static mn_status lock_name(const char *path, char **name)
{
    char real[PATH_MAX];
    const char *rest = "";
    if (realpath(path, real) == NULL) {
        const char *slash = strrchr(path, '/');
        char *folder =
            slash == NULL ? mn_text_copy(".") : mn_text_copy_of(path, (size_t)(slash - path) + 1);
        const bool found = errno == ENOENT && folder != NULL && realpath(folder, real) != NULL;
        mn_memory_give(folder);
        if (!found)
            return mn_fail(MN_IO_FAILED, "%s: %s", path, strerror(errno));
        rest = slash == NULL ? path : slash + 1; /* to be created there */
    }
    *name = mn_text_format("%s%s%s-lock", real, rest[0] != '\0' ? "/" : "", rest);
    return *name != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
}

/* The holder before us may have removed the file whose lock we waited for. */
static bool still_there(int descriptor, const char *name)
{
    struct stat held, named;
    return fstat(descriptor, &held) == 0 && stat(name, &named) == 0 &&
           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static mn_status lock_named(const char *path, const char *name, int *descriptor)
{
    for (;;) {
        const int opened = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (opened < 0)
            return mn_fail(errno == ENOSPC || errno == EDQUOT ? MN_DISK_FULL : MN_IO_FAILED,
                           "%s: cannot create a file beside it: %s; choose a folder that can be "
                           "written",
                           path, strerror(errno));
        if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
            const int why = errno;
            close(opened);
            return why == EWOULDBLOCK
                       ? mn_fail(MN_BUSY, "%s is being written by another process", path)
                       : mn_fail(MN_IO_FAILED, "%s: cannot lock it: %s", name, strerror(why));
        }
        if (still_there(opened, name)) {
            *descriptor = opened;
            return MN_OK;
        }
        close(opened);
    }
}

mn_status mn_owner_lock(const char *path, int *descriptor, char **name)
{
    MN_TRY(lock_name(path, name));
    const mn_status status = lock_named(path, *name, descriptor);
    if (status != MN_OK) {
        mn_memory_give(*name);
        *name = NULL;
    }
    return status;
}

void mn_owner_unlock(int descriptor, char *name)
{
    if (descriptor >= 0) {
        unlink(name);
        close(descriptor);
    }
    mn_memory_give(name);
}

/* The first line of a file of /proc, "" when there is none. */
static void first_line(const char *name, char *text, size_t bytes)
{
    text[0] = '\0';
    FILE *stream = fopen(name, "re");
    if (stream == NULL)
        return;
    if (fgets(text, (int)bytes, stream) == NULL)
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    fclose(stream);
}

/* When a process started: field 22 of its stat line, counted behind its name, which may hold
 * spaces and parentheses.  "" when there is no such process, or one that has ended and is only kept
 * until its parent asks how (state Z or X). */
static void start_of(const char *pid, char started[24])
{
    char name[64], line[1024];
    snprintf(name, sizeof name, "/proc/%.20s/stat", pid);
    first_line(name, line, sizeof line);
    started[0] = '\0';
    char *field = strrchr(line, ')');
    if (field != NULL && (strncmp(field, ") Z", 3) == 0 || strncmp(field, ") X", 3) == 0))
        return;
    for (int i = 2; field != NULL && i < 22; i++)
        field = strchr(field + 1, ' ');
    if (field != NULL)
        snprintf(started, 24, "%.*s", (int)strcspn(field + 1, " "), field + 1);
}

static owner this_process(void)
{
    owner self = {.host = ""};
    if (gethostname(self.host, sizeof self.host - 1) != 0)
        strcpy(self.host, "?");
    first_line("/proc/sys/kernel/random/boot_id", self.boot, sizeof self.boot);
    const ssize_t length = readlink("/proc/self/ns/pid", self.pids, sizeof self.pids - 1);
    self.pids[length > 0 ? length : 0] = '\0';
    snprintf(self.pid, sizeof self.pid, "%jd", (intmax_t)getpid());
    start_of(self.pid, self.started);
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL)
        strftime(self.since, sizeof self.since, "%Y-%m-%d %H:%M:%S UTC", &utc);
    return self;
}

static mn_status copy_value(mn_runfile *file, const char *key, char *text, size_t bytes)
{
    char *value;
    MN_TRY(mn_runfile_find(file, key, &value));
    snprintf(text, bytes, "%s", value == NULL ? "" : value);
    mn_memory_give(value);
    return MN_OK;
}

static mn_status written_owner(mn_runfile *file, owner *who)
{
#define X(field, key) MN_TRY(copy_value(file, key, who->field, sizeof who->field));
    OWNER_FIELDS(X)
#undef X
    return MN_OK;
}

static mn_status busy(mn_status status, const char *path, const owner *who, const char *what_to_do)
{
    if (who->pid[0] == '\0')
        return mn_fail(status, "%s is being written by another process; wait for it, or stop it",
                       path);
    return mn_fail(status, "%s is being written by process %s on host %s since %s; %s", path,
                   who->pid, who->host, who->since, what_to_do);
}

mn_status mn_owner_busy(mn_runfile *file)
{
    owner who;
    MN_TRY(written_owner(file, &who));
    return busy(MN_BUSY, file->path, &who, "wait for it, or stop it");
}

/* The state of the owner, as far as `self` can tell from its host. */
typedef enum life { GONE, HERE, IN_ANOTHER_CONTAINER, ON_ANOTHER_HOST } life;

static life life_of(const owner *who, const owner *self)
{
    if (who->pid[0] == '\0')
        return GONE;
    const bool same_kernel = strcmp(who->boot, self->boot) == 0;
    if (!same_kernel && strcmp(who->host, self->host) != 0)
        return ON_ANOTHER_HOST;
    if (!same_kernel)
        return GONE; /* the machine was restarted since */
    if (strcmp(who->pids, self->pids) != 0)
        return IN_ANOTHER_CONTAINER; /* whose processes we cannot see */
    char started[24];
    start_of(who->pid, started);
    return started[0] != '\0' && strcmp(started, who->started) == 0 ? HERE : GONE;
}

/* Whether the written owner forbids `self`, who holds the lock, to write. */
static mn_status refuse_living(const char *path, const owner *who, const owner *self)
{
    const life found = life_of(who, self);
    if (found == ON_ANOTHER_HOST) {
        char advice[1024];
        snprintf(advice, sizeof advice,
                 "resume it there, or if that process is gone, release it with: "
                 "sqlite3 '%s' \"DELETE FROM run WHERE key GLOB 'owner.*'\"",
                 path);
        return busy(MN_UNSUPPORTED, path, who, advice); /* waiting would not help */
    }
    if (found != HERE) /* in another container: the lock has decided */
        return MN_OK;
    if (strcmp(who->pid, self->pid) == 0)
        return MN_OK; /* this process, which could not release it on an earlier close */
    return busy(MN_BUSY, path, who, "wait for it, or stop it");
}

/* Tests the lock only if the owner record is inconclusive, so that a process that is just resuming
 * is not refused. */
static mn_status is_locked(const char *path, bool *locked)
{
    char *name;
    MN_TRY(lock_name(path, &name));
    const int opened = open(name, O_RDONLY | O_CLOEXEC);
    mn_memory_give(name);
    *locked = opened >= 0 && flock(opened, LOCK_SH | LOCK_NB) != 0;
    if (opened >= 0)
        close(opened);
    return MN_OK;
}

mn_status mn_runfile_is_held(mn_runfile *file, bool *held)
{
    const owner self = this_process();
    owner who;
    MN_TRY(written_owner(file, &who));
    const life found = life_of(&who, &self);
    *held = found != GONE;
    return found == IN_ANOTHER_CONTAINER ? is_locked(file->path, held) : MN_OK;
}

mn_status mn_owner_write(mn_runfile *file)
{
    const owner self = this_process();
    owner who;
    MN_TRY(written_owner(file, &who));
    MN_TRY(refuse_living(file->path, &who, &self));
#define X(field, key) MN_TRY(mn_runfile_set(file, key, self.field));
    OWNER_FIELDS(X)
#undef X
    return MN_OK;
}

mn_status mn_owner_take(mn_runfile *file)
{
    MN_TRY(mn_runfile_begin(file));
    mn_status status = mn_digests_forget(file);
    if (status == MN_OK)
        status = mn_owner_write(file);
    if (status != MN_OK) {
        mn_runfile_rollback(file);
        return status;
    }
    return mn_runfile_commit(file);
}

static mn_status erase(mn_runfile *file)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file, "DELETE FROM run WHERE key GLOB 'owner.*'", &statement));
    return mn_database_run(file, statement, "release the file");
}

mn_status mn_owner_release(mn_runfile *file)
{
    MN_TRY(mn_runfile_begin(file));
    mn_status status = erase(file);
    if (status == MN_OK)
        status = mn_digests_write(file);
    if (status != MN_OK) {
        mn_runfile_rollback(file);
        return status;
    }
    return mn_runfile_commit(file);
}
