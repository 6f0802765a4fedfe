/* file.c -- decoding data files in place: zlib under libarchive.
 *
 * libarchive reads gzip but never compares its checksum, so a flipped bit would pass.  Hence the
 * bytes reach libarchive through zlib, which checks it and hands anything else on untouched. */
#include "data/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct mn_data_file {
    char *path;
    gzFile gzip;
    struct archive *archive;
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

static mn_status refuse(const mn_data_file *file)
{
    const char *text = archive_error_string(file->archive);
    const int number = archive_errno(file->archive);
    const bool system = number > 0 && number != EINVAL && number != EILSEQ;
    return mn_fail(system ? MN_IO_FAILED : MN_CORRUPT, "%s: %s%s", file->path,
                   text != NULL ? text : "cannot be decoded", system ? "" : "; get it again");
}

static mn_status start(mn_data_file *file)
{
    struct archive *archive = file->archive;
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_bzip2(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_raw(archive);
    archive_read_support_format_empty(archive);
    struct archive_entry *entry;
    if (archive_read_open(archive, file, NULL, read_block, NULL) != ARCHIVE_OK)
        return refuse(file);
    const int result = archive_read_next_header(archive, &entry);
    file->ended = result == ARCHIVE_EOF;
    return result == ARCHIVE_OK || file->ended ? MN_OK : refuse(file);
}

mn_status mn_data_file_open(const char *path, mn_data_file **file)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return mn_fail(errno == ENOENT || errno == ENOTDIR ? MN_NOT_FOUND : MN_IO_FAILED, "%s: %s",
                       path, strerror(errno));
    gzFile gzip = gzdopen(descriptor, "rb");
    if (gzip == NULL) {
        close(descriptor);
        return mn_fail(MN_NO_MEMORY, "%s: out of memory while opening", path);
    }
    gzbuffer(gzip, BLOCK_BYTES);
    mn_data_file *opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        gzclose(gzip);
        return mn_fail(MN_NO_MEMORY, "%s: out of memory while opening", path);
    }
    opened->gzip = gzip;
    opened->path = strdup(path);
    opened->archive = archive_read_new();
    const mn_status status = opened->path != NULL && opened->archive != NULL
                                 ? start(opened)
                                 : mn_fail(MN_NO_MEMORY, "%s: out of memory while opening", path);
    if (status != MN_OK) {
        mn_data_file_close(opened);
        return status;
    }
    *file = opened;
    return MN_OK;
}

mn_status mn_data_file_read(mn_data_file *file, void *to, size_t bytes, size_t *got)
{
    *got = 0;
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
    free(file->path);
    free(file);
}
