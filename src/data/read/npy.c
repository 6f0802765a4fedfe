/* npy.c -- reading NumPy's .npy and .npz.
 *
 * An .npy file is a magic, a version, the length of a header, the header, then the values.  The
 * header is the text of a Python dict with exactly three keys, so it is read as that and no more.
 * An .npz is a zip of such files. */
#include "data/read/npy.h"
#include "data/read/file.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

static const size_t MOST_BYTES = (size_t)1 << 38;

/* --- the header ------------------------------------------------------------------------------- */

typedef struct reader {
    const char *at, *end;
} reader;

static void skip_spaces(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n'))
        r->at++;
}

static bool take(reader *r, const char *text)
{
    skip_spaces(r);
    const size_t length = strlen(text);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, text, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* 'text' in single quotes. */
static bool take_quoted(reader *r, char *text, size_t bytes)
{
    if (!take(r, "'"))
        return false;
    size_t used = 0;
    while (r->at < r->end && *r->at != '\'' && used + 1 < bytes)
        text[used++] = *r->at++;
    text[used] = '\0';
    return take(r, "'");
}

static bool take_number(reader *r, int64_t *number)
{
    skip_spaces(r);
    const char *begin = r->at;
    *number = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *r->at++ - '0', number))
            return false;
    return r->at > begin;
}

/* (2, 3), (2,), (). */
static bool take_shape(reader *r, mn_array *array)
{
    if (!take(r, "("))
        return false;
    for (array->rank = 0; !take(r, ")");) {
        if (array->rank == MN_ARRAY_MAX_RANK || !take_number(r, &array->size[array->rank]))
            return false;
        array->rank++;
        if (!take(r, ","))
            return take(r, ")");
    }
    return true;
}

static mn_status set_type(const char *path, const char *descr, mn_array *array)
{
    static const struct {
        const char *descr;
        mn_array_type type;
        int64_t item;
    } known[] = {
        {"|b1", MN_ARRAY_UNSIGNED, 1}, {"|u1", MN_ARRAY_UNSIGNED, 1}, {"<u2", MN_ARRAY_UNSIGNED, 2},
        {"<u4", MN_ARRAY_UNSIGNED, 4}, {"<u8", MN_ARRAY_UNSIGNED, 8}, {"|i1", MN_ARRAY_SIGNED, 1},
        {"<i2", MN_ARRAY_SIGNED, 2},   {"<i4", MN_ARRAY_SIGNED, 4},   {"<i8", MN_ARRAY_SIGNED, 8},
        {"<f2", MN_ARRAY_FLOAT, 2},    {"<f4", MN_ARRAY_FLOAT, 4},    {"<f8", MN_ARRAY_FLOAT, 8}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(descr, known[i].descr) == 0) {
            array->type = known[i].type;
            array->item = known[i].item;
            return MN_OK;
        }
    return mn_fail(MN_UNSUPPORTED,
                   "%s: holds values of type '%.20s'; save little-endian integers or floats, as "
                   "x.astype('<f4')",
                   path, descr);
}

static mn_status parse_header(const char *path, reader r, mn_array *array)
{
    char key[32], descr[64] = "";
    bool fortran = false, shaped = false, ordered = false, sound = take(&r, "{");
    while (sound && !take(&r, "}")) {
        sound = take_quoted(&r, key, sizeof key) && take(&r, ":");
        if (sound && strcmp(key, "descr") == 0)
            sound = take_quoted(&r, descr, sizeof descr);
        else if (sound && strcmp(key, "shape") == 0)
            sound = shaped = take_shape(&r, array);
        else if (sound && strcmp(key, "fortran_order") == 0)
            sound = ordered = (fortran = take(&r, "True")) || take(&r, "False");
        else
            sound = false;
        if (sound && !take(&r, ",")) {
            sound = take(&r, "}");
            break;
        }
    }
    if (!sound || descr[0] == '\0' || !shaped || !ordered)
        return mn_fail(MN_CORRUPT,
                       "%s: its header is not that of an array of numbers with at most %d axes",
                       path, MN_ARRAY_MAX_RANK);
    if (fortran && array->rank > 1)
        return mn_fail(MN_UNSUPPORTED, "%s: is in Fortran's order; save numpy.ascontiguousarray(x)",
                       path);
    return set_type(path, descr, array);
}

static mn_status count_values(const char *path, size_t bytes, mn_array *array)
{
    int64_t total = array->item;
    for (int i = 0; i < array->rank; i++)
        if (__builtin_mul_overflow(total, array->size[i], &total) || total > (int64_t)MOST_BYTES)
            return mn_fail(MN_CORRUPT, "%s: its header announces more than %zu bytes", path,
                           MOST_BYTES);
    array->count = total / array->item;
    if ((size_t)total == bytes)
        return MN_OK;
    return mn_fail(MN_CORRUPT, "%s: has %zu bytes of values where its header announces %lld%s",
                   path, bytes, (long long)total, bytes < (size_t)total ? "; get it again" : "");
}

static mn_status parse(const char *path, const uint8_t *block, size_t bytes, mn_array *array)
{
    static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    if (bytes < 12 || memcmp(block, magic, sizeof magic) != 0)
        return mn_fail(MN_CORRUPT, "%s: is no .npy file", path);
    const bool old = block[6] == 1; /* a version 1 counts its header in two bytes, others in four */
    const size_t begin = old ? 10 : 12;
    size_t length = block[8] | (size_t)block[9] << 8;
    if (!old)
        length |= (size_t)block[10] << 16 | (size_t)block[11] << 24;
    if (block[6] < 1 || block[6] > 3)
        return mn_fail(MN_UNSUPPORTED, "%s: is version %d of .npy; 1 to 3 are known", path,
                       block[6]);
    if (length > bytes - begin)
        return mn_fail(MN_CORRUPT, "%s: ends in its header; get it again", path);
    const char *text = (const char *)block + begin;
    MN_TRY(parse_header(path, (reader){text, text + length}, array));
    array->values = block + begin + length;
    return count_values(path, bytes - begin - length, array);
}

mn_status mn_npy_parse(const char *path, uint8_t *block, size_t bytes, mn_array *array)
{
    *array = (mn_array){.rank = 0};
    const mn_status status = parse(path, block, bytes, array);
    if (status == MN_OK)
        array->block = block;
    else
        mn_memory_give(block);
    return status;
}

/* --- files ------------------------------------------------------------------------------------ */

mn_status mn_npy_read(const char *path, mn_array *array)
{
    mn_data_file *file;
    uint8_t *block;
    size_t bytes;
    *array = (mn_array){.rank = 0};
    MN_TRY(mn_data_file_open(path, &file));
    const mn_status status = mn_data_file_whole(file, MOST_BYTES, &block, &bytes);
    mn_data_file_close(file);
    MN_TRY(status);
    return mn_npy_parse(path, block, bytes, array);
}

static mn_status read_member(mn_data_file *archive, const char *path, const char *name,
                             mn_array *array)
{
    char inside[4608];
    uint8_t *block;
    size_t bytes;
    snprintf(inside, sizeof inside, "%.4000s: %s", path, name);
    if (array->block != NULL)
        return mn_fail(MN_CORRUPT, "%s: is in the archive twice", inside);
    const mn_status status = mn_data_file_whole(archive, MOST_BYTES, &block, &bytes);
    if (status != MN_OK)
        return mn_fail_in(status, "%s", name);
    return mn_npy_parse(inside, block, bytes, array);
}

static mn_status read_members(mn_data_file *archive, const char *path, int n,
                              const char *const *names, mn_array *arrays)
{
    for (const char *member;;) {
        MN_TRY(mn_data_archive_next(archive, &member));
        if (member == NULL)
            return MN_OK;
        const size_t length = strlen(member);
        for (int i = 0; i < n; i++)
            if (length == strlen(names[i]) + 4 && strncmp(member, names[i], length - 4) == 0 &&
                strcmp(member + length - 4, ".npy") == 0) {
                MN_TRY(read_member(archive, path, names[i], &arrays[i]));
                break;
            }
    }
}

mn_status mn_npz_read(const char *path, int n, const char *const *names, mn_array *arrays)
{
    mn_data_file *archive;
    for (int i = 0; i < n; i++)
        arrays[i] = (mn_array){.rank = 0};
    MN_TRY(mn_data_archive_open(path, &archive));
    const mn_status status = read_members(archive, path, n, names, arrays);
    mn_data_file_close(archive);
    for (int i = 0; i < n && status != MN_OK; i++)
        mn_array_free(&arrays[i]);
    return status;
}
