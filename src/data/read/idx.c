/* idx.c -- reading IDX: two zero bytes, element type, rank, big-endian sizes, then the elements. */
#include "data/read/idx.h"
#include "data/read/file.h"

#include <mneme/memory.h>
#include <string.h>

enum { UNSIGNED_BYTES = 0x08 };
static const int64_t MOST_BYTES = (int64_t)1 << 40;

static int64_t big_endian(const uint8_t bytes[4])
{
    return (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static mn_status check_magic(const char *path, int rank, const uint8_t magic[4])
{
    if (magic[0] != 0 || magic[1] != 0)
        return mn_fail(MN_CORRUPT,
                       "%s: not an IDX file: begins with %02x %02x %02x %02x, expected "
                       "00 00 08 %02x",
                       path, magic[0], magic[1], magic[2], magic[3], (unsigned)rank);
    if (magic[2] != UNSIGNED_BYTES)
        return mn_fail(MN_CORRUPT, "%s: holds elements of type 0x%02x, expected 0x08 (bytes)", path,
                       magic[2]);
    if (magic[3] != rank)
        return mn_fail(MN_CORRUPT, "%s: has %d axes, expected %d%s", path, magic[3], rank,
                       magic[3] + rank == 4 ? "; are images and labels swapped?" : "");
    return MN_OK;
}

static mn_status read_header(mn_data_file *file, const char *path, int rank, mn_idx *idx,
                             int64_t *total)
{
    uint8_t header[4 + 4 * MN_IDX_MAX_RANK];
    const size_t bytes = 4 + 4 * (size_t)rank;
    size_t got;
    MN_TRY(mn_data_file_read(file, header, bytes, &got));
    if (got >= 4)
        MN_TRY(check_magic(path, rank, header));
    if (got < bytes)
        return mn_fail(MN_CORRUPT, "%s: ends after %zu bytes, an IDX header has %zu; get it again",
                       path, got, bytes);
    *total = 1;
    for (int i = 0; i < rank; i++) {
        idx->size[i] = big_endian(header + 4 + 4 * i);
        if (__builtin_mul_overflow(*total, idx->size[i], total) || *total > MOST_BYTES)
            return mn_fail(MN_CORRUPT, "%s: its header announces more than a terabyte", path);
    }
    return *total > 0 ? MN_OK : mn_fail(MN_CORRUPT, "%s: its header announces no elements", path);
}

mn_status mn_idx_read(const char *path, int rank, mn_idx *idx)
{
    *idx = (mn_idx){.bytes = NULL};
    mn_data_file *file;
    MN_TRY(mn_data_file_open(path, &file));
    int64_t total = 0;
    mn_status status = read_header(file, path, rank, idx, &total);
    if (status == MN_OK)
        status = mn_data_file_exactly(file, path, (size_t)total, &idx->bytes);
    mn_data_file_close(file);
    return status;
}
