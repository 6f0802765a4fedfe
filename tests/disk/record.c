/* record.c -- preloaded into mneme: what it does to the files of one folder, in order.
 *
 *   MNEME_DISK_FOLDER    the folder, absolute; elsewhere nothing is noticed
 *   MNEME_DISK_LOG       every change and sync is appended to this file, with its bytes, and the
 *                        commits that have returned (disk.py reads it)
 *   MNEME_DISK_COUNT     a file of 8 bytes in which all processes count their changes
 *   MNEME_DISK_KILL      the change before which the process is killed, counted from 1
 *   MNEME_DISK_SIGNAL    the signal, if not SIGKILL
 *   MNEME_DISK_KILL_ALL  set: and all of its process group with it
 *   MNEME_DISK_FULL      the change from which on the disk is full
 */
#undef _FILE_OFFSET_BITS /* open() and open64() are two names here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))(uintptr_t)real_of(#name))

static const char *folder;
static int record_file = -1;
static atomic_llong *count, own;
static long long kill_at, full_at, kill_by;
static bool kill_all;

static void *real_of(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static long long number_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? atoll(text) : 0;
}

static __attribute__((constructor)) void begin(void)
{
    const char *log = getenv("MNEME_DISK_LOG"), *counter = getenv("MNEME_DISK_COUNT");
    if (log != NULL)
        record_file = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    count = &own;
    if (counter != NULL) {
        const int opened = REAL(open)(counter, O_RDWR | O_CLOEXEC);
        void *shared = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
        if (shared != MAP_FAILED)
            count = shared;
        close(opened);
    }
    kill_at = number_of("MNEME_DISK_KILL");
    kill_by = number_of("MNEME_DISK_SIGNAL");
    full_at = number_of("MNEME_DISK_FULL");
    kill_all = getenv("MNEME_DISK_KILL_ALL") != NULL;
    folder = getenv("MNEME_DISK_FOLDER"); /* last: from here on it is noticed */
}

static bool is_noticed(const char *path)
{
    return folder != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

static bool path_of_file(int file, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t length = folder != NULL ? readlink(link, path, PATH_MAX - 1) : 0;
    path[length > 0 ? length : 0] = '\0';
    return is_noticed(path);
}

/* Absolute, without following a link at its end. */
static bool absolute(const char *path, char whole[PATH_MAX])
{
    whole[0] = '\0';
    if (folder == NULL)
        return false;
    if (path[0] == '/')
        snprintf(whole, PATH_MAX, "%s", path);
    else if (getcwd(whole, PATH_MAX) != NULL && strlen(whole) + strlen(path) + 2 < PATH_MAX)
        strcat(strcat(whole, "/"), path);
    return is_noticed(whole);
}

/* One record: what, path, other path or text, offset, bytes. */
static void record(char what, const char *path, const char *other, int64_t offset, const void *data,
                   size_t bytes)
{
    if (record_file < 0)
        return;
    struct __attribute__((packed)) {
        char what;
        uint32_t path, other;
        int64_t offset, bytes;
    } head = {what, (uint32_t)strlen(path), (uint32_t)strlen(other), offset, (int64_t)bytes};
    const size_t length = sizeof head + head.path + head.other + bytes;
    char *all = malloc(length), *next = all;
    if (all == NULL)
        abort();
    next = mempcpy(next, &head, sizeof head);
    next = mempcpy(next, path, head.path);
    next = mempcpy(next, other, head.other);
    if (bytes > 0)
        memcpy(next, data, bytes);
    if (REAL(write)(record_file, all, length) != (ssize_t)length)
        abort();
    free(all);
}

/* Counts a change that is about to be made; false when the disk is full. */
static bool may_change(bool grows)
{
    const long long n = atomic_fetch_add(count, 1) + 1;
    if (n == kill_at)
        (void)kill(kill_all ? 0 : getpid(), kill_by > 0 ? (int)kill_by : SIGKILL);
    if (full_at == 0 || n < full_at || !grows)
        return true;
    errno = ENOSPC;
    return false;
}

static int made(const char *path, int flags, mode_t mode, __typeof__(&open) real)
{
    char whole[PATH_MAX];
    struct stat about;
    const bool noticed = absolute(path, whole);
    const bool makes = noticed && (flags & O_CREAT) != 0 && stat(path, &about) != 0;
    const bool empties = noticed && !makes && (flags & O_TRUNC) != 0;
    if ((makes || empties) && !may_change(makes))
        return -1;
    const int file = real(path, flags, mode);
    if (file >= 0 && makes)
        record('c', whole, "", 0, NULL, 0);
    if (file >= 0 && empties)
        record('t', whole, "", 0, NULL, 0);
    return file;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;                \
        va_end(arguments);                                                                         \
        return made(path, flags, mode, REAL(name));                                                \
    }
OPEN(open)
OPEN(open64)

static ssize_t written(int file, const void *data, size_t bytes, off_t offset)
{
    char path[PATH_MAX];
    const bool noticed = path_of_file(file, path);
    if (noticed && !may_change(true))
        return -1;
    const ssize_t done =
        offset < 0 ? REAL(write)(file, data, bytes) : REAL(pwrite)(file, data, bytes, offset);
    if (done > 0 && noticed)
        record('w', path, "", offset < 0 ? lseek(file, 0, SEEK_CUR) - done : offset, data,
               (size_t)done);
    return done;
}

ssize_t write(int file, const void *data, size_t bytes)
{
    return written(file, data, bytes, -1);
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t offset)
{
    return written(file, data, bytes, offset);
}

ssize_t pwrite64(int file, const void *data, size_t bytes, off64_t offset)
{
    return written(file, data, bytes, offset);
}

static int cut(int file, off_t bytes)
{
    char path[PATH_MAX];
    const bool noticed = path_of_file(file, path);
    if (noticed && !may_change(true))
        return -1;
    const int status = REAL(ftruncate)(file, bytes);
    if (status == 0 && noticed)
        record('t', path, "", bytes, NULL, 0);
    return status;
}

int ftruncate(int file, off_t bytes)
{
    return cut(file, bytes);
}

int ftruncate64(int file, off64_t bytes)
{
    return cut(file, bytes);
}

static int synced(int file, __typeof__(&fsync) real)
{
    char path[PATH_MAX];
    const bool noticed = path_of_file(file, path);
    if (noticed)
        (void)may_change(false);
    const int status = noticed ? 0 : real(file); /* the machine stays up */
    if (noticed)
        record('s', path, "", 0, NULL, 0);
    return status;
}

int fsync(int file)
{
    return synced(file, REAL(fsync));
}

int fdatasync(int file)
{
    return synced(file, REAL(fdatasync));
}

int rename(const char *from, const char *to)
{
    char whole[PATH_MAX], other[PATH_MAX];
    const bool noticed = absolute(from, whole) && absolute(to, other);
    if (noticed && !may_change(true))
        return -1;
    const int status = REAL(rename)(from, to);
    if (status == 0 && noticed)
        record('r', whole, other, 0, NULL, 0);
    return status;
}

int unlink(const char *path)
{
    char whole[PATH_MAX];
    struct stat about;
    const bool noticed = absolute(path, whole) && stat(path, &about) == 0;
    if (noticed)
        (void)may_change(false);
    const int status = REAL(unlink)(path);
    if (status == 0 && noticed)
        record('u', whole, "", 0, NULL, 0);
    return status;
}

int mkdir(const char *path, mode_t mode)
{
    char whole[PATH_MAX];
    struct stat about;
    const bool noticed = absolute(path, whole) && stat(path, &about) != 0;
    if (noticed && !may_change(true))
        return -1;
    const int status = REAL(mkdir)(path, mode);
    if (status == 0 && noticed)
        record('m', whole, "", 0, NULL, 0);
    return status;
}

static int note_number(void *number, int columns, char **values, char **names)
{
    (void)names;
    snprintf(number, 32, "%s", columns > 0 && values[0] != NULL ? values[0] : "0");
    return 0;
}

/* A COMMIT that has returned is a promise. */
int sqlite3_exec(sqlite3 *database, const char *sql, int (*each)(void *, int, char **, char **),
                 void *context, char **message)
{
    const __typeof__(&sqlite3_exec) real = REAL(sqlite3_exec);
    const int status = real(database, sql, each, context, message);
    const char *path = status == SQLITE_OK && record_file >= 0 && strcmp(sql, "COMMIT") == 0
                           ? sqlite3_db_filename(database, "main")
                           : NULL;
    char commits[32] = "0";
    if (path != NULL && is_noticed(path)) {
        (void)real(database, "SELECT commits FROM cursor", note_number, commits, NULL);
        record('a', path, commits, 0, NULL, 0);
    }
    return status;
}
