/* faulty_disk.h -- a disk that fails at the n-th write, sync, truncation or removal, or where
 * memory ends, at the n-th of these or of reads.
 *
 * A VFS of SQLite in front of the real one.  faulty_disk_arm() says which operation fails, how, and
 * whether the disk works again afterwards; faulty_disk_fired() whether it came to that.
 */
#ifndef MN_TESTS_FAULTY_DISK_H
#define MN_TESTS_FAULTY_DISK_H

#include <check.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

typedef struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* in the memory behind this struct */
} faulty_file;

static sqlite3_vfs *real_disk;
static struct {
    int countdown; /* operations until the failure; 0: none planned */
    int code;      /* SQLITE_IOERR: each operation's own code; otherwise this for all */
    bool lasting, fired;
} fault;

static inline void faulty_disk_arm(int operation, int code, bool lasting)
{
    fault.countdown = operation;
    fault.code = code;
    fault.lasting = lasting;
    fault.fired = false;
}

static inline void faulty_disk_heal(void)
{
    fault.countdown = 0;
    fault.lasting = false;
}

static inline bool faulty_disk_fired(void)
{
    return fault.fired;
}

/* SQLITE_OK, or the code with which this operation fails. */
static int fault_at(int code)
{
    if (fault.fired && fault.lasting)
        return fault.code == SQLITE_IOERR ? code : fault.code;
    if (fault.countdown == 0 || --fault.countdown > 0)
        return SQLITE_OK;
    fault.fired = true;
    return fault.code == SQLITE_IOERR ? code : fault.code;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((faulty_file *)file)->real;
}

static int faulty_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

/* A disk that is full or fails at writing can be read; where memory ends, it cannot. */
static int faulty_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 offset)
{
    const int code = fault.code == SQLITE_IOERR_NOMEM ? fault_at(fault.code) : SQLITE_OK;
    return code != SQLITE_OK ? code
                             : real_of(file)->pMethods->xRead(real_of(file), data, bytes, offset);
}

/* A write that fails has written half: that is what disks do. */
static int faulty_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset)
{
    const int code = fault_at(SQLITE_IOERR_WRITE);
    const int written = real_of(file)->pMethods->xWrite(
        real_of(file), data, code == SQLITE_OK ? bytes : bytes / 2, offset);
    return code == SQLITE_OK ? written : code;
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    const int code = fault_at(SQLITE_IOERR_TRUNCATE);
    return code != SQLITE_OK ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    const int code = fault_at(SQLITE_IOERR_FSYNC);
    (void)file, (void)flags; /* the machine stays up: waiting for the disk would prove nothing */
    return code;
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int faulty_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int faulty_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int faulty_reserved(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int faulty_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int faulty_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int faulty_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int faulty_map(sqlite3_file *file, int region, int bytes, int extend, void volatile **memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, bytes, extend, memory);
}

static int faulty_shared_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void faulty_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int faulty_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    static const sqlite3_io_methods methods = {.iVersion = 2,
                                               .xClose = faulty_close,
                                               .xRead = faulty_read,
                                               .xWrite = faulty_write,
                                               .xTruncate = faulty_truncate,
                                               .xSync = faulty_sync,
                                               .xFileSize = faulty_size,
                                               .xLock = faulty_lock,
                                               .xUnlock = faulty_unlock,
                                               .xCheckReservedLock = faulty_reserved,
                                               .xFileControl = faulty_control,
                                               .xSectorSize = faulty_sector,
                                               .xDeviceCharacteristics = faulty_characteristics,
                                               .xShmMap = faulty_map,
                                               .xShmLock = faulty_shared_lock,
                                               .xShmBarrier = faulty_barrier,
                                               .xShmUnmap = faulty_unmap};
    (void)vfs;
    faulty_file *wrapped = (faulty_file *)file;
    wrapped->real = (sqlite3_file *)(wrapped + 1);
    const int code = real_disk->xOpen(real_disk, name, wrapped->real, flags, out);
    wrapped->base.pMethods = wrapped->real->pMethods != NULL ? &methods : NULL;
    return code;
}

static int faulty_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    const int code = fault_at(SQLITE_IOERR_DELETE);
    (void)sync;
    return code != SQLITE_OK ? code : real_disk->xDelete(real_disk, name, 0);
}

static inline void faulty_disk_install(void)
{
    static sqlite3_vfs disk;
    if (real_disk != NULL)
        return;
    real_disk = sqlite3_vfs_find(NULL);
    disk = *real_disk; /* what is not replaced does not look at the vfs it is given */
    disk.zName = "faulty";
    disk.szOsFile = (int)sizeof(faulty_file) + real_disk->szOsFile;
    disk.xOpen = faulty_open;
    disk.xDelete = faulty_delete;
    ck_assert_int_eq(sqlite3_vfs_register(&disk, 1), SQLITE_OK);
}

#endif
