/* codec.c -- rows of the buffer in fewer bytes, or in more of them where floats must stay whole.
 *
 * Values go one by one, so that a row needs no memory on its way.  What the data set has is copied
 * as it is: a codec that changes nothing costs what no codec does. */
#include "buffer/codec.h"
#include "data/stream/row.h"
#include "tensor/file/half.h"

#include <math.h>
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

mn_status mn_codec_new(const mn_codec_spec *spec, mn_codec *codec)
{
    const int64_t values = mn_shape_count(spec->row);
    if (values < 1)
        return mn_fail(MN_BAD_SHAPE, "a buffer of empty images");
    if (values > (int64_t)1 << 40)
        return mn_fail(MN_BAD_SHAPE, "a buffer of rows of %lld values", (long long)values);
    *codec = (mn_codec){.spec = *spec, .values = spec->values};
    if (codec->values == MN_VALUES_AS_DATA)
        codec->values = same[spec->type];
    const bool floats = codec->values == MN_VALUES_F32 || codec->values == MN_VALUES_F16;
    if (spec->type == MN_ROW_X && !floats)
        return mn_fail(
            MN_BAD_OPTION,
            "buffer_values: %s needs a least and a greatest value of each place, and rows "
            "that a strategy makes have none; choose f32 or f16",
            kept[codec->values].name);
    codec->gives =
        floats && spec->type == MN_ROW_U8 ? MN_ROW_F32 : mn_row_type_in_batches(spec->type);
    codec->payload = ((size_t)values * (size_t)kept[codec->values].bits + 7) / 8;
    return MN_OK;
}

int64_t mn_codec_parameter_bytes(const mn_codec *codec)
{
    const bool steps = kept[codec->values].bits <= 8;
    return steps && codec->spec.scale != NULL
               ? 2 * mn_shape_count(codec->spec.row) * (int64_t)sizeof(float)
               : 0;
}

/* --- a value between the least and the greatest of its place --- */

static float unit_of(const mn_codec *codec, mn_row_type type, const void *row, int64_t i)
{
    const mn_codec_spec *spec = &codec->spec;
    if (type == MN_ROW_U8)
        return (float)((const uint8_t *)row)[i] / 255.0f;
    const float value = ((const float *)row)[i];
    if (spec->type == MN_ROW_U8 || spec->scale == NULL)
        return value;
    return spec->scale[i] > 0 ? (value - spec->offset[i]) / spec->scale[i] : 0;
}

static void put_unit(const mn_codec *codec, float unit, void *row, int64_t i)
{
    const mn_codec_spec *spec = &codec->spec;
    if (codec->gives == MN_ROW_U8)
        ((uint8_t *)row)[i] = (uint8_t)lrintf(255 * unit);
    else
        ((float *)row)[i] = spec->type == MN_ROW_U8 || spec->scale == NULL
                                ? unit
                                : spec->offset[i] + spec->scale[i] * unit;
}

/* --- the way there and back --- */

static void encode_steps(const mn_codec *codec, mn_row_type type, const void *row, uint8_t *payload)
{
    const int bits = kept[codec->values].bits, most = (1 << bits) - 1, in_byte = 8 / bits;
    const int64_t values = mn_shape_count(codec->spec.row);
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
    const int64_t values = mn_shape_count(codec->spec.row);
    for (int64_t i = 0; i < values; i++) {
        const int step = payload[i / in_byte] >> i % in_byte * bits & most;
        put_unit(codec, (float)step / (float)most, row, i);
    }
}

static float float_of(mn_row_type type, const void *row, int64_t i)
{
    return type == MN_ROW_U8 ? (float)((const uint8_t *)row)[i] / 255.0f : ((const float *)row)[i];
}

void mn_codec_encode(const mn_codec *codec, mn_row_type type, const void *row, uint8_t *payload)
{
    const int64_t values = mn_shape_count(codec->spec.row);
    if (codec->values == MN_VALUES_U8 && type == MN_ROW_U8)
        memcpy(payload, row, codec->payload);
    else if (codec->values == MN_VALUES_F32)
        mn_row_widen(type, row, values, (float *)(void *)payload);
    else if (codec->values != MN_VALUES_F16)
        encode_steps(codec, type, row, payload);
    for (int64_t i = 0; i < values && codec->values == MN_VALUES_F16; i++)
        ((uint16_t *)(void *)payload)[i] = mn_half_of(float_of(type, row, i));
}

void mn_codec_decode(const mn_codec *codec, const uint8_t *payload, void *row)
{
    const int64_t values = mn_shape_count(codec->spec.row);
    if (codec->values == MN_VALUES_U8 && codec->gives == MN_ROW_U8)
        memcpy(row, payload, codec->payload);
    else if (codec->values == MN_VALUES_F32 || codec->values == MN_VALUES_F16)
        mn_row_widen(codec->values == MN_VALUES_F32 ? MN_ROW_F32 : MN_ROW_F16, payload, values,
                     row);
    else
        decode_steps(codec, payload, row);
}
