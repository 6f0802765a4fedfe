/* file.c -- decoding data files and archives in place: zlib under libarchive.
 *
 * libarchive reads gzip but never compares its checksum, so a flipped bit would pass.  Hence the
 * bytes of a gzip reach libarchive through zlib, which checks it.  Anything else libarchive reads
 * itself, because a zip's list of contents stands at its end. */
#include "data/read/file.h"
#include "base/file.h"
#include "base/reserve.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <mneme/memory.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    BLOCK_BYTES = 64 * 1024,
    TAKEN_AT_MOST = 1 << 20,   /* by libarchive, to open a file */
    WINDOW_AT_MOST = 72 << 20, /* of what came before, which the decoders of xz and zstd keep */
};

struct mn_data_file {
    char *path;
    int descriptor; /* -1 where `gzip` owns it */
    gzFile gzip;    /* NULL where the file is none */
    struct archive *archive;
    size_t packed; /* bytes of the file itself */
    bool ended;
    char block[BLOCK_BYTES];
};

/* libarchive asks for the next block of the file. */
static la_ssize_t read_block(struct archive *archive, void *client, const void **block)
{
    mn_data_file *file = client;
    const int got = gzread(file->gzip, file->block, BLOCK_BYTES);
    int why;
    const char *text = gzerror(file->gzip, &why);
    *block = file->block;
    if (why == Z_BUF_ERROR)
        archive_set_error(archive, EINVAL, "the compressed data end too early");
    else if (why == Z_ERRNO)
        archive_set_error(archive, errno, "%s", strerror(errno));
    else if (got < 0)
        archive_set_error(archive, EINVAL, "the compressed data are damaged (%s)",
                          strrchr(text, ':') != NULL ? strrchr(text, ':') + 2 : text);
    else
        return got;
    return ARCHIVE_FATAL;
}

/* libarchive says that memory ran out in many ways, or that the data are wrong; the C library's
 * number, which is 0 before each call, is reliable. */
static mn_status refuse(const mn_data_file *file)
{
    if (errno == ENOMEM)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory while reading", file->path);
    const char *text = archive_error_string(file->archive);
    const int number = archive_errno(file->archive);
    const bool system = number > 0 && number != EINVAL && number != EILSEQ;
    return mn_fail(system ? MN_IO_FAILED : MN_CORRUPT, "%s: %s%s", file->path,
                   text != NULL ? text : "cannot be decoded", system ? "" : "; get it again");
}

static bool begins_as(int descriptor, const char magic[2])
{
    char found[2];
    return pread(descriptor, found, sizeof found, 0) == (ssize_t)sizeof found &&
           memcmp(found, magic, sizeof found) == 0;
}

static bool begins_as_gzip(int descriptor)
{
    return begins_as(descriptor, "\x1f\x8b");
}

/* Where memory runs out inside it, libarchive may end the process. */
static bool may_open(int descriptor)
{
    const bool keeps = begins_as(descriptor, "\xfd\x37") || begins_as(descriptor, "BZ") ||
                       begins_as(descriptor, "\x28\xb5");
    return mn_reserve_ask(keeps ? WINDOW_AT_MOST : TAKEN_AT_MOST) == MN_OK;
}

static mn_status start_gzip(mn_data_file *file)
{
    file->gzip = gzdopen(file->descriptor, "rb");
    if (file->gzip == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory while opening", file->path);
    file->descriptor = -1;
    gzbuffer(file->gzip, BLOCK_BYTES);
    return archive_read_open(file->archive, file, NULL, read_block, NULL) == ARCHIVE_OK
               ? MN_OK
               : refuse(file);
}

static mn_status start(mn_data_file *file, bool is_archive)
{
    struct archive *archive = file->archive;
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_zstd(archive);
    if (is_archive) {
        archive_read_support_format_tar(archive);
        archive_read_support_format_zip(archive);
        /* Without this, what follows a tar's last member is not read, nor its checksum compared. */
        archive_read_set_format_option(archive, "tar", "read_concatenated_archives", "1");
    } else {
        archive_read_support_format_raw(archive);
        archive_read_support_format_empty(archive);
    }
    if (begins_as_gzip(file->descriptor))
        return start_gzip(file);
    return archive_read_open_fd(archive, file->descriptor, BLOCK_BYTES) == ARCHIVE_OK
               ? MN_OK
               : refuse(file);
}

static mn_status open_file(const char *path, bool is_archive, mn_data_file **file)
{
    int descriptor;
    MN_TRY(mn_file_open(path, &descriptor));
    mn_data_file *opened = mn_memory_take_zeroed(1, sizeof *opened);
    if (opened == NULL) {
        close(descriptor);
        return mn_fail(MN_NO_MEMORY, "%s: out of memory while opening", path);
    }
    struct stat found;
    opened->descriptor = descriptor;
    opened->packed =
        fstat(descriptor, &found) == 0 && found.st_size > 0 ? (size_t)found.st_size : 0;
    opened->path = mn_text_copy(path);
    errno = 0;
    if (may_open(descriptor))
        opened->archive = archive_read_new();
    opened->ended = true; /* until a member is found */
    const mn_status status = opened->path != NULL && opened->archive != NULL
                                 ? start(opened, is_archive)
                                 : mn_fail(MN_NO_MEMORY, "%s: out of memory while opening", path);
    if (status != MN_OK) {
        mn_data_file_close(opened);
        return status;
    }
    *file = opened;
    return MN_OK;
}

mn_status mn_data_file_open(const char *path, mn_data_file **file)
{
    mn_data_file *opened;
    MN_TRY(open_file(path, false, &opened));
    struct archive_entry *entry;
    errno = 0;
    const int result = archive_read_next_header(opened->archive, &entry);
    opened->ended = result == ARCHIVE_EOF;
    if (result != ARCHIVE_OK && !opened->ended) {
        const mn_status status = refuse(opened);
        mn_data_file_close(opened);
        return status;
    }
    *file = opened;
    return MN_OK;
}

mn_status mn_data_archive_open(const char *path, mn_data_file **archive)
{
    return open_file(path, true, archive);
}

mn_status mn_data_archive_next(mn_data_file *archive, const char **name)
{
    struct archive_entry *entry;
    int result;
    *name = NULL;
    errno = 0;
    do
        result = archive_read_next_header(archive->archive, &entry);
    while ((result == ARCHIVE_OK || result == ARCHIVE_WARN) &&
           archive_entry_filetype(entry) != AE_IFREG);
    archive->ended = result == ARCHIVE_EOF;
    if (archive->ended)
        return MN_OK;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) /* a warning is about the member's name */
        return refuse(archive);
    *name = archive_entry_pathname(entry);
    if (*name == NULL)
        *name = "";
    return MN_OK;
}

mn_status mn_data_file_read(mn_data_file *file, void *to, size_t bytes, size_t *got)
{
    *got = 0;
    errno = 0;
    while (*got < bytes && !file->ended) {
        const la_ssize_t more = archive_read_data(file->archive, (char *)to + *got, bytes - *got);
        if (more < 0)
            return refuse(file);
        file->ended = more == 0;
        *got += (size_t)more;
    }
    return MN_OK;
}

void mn_data_file_close(mn_data_file *file)
{
    if (file == NULL)
        return;
    if (file->archive != NULL)
        archive_read_free(file->archive);
    if (file->gzip != NULL)
        gzclose(file->gzip);
    if (file->descriptor >= 0)
        close(file->descriptor);
    mn_memory_give(file->path);
    mn_memory_give(file);
}

/* A small file that unpacks to a huge one was made to fill the memory.  Real data, images of one
 * colour among them, grow less. */
static mn_status may_hold(const mn_data_file *file, const char *path, size_t bytes)
{
    enum { MOST_GROWTH = 100 };
    static const size_t harmless = (size_t)64 << 20;
    const bool packed = file->gzip != NULL || archive_format(file->archive) == ARCHIVE_FORMAT_ZIP ||
                        archive_filter_code(file->archive, 0) != ARCHIVE_FILTER_NONE;
    if (!packed || bytes <= harmless || bytes / MOST_GROWTH <= file->packed)
        return MN_OK;
    return mn_fail(MN_CORRUPT,
                   "%s: unpacks to %zu bytes or more, from a file of %zu; if that is right, unpack "
                   "it before",
                   path, bytes, file->packed);
}

static mn_status read_rest(mn_data_file *file, size_t most, uint8_t **bytes, size_t *used)
{
    size_t capacity = BLOCK_BYTES / 2;
    do {
        capacity *= 2;
        uint8_t *larger = mn_memory_resize(*bytes, capacity, 1);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "%s: out of memory for %zu bytes", file->path, capacity);
        *bytes = larger;
        size_t got;
        MN_TRY(mn_data_file_read(file, larger + *used, capacity - *used, &got));
        *used += got;
        if (*used > most)
            return mn_fail(MN_CORRUPT, "%s: is larger than %zu bytes", file->path, most);
        MN_TRY(may_hold(file, file->path, *used));
    } while (*used == capacity);
    (*bytes)[*used] = 0;
    return MN_OK;
}

static mn_status read_announced(mn_data_file *file, const char *path, size_t bytes, uint8_t **block)
{
    static const size_t at_first = (size_t)64 << 20;
    size_t capacity = 0, used = 0, got;
    MN_TRY(may_hold(file, path, bytes));
    do {
        capacity = capacity == 0 ? at_first : 2 * capacity;
        capacity = capacity < bytes ? capacity : bytes;
        uint8_t *larger = mn_memory_resize(*block, capacity > 0 ? capacity : 1, 1);
        if (larger == NULL)
            return mn_fail(MN_NO_MEMORY, "%s: out of memory for %zu bytes", path, bytes);
        *block = larger;
        MN_TRY(mn_data_file_read(file, *block + used, capacity - used, &got));
        used += got;
        if (used < capacity)
            return mn_fail(MN_CORRUPT,
                           "%s: ends after %zu of the %zu bytes it announces; get it again", path,
                           used, bytes);
    } while (used < bytes);
    /* One more read: it also makes the decoder compare its checksum. */
    uint8_t extra;
    MN_TRY(mn_data_file_read(file, &extra, 1, &got));
    return got == 0 ? MN_OK
                    : mn_fail(MN_CORRUPT, "%s: goes on after the %zu bytes its header announces",
                              path, bytes);
}

mn_status mn_data_file_exactly(mn_data_file *file, const char *path, size_t bytes, uint8_t **block)
{
    *block = NULL;
    const mn_status status = read_announced(file, path, bytes, block);
    if (status != MN_OK) {
        mn_memory_give(*block);
        *block = NULL;
    }
    return status;
}

mn_status mn_data_file_whole(mn_data_file *file, size_t most, uint8_t **bytes, size_t *count)
{
    *bytes = NULL;
    *count = 0;
    const mn_status status = read_rest(file, most, bytes, count);
    if (status != MN_OK) {
        mn_memory_give(*bytes);
        *bytes = NULL;
    }
    return status;
}
