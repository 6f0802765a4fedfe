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

/* 'text' in single quotes; Python 2 may put a u before them. */
static bool take_quoted(reader *r, char *text, size_t bytes)
{
    if (!take(r, "'") && !take(r, "u'"))
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
        (void)take(r, "L"); /* Python 2's long numbers */
        if (!take(r, ","))
            return take(r, ")");
    }
    return true;
}

/* What an array says of itself. */
typedef struct header {
    char descr[64];
    bool fortran, shaped, ordered, swapped;
} header;

/* What to save instead of values that are no numbers. */
static const char *advice(char kind)
{
    switch (kind) {
    case 'U':
    case 'S':
    case 'a':
        return "holds text; of labels, save their numbers: "
               "classes, y = numpy.unique(y, return_inverse=True)";
    case 'O':
        return "holds Python's objects; save numbers, as x.astype('<f8'), or the numbers of "
               "labels: "
               "classes, y = numpy.unique(y.astype(str), return_inverse=True)";
    case 'M':
    case 'm': return "holds times; save numbers, as x.astype('<i8')";
    case 'c': return "holds complex numbers; save their parts, as x.real, or numpy.abs(x)";
    case 'f':
    case 'g': return "holds floats of a width that is not read; save x.astype('<f8')";
    default: return "holds values that are no numbers; save integers or floats";
    }
}

/* "<f4": order of bytes, kind, bytes. */
static mn_status set_type(const char *path, header *h, mn_array *array)
{
    static const struct {
        const char *type;
        mn_array_type is;
    } known[] = {{"b1", MN_ARRAY_BOOL},     {"u1", MN_ARRAY_UNSIGNED}, {"u2", MN_ARRAY_UNSIGNED},
                 {"u4", MN_ARRAY_UNSIGNED}, {"u8", MN_ARRAY_UNSIGNED}, {"i1", MN_ARRAY_SIGNED},
                 {"i2", MN_ARRAY_SIGNED},   {"i4", MN_ARRAY_SIGNED},   {"i8", MN_ARRAY_SIGNED},
                 {"f2", MN_ARRAY_FLOAT},    {"f4", MN_ARRAY_FLOAT},    {"f8", MN_ARRAY_FLOAT}};
    const char *type = h->descr + (strchr("<>|=", h->descr[0]) != NULL);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(type, known[i].type) == 0) {
            array->type = known[i].is;
            array->item = type[1] - '0';
            h->swapped = h->descr[0] == '>' && array->item > 1;
            return MN_OK;
        }
    return mn_fail(MN_UNSUPPORTED, "%s: %s (its type is '%.20s')", path, advice(type[0]), h->descr);
}

static mn_status parse_header(const char *path, reader r, header *h, mn_array *array)
{
    char key[32];
    bool sound = take(&r, "{");
    while (sound && !take(&r, "}")) {
        sound = take_quoted(&r, key, sizeof key) && take(&r, ":");
        if (sound && strcmp(key, "descr") == 0 && take(&r, "["))
            return mn_fail(MN_UNSUPPORTED,
                           "%s: holds records of several fields; save each by itself, as x['name']",
                           path);
        if (sound && strcmp(key, "descr") == 0)
            sound = take_quoted(&r, h->descr, sizeof h->descr);
        else if (sound && strcmp(key, "shape") == 0)
            sound = h->shaped = take_shape(&r, array);
        else if (sound && strcmp(key, "fortran_order") == 0)
            sound = h->ordered = (h->fortran = take(&r, "True")) || take(&r, "False");
        else
            sound = false;
        (void)take(&r, ",");
    }
    if (!sound || h->descr[0] == '\0' || !h->shaped || !h->ordered)
        return mn_fail(MN_CORRUPT,
                       "%s: its header is not that of an array of numbers with at most %d axes",
                       path, MN_ARRAY_MAX_RANK);
    return set_type(path, h, array);
}

static mn_status count_values(const char *path, mn_array *array)
{
    int64_t total = array->item;
    for (int i = 0; i < array->rank; i++)
        if (__builtin_mul_overflow(total, array->size[i], &total) || total > (int64_t)MOST_BYTES)
            return mn_fail(MN_CORRUPT, "%s: its header announces more than %zu bytes", path,
                           MOST_BYTES);
    array->count = total / array->item;
    return MN_OK;
}

/* Reads magic, version and length, and the text of the header, which the caller gives back. */
static mn_status read_header(mn_data_file *file, const char *path, char **text, size_t *length)
{
    static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    enum { LONGEST = 1 << 20 };
    uint8_t begin[12];
    size_t got;
    MN_TRY(mn_data_file_read(file, begin, 10, &got));
    if (got < 10 || memcmp(begin, magic, sizeof magic) != 0)
        return mn_fail(MN_CORRUPT, "%s: is no .npy file", path);
    if (begin[6] < 1 || begin[6] > 3)
        return mn_fail(MN_UNSUPPORTED, "%s: is version %d of .npy; 1 to 3 are known", path,
                       begin[6]);
    *length = begin[8] | (size_t)begin[9] << 8;
    if (begin[6] > 1) { /* a version 1 counts its header in two bytes, others in four */
        MN_TRY(mn_data_file_read(file, begin + 10, 2, &got));
        *length |= got < 2 ? LONGEST : (size_t)begin[10] << 16 | (size_t)begin[11] << 24;
    }
    if (*length > LONGEST)
        return mn_fail(MN_CORRUPT, "%s: announces a header of %zu bytes; get it again", path,
                       *length);
    *text = mn_memory_take(*length + 1, 1);
    if (*text == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for its header", path);
    MN_TRY(mn_data_file_read(file, *text, *length, &got));
    return got == *length ? MN_OK
                          : mn_fail(MN_CORRUPT, "%s: ends in its header; get it again", path);
}

/* --- the values ------------------------------------------------------------------------------- */

static void swap_bytes(mn_array *array)
{
    for (int64_t i = 0; i < array->count; i++)
        for (int64_t low = i * array->item, high = low + array->item - 1; low < high;
             low++, high--) {
            const uint8_t byte = array->block[low];
            array->block[low] = array->block[high];
            array->block[high] = byte;
        }
}

/* Fortran's order, in which the first axis is the innermost, becomes that of rows. */
static mn_status order_rows(const char *path, mn_array *array)
{
    int64_t at[MN_ARRAY_MAX_RANK] = {0}, step[MN_ARRAY_MAX_RANK] = {1};
    uint8_t *rows = mn_memory_take((size_t)(array->count * array->item) + 1, 1);
    if (rows == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for its values", path);
    for (int axis = 1; axis < array->rank; axis++)
        step[axis] = step[axis - 1] * array->size[axis - 1];
    for (int64_t i = 0, from = 0; i < array->count; i++) {
        memcpy(rows + i * array->item, array->block + from * array->item, (size_t)array->item);
        for (int axis = array->rank - 1; axis >= 0; axis--) {
            from += step[axis];
            if (++at[axis] < array->size[axis])
                break;
            from -= step[axis] * array->size[axis];
            at[axis] = 0;
        }
    }
    mn_memory_give(array->block);
    array->block = rows;
    return MN_OK;
}

static mn_status read_values(mn_data_file *file, const char *path, const header *h, mn_array *array)
{
    MN_TRY(count_values(path, array));
    MN_TRY(mn_data_file_exactly(file, path, (size_t)(array->count * array->item), &array->block));
    if (h->swapped)
        swap_bytes(array);
    if (h->fortran && array->rank > 1)
        MN_TRY(order_rows(path, array));
    array->values = array->block;
    return MN_OK;
}

static mn_status read_array(mn_data_file *file, const char *path, mn_array *array)
{
    header h = {.descr = ""};
    char *text = NULL;
    size_t length = 0;
    *array = (mn_array){.rank = 0};
    mn_status status = read_header(file, path, &text, &length);
    if (status == MN_OK)
        status = parse_header(path, (reader){text, text + length}, &h, array);
    mn_memory_give(text);
    if (status == MN_OK)
        status = read_values(file, path, &h, array);
    if (status != MN_OK)
        mn_array_free(array);
    return status;
}

/* --- files ------------------------------------------------------------------------------------ */

mn_status mn_npy_read(const char *path, mn_array *array)
{
    mn_data_file *file;
    *array = (mn_array){.rank = 0};
    MN_TRY(mn_data_file_open(path, &file));
    const mn_status status = read_array(file, path, array);
    mn_data_file_close(file);
    return status;
}

static mn_status read_member(mn_data_file *archive, const char *path, const char *name,
                             mn_array *array)
{
    char inside[4608];
    snprintf(inside, sizeof inside, "%.4000s: %s", path, name);
    if (array->block != NULL)
        return mn_fail(MN_CORRUPT, "%s: is in the archive twice", inside);
    return read_array(archive, inside, array);
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
