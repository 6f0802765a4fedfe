/* codec.c -- rows of the buffer in fewer bytes, or in more of them where floats must stay whole.
 *
 * Values go one by one, so that a row needs memory on its way only where it changes its form.  What
 * the data set has is copied as it is: a codec that changes nothing costs what no codec does. */
#include "buffer/codec.h"
#include "data/stream/row.h"
#include "tensor/file/half.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

static const struct {
    const char *name;
    int bits;
} kept[] = {
    [MN_VALUES_AS_DATA] = {"data", 0}, [MN_VALUES_F32] = {"f32", 32}, [MN_VALUES_F16] = {"f16", 16},
    [MN_VALUES_U8] = {"u8", 8},        [MN_VALUES_U4] = {"u4", 4},    [MN_VALUES_U2] = {"u2", 2},
    [MN_VALUES_U1] = {"u1", 1},
};

static const mn_kept_values same[] = {[MN_ROW_U8] = MN_VALUES_U8,
                                      [MN_ROW_F32] = MN_VALUES_F32,
                                      [MN_ROW_F16] = MN_VALUES_F16,
                                      [MN_ROW_X] = MN_VALUES_F32};

const char *mn_codec_values_name(mn_kept_values values)
{
    return kept[values].name;
}

/* --- made ------------------------------------------------------------------------------------- */

/* Whether steps need a least and a greatest value that nobody knows. */
static bool lacks_ranges(const mn_codec *codec)
{
    const bool floats = codec->values == MN_VALUES_F32 || codec->values == MN_VALUES_F16;
    return !floats &&
           (codec->type == MN_ROW_X ||
            (codec->encoding != NULL && codec->scale == NULL && codec->type != MN_ROW_U8));
}

static mn_status choose_values(mn_codec *codec)
{
    const bool floats = codec->values == MN_VALUES_F32 || codec->values == MN_VALUES_F16;
    if (codec->values == MN_VALUES_AS_DATA)
        codec->values = same[codec->type];
    else if (floats && codec->encoding != NULL && codec->type == MN_ROW_U8)
        return mn_fail(MN_BAD_OPTION,
                       "buffer_values: %s for resized images, which are bytes; choose data, or u8 "
                       "to u1",
                       kept[codec->values].name);
    return lacks_ranges(codec)
               ? mn_fail(MN_BAD_OPTION,
                         "buffer_values: %s needs a least and a greatest value of each place, and "
                         "rows that %s none; choose f32 or f16",
                         kept[codec->values].name,
                         codec->encoding != NULL ? "a codec projects have"
                                                 : "a strategy makes have")
               : MN_OK;
}

/* The form: that of the rows that come, or what the encoding makes of it. */
static mn_status choose_form(mn_codec *codec)
{
    const mn_codec_spec *spec = &codec->spec;
    codec->kept = spec->row;
    codec->type = spec->type;
    codec->offset = spec->offset;
    codec->scale = spec->scale;
    const mn_status status = mn_encoding_new(&spec->encoding, spec->row, spec->type, spec->offset,
                                             spec->scale, &codec->encoding);
    if (status != MN_OK)
        return mn_fail_in(status, "codec");
    if (codec->encoding == NULL)
        return MN_OK;
    codec->kept = mn_encoding_shape(codec->encoding);
    codec->type = mn_encoding_type(codec->encoding);
    codec->offset = codec->scale = NULL;
    codec->form = mn_memory_take((size_t)mn_shape_count(codec->kept), sizeof(float));
    return codec->form != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for a codec");
}

static mn_status make(mn_codec *codec)
{
    MN_TRY(choose_form(codec));
    MN_TRY(choose_values(codec));
    const bool floats = codec->values == MN_VALUES_F32 || codec->values == MN_VALUES_F16;
    codec->gives = mn_row_type_in_batches(codec->spec.type);
    if (codec->encoding == NULL && floats && codec->type == MN_ROW_U8)
        codec->gives = MN_ROW_F32;
    codec->payload =
        ((size_t)mn_shape_count(codec->kept) * (size_t)kept[codec->values].bits + 7) / 8;
    return MN_OK;
}

mn_status mn_codec_new(const mn_codec_spec *spec, mn_codec *codec)
{
    const int64_t values = mn_shape_count(spec->row);
    *codec = (mn_codec){.spec = *spec, .values = spec->values};
    if (values < 1)
        return mn_fail(MN_BAD_SHAPE, "a buffer of empty images");
    if (values > (int64_t)1 << 40)
        return mn_fail(MN_BAD_SHAPE, "a buffer of rows of %lld values", (long long)values);
    const mn_status status = make(codec);
    if (status != MN_OK)
        mn_codec_free(codec);
    return status;
}

void mn_codec_free(mn_codec *codec)
{
    mn_encoding_free(codec->encoding);
    mn_memory_give(codec->form);
    codec->encoding = NULL;
    codec->form = NULL;
}

int64_t mn_codec_parameter_bytes(const mn_codec *codec)
{
    const bool steps = kept[codec->values].bits <= 8;
    const int64_t ranges = steps && codec->scale != NULL ? 2 * (int64_t)sizeof(float) : 0;
    return ranges * mn_shape_count(codec->kept) + mn_encoding_bytes(&codec->spec.encoding);
}

/* --- a value between the least and the greatest of its place --- */

static float unit_of(const mn_codec *codec, mn_row_type type, const void *row, int64_t i)
{
    if (type == MN_ROW_U8)
        return (float)((const uint8_t *)row)[i] / 255.0f;
    const float value = ((const float *)row)[i];
    if (codec->type == MN_ROW_U8 || codec->scale == NULL)
        return value;
    return codec->scale[i] > 0 ? (value - codec->offset[i]) / codec->scale[i] : 0;
}

static void put_unit(const mn_codec *codec, float unit, void *row, int64_t i)
{
    if (codec->gives == MN_ROW_U8)
        ((uint8_t *)row)[i] = (uint8_t)lrintf(255 * unit);
    else
        ((float *)row)[i] = codec->type == MN_ROW_U8 || codec->scale == NULL
                                ? unit
                                : codec->offset[i] + codec->scale[i] * unit;
}

/* --- the way there and back --- */

static void encode_steps(const mn_codec *codec, mn_row_type type, const void *row, uint8_t *payload)
{
    const int bits = kept[codec->values].bits, most = (1 << bits) - 1, in_byte = 8 / bits;
    const int64_t values = mn_shape_count(codec->kept);
    memset(payload, 0, codec->payload);
    for (int64_t i = 0; i < values; i++) {
        const float unit = fminf(fmaxf(unit_of(codec, type, row, i), 0), 1);
        const int step = (int)lrintf((float)most * unit);
        uint8_t *byte = &payload[i / in_byte];
        *byte = (uint8_t)(*byte | step << i % in_byte * bits);
    }
}

static void decode_steps(const mn_codec *codec, const uint8_t *payload, void *row)
{
    const int bits = kept[codec->values].bits, most = (1 << bits) - 1, in_byte = 8 / bits;
    const int64_t values = mn_shape_count(codec->kept);
    for (int64_t i = 0; i < values; i++) {
        const int step = payload[i / in_byte] >> i % in_byte * bits & most;
        put_unit(codec, (float)step / (float)most, row, i);
    }
}

static float float_of(mn_row_type type, const void *row, int64_t i)
{
    return type == MN_ROW_U8 ? (float)((const uint8_t *)row)[i] / 255.0f : ((const float *)row)[i];
}

static void put_values(const mn_codec *codec, mn_row_type type, const void *row, uint8_t *payload)
{
    const int64_t values = mn_shape_count(codec->kept);
    if (codec->values == MN_VALUES_U8 && type == MN_ROW_U8)
        memcpy(payload, row, codec->payload);
    else if (codec->values == MN_VALUES_F32)
        mn_row_widen(type, row, values, (float *)(void *)payload);
    else if (codec->values != MN_VALUES_F16)
        encode_steps(codec, type, row, payload);
    for (int64_t i = 0; i < values && codec->values == MN_VALUES_F16; i++)
        ((uint16_t *)(void *)payload)[i] = mn_half_of(float_of(type, row, i));
}

static void take_values(const mn_codec *codec, const uint8_t *payload, void *row)
{
    const int64_t values = mn_shape_count(codec->kept);
    if (codec->values == MN_VALUES_U8 && codec->gives == MN_ROW_U8)
        memcpy(row, payload, codec->payload);
    else if (codec->values == MN_VALUES_F32 || codec->values == MN_VALUES_F16)
        mn_row_widen(codec->values == MN_VALUES_F32 ? MN_ROW_F32 : MN_ROW_F16, payload, values,
                     row);
    else
        decode_steps(codec, payload, row);
}

/* A row in its form is what batches of such data have: bytes, or floats. */
mn_status mn_codec_encode(const mn_codec *codec, mn_row_type type, const void *row,
                          uint8_t *payload)
{
    if (codec->encoding == NULL) {
        put_values(codec, type, row, payload);
        return MN_OK;
    }
    MN_TRY(mn_encoding_encode(codec->encoding, type, row, codec->form));
    put_values(codec, mn_row_type_in_batches(codec->type), codec->form, payload);
    return MN_OK;
}

mn_status mn_codec_decode(const mn_codec *codec, const uint8_t *payload, void *row)
{
    if (codec->encoding == NULL) {
        take_values(codec, payload, row);
        return MN_OK;
    }
    take_values(codec, payload, codec->form);
    return mn_encoding_decode(codec->encoding, codec->form, row);
}
