/* partial.c -- rows of floats in a file that grows. */
#include "features/partial.h"
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <mneme/memory.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 }; /* rows begin at a multiple of it, to be mapped */

static mn_status cannot(const mn_partial *partial, const char *what)
{
    return mn_fail(errno == ENOSPC || errno == EDQUOT ? MN_DISK_FULL : MN_IO_FAILED,
                   "%s: cannot be %s: %s", partial->path, what, strerror(errno));
}

static size_t row_bytes(const mn_partial *partial)
{
    return (size_t)partial->width * sizeof(float);
}

/* Opened for this process alone: another that writes the same is not disturbed. */
static mn_status open_alone(mn_partial *partial)
{
    const int descriptor = open(partial->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return cannot(partial, "written");
    const bool alone = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    partial->file = alone ? fdopen(descriptor, "r+b") : NULL;
    if (partial->file != NULL)
        return MN_OK;
    const mn_status status =
        alone ? cannot(partial, "written")
              : mn_fail(MN_BUSY, "%s: another process is writing it", partial->path);
    close(descriptor);
    return status;
}

/* Whether it begins with that text, padded with zeros. */
static bool begins_with(mn_partial *partial, const char *text)
{
    char *found = mn_memory_take_zeroed(partial->text, 1);
    const bool same = found != NULL &&
                      fread(found, 1, partial->text, partial->file) == partial->text &&
                      strcmp(found, text) == 0;
    mn_memory_give(found);
    return same;
}

static mn_status begin(mn_partial *partial, const char *text)
{
    rewind(partial->file);
    const int descriptor = fileno(partial->file);
    if (ftruncate(descriptor, 0) != 0 || fputs(text, partial->file) < 0 ||
        fflush(partial->file) != 0 || ftruncate(descriptor, (off_t)partial->text) != 0)
        return cannot(partial, "written");
    return MN_OK;
}

mn_status mn_partial_keep(mn_partial *partial, int64_t rows)
{
    const off_t end = (off_t)(partial->text + (size_t)rows * row_bytes(partial));
    partial->rows = rows;
    return ftruncate(fileno(partial->file), end) == 0 && fseeko(partial->file, end, SEEK_SET) == 0
               ? MN_OK
               : cannot(partial, "written");
}

static mn_status find_rows(mn_partial *partial)
{
    struct stat is;
    if (fstat(fileno(partial->file), &is) != 0)
        return cannot(partial, "read");
    return mn_partial_keep(partial,
                           (int64_t)(((size_t)is.st_size - partial->text) / row_bytes(partial)));
}

mn_status mn_partial_open(const char *path, const char *text, int64_t width, mn_partial *partial)
{
    *partial = (mn_partial){.width = width, .text = (strlen(text) / PAGE + 1) * PAGE};
    if (snprintf(partial->path, sizeof partial->path, "%s.part", path) >= (int)sizeof partial->path)
        return mn_fail(MN_BAD_OPTION, "%.60s...: the path is too long", path);
    MN_TRY(mn_folder_make_above(path));
    MN_TRY(open_alone(partial));
    mn_status status = begins_with(partial, text) ? MN_OK : begin(partial, text);
    if (status == MN_OK)
        status = find_rows(partial);
    if (status != MN_OK)
        mn_partial_close(partial, false);
    return status;
}

mn_status mn_partial_add(mn_partial *partial, const float *rows, int64_t count)
{
    const size_t values = (size_t)(count * partial->width);
    if (fwrite(rows, sizeof *rows, values, partial->file) != values || fflush(partial->file) != 0)
        return cannot(partial, "written");
    partial->rows += count;
    return MN_OK;
}

mn_status mn_partial_rows(mn_partial *partial, const float **rows)
{
    const size_t bytes = (size_t)partial->rows * row_bytes(partial);
    void *mapped =
        mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fileno(partial->file), (off_t)partial->text);
    if (mapped == MAP_FAILED)
        return cannot(partial, "mapped");
    partial->mapped = mapped;
    *rows = mapped;
    return MN_OK;
}

void mn_partial_close(mn_partial *partial, bool remove)
{
    if (partial->mapped != NULL)
        (void)munmap(partial->mapped, (size_t)partial->rows * row_bytes(partial));
    if (remove)
        (void)unlink(partial->path);
    (void)fclose(partial->file);
}
