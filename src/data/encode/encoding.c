/* encoding.c -- the forms that rows can have. */
#include "data/encode/encoding.h"
#include "base/numbers.h"
#include "data/encode/projection.h"
#include "data/read/resize.h"
#include "data/stream/row.h"
#include "tensor/file/half.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

enum { MOST_SIZE = 4096, SEED_BYTES = 8 };

struct mn_encoding {
    mn_encoding_spec spec;
    mn_shape row, form;
    mn_row_type type;            /* that batches have the rows as */
    const float *offset, *scale; /* (row), borrowed; NULL: 0 and 1 */
    mn_projection projection;
    float *wide; /* (row): a row that is projected, as floats */
};

/* --- made ------------------------------------------------------------------------------------- */

mn_status mn_encoding_parse(const char *where, const char *text, mn_encoding_spec *spec)
{
    static const struct {
        const char *prefix;
        mn_encoding_kind kind;
    } sized[] = {{"resize:", MN_ENCODE_RESIZE}, {"project:", MN_ENCODE_PROJECT}};
    spec->kind = MN_ENCODE_RAW;
    spec->size = 0;
    if (strcmp(text, "raw") == 0)
        return MN_OK;
    for (size_t i = 0; i < sizeof sized / sizeof sized[0]; i++) {
        const size_t length = strlen(sized[i].prefix);
        if (strncmp(text, sized[i].prefix, length) != 0)
            continue;
        spec->kind = sized[i].kind;
        if (mn_number_whole(text + length, &spec->size) && spec->size >= 1 &&
            spec->size <= MOST_SIZE)
            return MN_OK;
    }
    return mn_fail(MN_BAD_OPTION,
                   "%s: '%s' is none; expected raw, resize:R for R x R pixels (resize:7), or "
                   "project:E for E directions (project:64), R and E from 1 to %d",
                   where, text, MOST_SIZE);
}

static mn_status check_resize(const mn_encoding_spec *spec, mn_shape row, bool images)
{
    char text[64];
    if (!images || row.rank != 3 || row.size[1] == 1)
        return mn_fail(MN_BAD_OPTION,
                       "resize:%lld is for images, and the rows are %s of measurements; choose "
                       "project:E",
                       (long long)spec->size, mn_shape_text(row, text));
    return spec->size * spec->size < row.size[1] * row.size[2]
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "resize:%lld makes nothing of images of %lldx%lld smaller; choose a "
                         "smaller one, or raw",
                         (long long)spec->size, (long long)row.size[1], (long long)row.size[2]);
}

static mn_status check_project(const mn_encoding_spec *spec, mn_shape row)
{
    const int64_t values = mn_shape_count(row);
    return spec->size <= values
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "project:%lld: rows of %lld values have no more than as many directions; "
                         "choose fewer, or raw",
                         (long long)spec->size, (long long)values);
}

static mn_status fill(mn_encoding *made)
{
    const int64_t size = made->spec.size, values = mn_shape_count(made->row);
    made->form = made->spec.kind == MN_ENCODE_RESIZE ? MN_SHAPE(made->row.size[0], size, size)
                                                     : MN_SHAPE(1, 1, size);
    if (made->spec.kind == MN_ENCODE_RESIZE)
        return MN_OK;
    made->wide = mn_memory_take((size_t)values, sizeof *made->wide);
    return made->wide != NULL
               ? mn_projection_draw(made->spec.key, values, size, &made->projection)
               : mn_fail(MN_NO_MEMORY, "out of memory for a row of %lld values", (long long)values);
}

mn_status mn_encoding_new(const mn_encoding_spec *spec, mn_shape row, mn_row_type type,
                          const float *offset, const float *scale, mn_encoding **encoding)
{
    *encoding = NULL;
    if (spec->kind == MN_ENCODE_RAW)
        return MN_OK;
    MN_TRY(spec->kind == MN_ENCODE_RESIZE ? check_resize(spec, row, scale == NULL)
                                          : check_project(spec, row));
    mn_encoding *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a codec");
    made->spec = *spec;
    made->row = row;
    made->type = mn_row_type_in_batches(type);
    made->offset = offset;
    made->scale = scale;
    const mn_status status = fill(made);
    if (status != MN_OK) {
        mn_encoding_free(made);
        return status;
    }
    *encoding = made;
    return MN_OK;
}

void mn_encoding_free(mn_encoding *encoding)
{
    if (encoding == NULL)
        return;
    mn_projection_free(&encoding->projection);
    mn_memory_give(encoding->wide);
    mn_memory_give(encoding);
}

mn_shape mn_encoding_shape(const mn_encoding *encoding)
{
    return encoding->form;
}

mn_row_type mn_encoding_type(const mn_encoding *encoding)
{
    return encoding->spec.kind == MN_ENCODE_RESIZE ? MN_ROW_U8 : MN_ROW_F16;
}

int64_t mn_encoding_bytes(const mn_encoding_spec *spec)
{
    return spec->kind == MN_ENCODE_PROJECT ? SEED_BYTES : 0;
}

/* --- the way there and back ------------------------------------------------------------------- */

static mn_status resize(const uint8_t *pixels, mn_shape from, mn_resize how, mn_shape to,
                        uint8_t *resized)
{
    const mn_raster raster = mn_raster_of_image(pixels, from.size[0], from.size[1], from.size[2]);
    return mn_raster_place(&raster, how, MN_FIT_STRETCH, to.size[0], to.size[1], to.size[2],
                           resized);
}

/* Bytes of measurements are steps; what is projected are values. */
static bool in_steps(const mn_encoding *encoding, mn_row_type type)
{
    return type == MN_ROW_U8 && encoding->scale != NULL;
}

mn_status mn_encoding_encode(mn_encoding *encoding, mn_row_type type, const void *row, void *form)
{
    const int64_t values = mn_shape_count(encoding->row);
    float *wide = encoding->wide;
    if (encoding->spec.kind == MN_ENCODE_RESIZE)
        return type == MN_ROW_U8
                   ? resize(row, encoding->row, MN_RESIZE_AREA, encoding->form, form)
                   : mn_fail(MN_BAD_VALUE, "images as %s cannot be resized; expected bytes",
                             mn_row_type_name(type));
    mn_row_widen(type, row, values, wide);
    for (int64_t i = 0; i < values && in_steps(encoding, type); i++)
        wide[i] = encoding->offset[i] + encoding->scale[i] * wide[i];
    mn_projection_apply(&encoding->projection, wide, form);
    return MN_OK;
}

mn_status mn_encoding_show(mn_encoding *encoding, mn_row_type type, const void *row, void *form)
{
    float *values = form;
    MN_TRY(mn_encoding_encode(encoding, type, row, form));
    for (int64_t i = 0; i < mn_shape_count(encoding->form); i++)
        if (mn_encoding_type(encoding) == MN_ROW_F16)
            values[i] = mn_half_value(mn_half_of(values[i]));
    return MN_OK;
}

/* A value as one of the 256 steps of its place. */
static uint8_t step_of(const mn_encoding *encoding, float value, int64_t i)
{
    if (encoding->scale != NULL)
        value = encoding->scale[i] > 0 ? (value - encoding->offset[i]) / encoding->scale[i] : 0;
    return (uint8_t)lrintf(255 * fminf(fmaxf(value, 0), 1));
}

mn_status mn_encoding_decode(mn_encoding *encoding, const void *form, void *row)
{
    const int64_t values = mn_shape_count(encoding->row);
    if (encoding->spec.kind == MN_ENCODE_RESIZE)
        return resize(form, encoding->form, MN_RESIZE_BILINEAR, encoding->row, row);
    mn_projection_back(&encoding->projection, form,
                       encoding->type == MN_ROW_U8 ? encoding->wide : row);
    for (int64_t i = 0; i < values && encoding->type == MN_ROW_U8; i++)
        ((uint8_t *)row)[i] = step_of(encoding, encoding->wide[i], i);
    return MN_OK;
}
