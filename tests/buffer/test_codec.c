/* What rows of the buffer are kept as: payloads of exactly so many bytes, and what comes back. */
#include "buffer/codec.h"
#include "tensor/file/half.h"
#include "tests/suite.h"

#include <math.h>
#include <string.h>

enum { VALUES = 6 };
static const float offset[VALUES] = {-1, 0, 0, 2, 5, -8}, scale[VALUES] = {2, 1, 4, 0, 1, 16};

static mn_codec codec_of(mn_row_type type, mn_kept_values values)
{
    const bool measured = type != MN_ROW_U8;
    const mn_codec_spec spec = {.row = MN_SHAPE(1, 2, 3),
                                .type = type,
                                .offset = measured ? offset : NULL,
                                .scale = measured ? scale : NULL,
                                .values = values};
    mn_codec codec;
    ck_assert_ok(mn_codec_new(&spec, &codec));
    return codec;
}

static const uint8_t bytes[VALUES] = {0, 17, 100, 128, 200, 255};
static const float floats[VALUES] = {-0.25F, 0.5F, 4, 2, 5.1F, 3};

START_TEST(payloads_have_exactly_the_bytes_that_are_said)
{
    static const struct {
        mn_row_type type;
        mn_kept_values values;
        size_t payload;
        mn_row_type gives;
    } all[] = {
        {MN_ROW_U8, MN_VALUES_AS_DATA, 6, MN_ROW_U8},
        {MN_ROW_F32, MN_VALUES_AS_DATA, 24, MN_ROW_F32},
        {MN_ROW_F16, MN_VALUES_AS_DATA, 12, MN_ROW_F32},
        {MN_ROW_U8, MN_VALUES_F32, 24, MN_ROW_F32},
        {MN_ROW_U8, MN_VALUES_F16, 12, MN_ROW_F32},
        {MN_ROW_F32, MN_VALUES_F16, 12, MN_ROW_F32},
        {MN_ROW_F32, MN_VALUES_U8, 6, MN_ROW_F32},
        {MN_ROW_U8, MN_VALUES_U4, 3, MN_ROW_U8},
        {MN_ROW_U8, MN_VALUES_U2, 2, MN_ROW_U8},
        {MN_ROW_U8, MN_VALUES_U1, 1, MN_ROW_U8},
        {MN_ROW_F32, MN_VALUES_U1, 1, MN_ROW_F32},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const mn_codec codec = codec_of(all[i].type, all[i].values);
        uint8_t payload[25];
        float row[VALUES + 1];
        ck_assert_uint_eq(codec.payload, all[i].payload);
        ck_assert_int_eq(codec.gives, all[i].gives);
        memset(payload, 0xA5, sizeof payload);
        memset(row, 0xA5, sizeof row);
        const bool of_bytes = all[i].type == MN_ROW_U8;
        mn_codec_encode(&codec, of_bytes ? MN_ROW_U8 : MN_ROW_F32,
                        of_bytes ? (const void *)bytes : floats, payload);
        ck_assert_uint_eq(payload[codec.payload], 0xA5);
        mn_codec_decode(&codec, payload, row);
        ck_assert_uint_eq(((uint8_t *)row)[mn_row_bytes(codec.gives, VALUES)], 0xA5);
    }
}
END_TEST

START_TEST(what_loses_nothing_gives_the_same_bits)
{
    uint8_t payload[4 * VALUES], back[VALUES];
    float wide[VALUES];
    const mn_codec plain = codec_of(MN_ROW_U8, MN_VALUES_AS_DATA);
    mn_codec_encode(&plain, MN_ROW_U8, bytes, payload);
    ck_assert_mem_eq(payload, bytes, VALUES);
    mn_codec_decode(&plain, payload, back);
    ck_assert_mem_eq(back, bytes, VALUES);
    const mn_codec whole = codec_of(MN_ROW_F32, MN_VALUES_AS_DATA);
    mn_codec_encode(&whole, MN_ROW_F32, floats, payload);
    mn_codec_decode(&whole, payload, wide);
    ck_assert_mem_eq(wide, floats, sizeof floats);
    const mn_codec widened = codec_of(MN_ROW_U8, MN_VALUES_F32);
    mn_codec_encode(&widened, MN_ROW_U8, bytes, payload);
    mn_codec_decode(&widened, payload, wide);
    for (int i = 0; i < VALUES; i++)
        ck_assert(wide[i] == (float)bytes[i] / 255.0F);
    const mn_codec half = codec_of(MN_ROW_F16, MN_VALUES_AS_DATA);
    float rounded[VALUES];
    for (int i = 0; i < VALUES; i++)
        rounded[i] = mn_half_value(mn_half_of(floats[i]));
    mn_codec_encode(&half, MN_ROW_F32, rounded, payload);
    mn_codec_decode(&half, payload, wide);
    ck_assert_mem_eq(wide, rounded, sizeof rounded);
}
END_TEST

START_TEST(steps_are_the_nearest_and_their_number_is_what_is_said)
{
    static const mn_kept_values steps[] = {MN_VALUES_U8, MN_VALUES_U4, MN_VALUES_U2, MN_VALUES_U1};
    static const int most[] = {255, 15, 3, 1};
    for (int s = 0; s < 4; s++) {
        uint8_t payload[VALUES], back[VALUES];
        float wide[VALUES];
        const mn_codec of_bytes = codec_of(MN_ROW_U8, steps[s]);
        mn_codec_encode(&of_bytes, MN_ROW_U8, bytes, payload);
        mn_codec_decode(&of_bytes, payload, back);
        for (int i = 0; i < VALUES; i++) {
            const double nearest = round(bytes[i] / 255.0 * most[s]) / most[s];
            ck_assert_int_eq(back[i], (int)lround(255 * nearest));
        }
        const mn_codec of_floats = codec_of(MN_ROW_F32, steps[s]);
        mn_codec_encode(&of_floats, MN_ROW_F32, floats, payload);
        mn_codec_decode(&of_floats, payload, wide);
        for (int i = 0; i < VALUES; i++) /* to half a step of its own place */
            ck_assert(fabsf(wide[i] - floats[i]) <= scale[i] / (float)most[s] * 0.5001F);
        const float far[VALUES] = {9, 9, 9, 9, 9, 9}; /* is cut off at the greatest */
        mn_codec_encode(&of_floats, MN_ROW_F32, far, payload);
        mn_codec_decode(&of_floats, payload, wide);
        ck_assert(wide[0] == 1 && wide[1] == 1 && wide[3] == 2);
    }
}
END_TEST

START_TEST(rows_of_nothing_are_refused)
{
    const mn_codec_spec empty = {.row = MN_SHAPE(1, 0, 3)};
    const mn_codec_spec endless = {.row = MN_SHAPE((int64_t)1 << 30, (int64_t)1 << 30)};
    mn_codec codec;
    ck_assert_fails(mn_codec_new(&empty, &codec), MN_BAD_SHAPE, "empty images");
    ck_assert_fails(mn_codec_new(&endless, &codec), MN_BAD_SHAPE, "rows of");
}
END_TEST

MN_SUITE("codec", payloads_have_exactly_the_bytes_that_are_said,
         what_loses_nothing_gives_the_same_bits,
         steps_are_the_nearest_and_their_number_is_what_is_said, rows_of_nothing_are_refused)
