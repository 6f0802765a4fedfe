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
        mn_codec codec = codec_of(all[i].type, all[i].values);
        uint8_t payload[25];
        float row[VALUES + 1];
        ck_assert_uint_eq(codec.payload, all[i].payload);
        ck_assert_int_eq(codec.gives, all[i].gives);
        memset(payload, 0xA5, sizeof payload);
        memset(row, 0xA5, sizeof row);
        const bool of_bytes = all[i].type == MN_ROW_U8;
        ck_assert_ok(mn_codec_encode(&codec, of_bytes ? MN_ROW_U8 : MN_ROW_F32,
                                     of_bytes ? (const void *)bytes : floats, payload));
        ck_assert_uint_eq(payload[codec.payload], 0xA5);
        ck_assert_ok(mn_codec_decode(&codec, payload, row));
        ck_assert_uint_eq(((uint8_t *)row)[mn_row_bytes(codec.gives, VALUES)], 0xA5);
        mn_codec_free(&codec);
    }
}
END_TEST

START_TEST(what_loses_nothing_gives_the_same_bits)
{
    uint8_t payload[4 * VALUES], back[VALUES];
    float wide[VALUES];
    const mn_codec plain = codec_of(MN_ROW_U8, MN_VALUES_AS_DATA);
    ck_assert_ok(mn_codec_encode(&plain, MN_ROW_U8, bytes, payload));
    ck_assert_mem_eq(payload, bytes, VALUES);
    ck_assert_ok(mn_codec_decode(&plain, payload, back));
    ck_assert_mem_eq(back, bytes, VALUES);
    const mn_codec whole = codec_of(MN_ROW_F32, MN_VALUES_AS_DATA);
    ck_assert_ok(mn_codec_encode(&whole, MN_ROW_F32, floats, payload));
    ck_assert_ok(mn_codec_decode(&whole, payload, wide));
    ck_assert_mem_eq(wide, floats, sizeof floats);
    const mn_codec widened = codec_of(MN_ROW_U8, MN_VALUES_F32);
    ck_assert_ok(mn_codec_encode(&widened, MN_ROW_U8, bytes, payload));
    ck_assert_ok(mn_codec_decode(&widened, payload, wide));
    for (int i = 0; i < VALUES; i++)
        ck_assert(wide[i] == (float)bytes[i] / 255.0F);
    const mn_codec half = codec_of(MN_ROW_F16, MN_VALUES_AS_DATA);
    float rounded[VALUES];
    for (int i = 0; i < VALUES; i++)
        rounded[i] = mn_half_value(mn_half_of(floats[i]));
    ck_assert_ok(mn_codec_encode(&half, MN_ROW_F32, rounded, payload));
    ck_assert_ok(mn_codec_decode(&half, payload, wide));
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
        ck_assert_ok(mn_codec_encode(&of_bytes, MN_ROW_U8, bytes, payload));
        ck_assert_ok(mn_codec_decode(&of_bytes, payload, back));
        for (int i = 0; i < VALUES; i++) {
            const double nearest = round(bytes[i] / 255.0 * most[s]) / most[s];
            ck_assert_int_eq(back[i], (int)lround(255 * nearest));
        }
        const mn_codec of_floats = codec_of(MN_ROW_F32, steps[s]);
        ck_assert_ok(mn_codec_encode(&of_floats, MN_ROW_F32, floats, payload));
        ck_assert_ok(mn_codec_decode(&of_floats, payload, wide));
        for (int i = 0; i < VALUES; i++) /* to half a step of its own place */
            ck_assert(fabsf(wide[i] - floats[i]) <= scale[i] / (float)most[s] * 0.5001F);
        const float far[VALUES] = {9, 9, 9, 9, 9, 9}; /* is cut off at the greatest */
        ck_assert_ok(mn_codec_encode(&of_floats, MN_ROW_F32, far, payload));
        ck_assert_ok(mn_codec_decode(&of_floats, payload, wide));
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

/* A form of fewer values, whose bits are chosen as those of any row. */
START_TEST(rows_in_a_smaller_form_have_its_bytes)
{
    static const struct {
        const char *form;
        mn_kept_values values;
        size_t payload;
        int64_t parameters;
    } all[] = {{"resize:7", MN_VALUES_AS_DATA, 49, 0}, {"resize:7", MN_VALUES_U4, 25, 0},
               {"resize:1", MN_VALUES_U8, 1, 0},       {"project:64", MN_VALUES_AS_DATA, 128, 8},
               {"project:3", MN_VALUES_F32, 12, 8},    {"raw", MN_VALUES_AS_DATA, 196, 0}};
    mn_codec_spec spec = {.row = MN_SHAPE(1, 14, 14), .type = MN_ROW_U8};
    uint8_t image[196], back[197], payload[197];
    mn_codec codec;
    for (int i = 0; i < 196; i++)
        image[i] = (uint8_t)(i % 14 * 10 + i / 14);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ck_assert_ok(mn_encoding_parse("codec", all[i].form, &spec.encoding));
        spec.values = all[i].values;
        ck_assert_ok(mn_codec_new(&spec, &codec));
        ck_assert_uint_eq(codec.payload, all[i].payload);
        ck_assert_int_eq(codec.gives, MN_ROW_U8);
        ck_assert_int_eq(mn_codec_parameter_bytes(&codec), all[i].parameters);
        memset(payload, 0xA5, sizeof payload);
        memset(back, 0xA5, sizeof back);
        ck_assert_ok(mn_codec_encode(&codec, MN_ROW_U8, image, payload));
        ck_assert_uint_eq(payload[codec.payload], 0xA5);
        ck_assert_ok(mn_codec_decode(&codec, payload, back));
        ck_assert_uint_eq(back[196], 0xA5);
        mn_codec_free(&codec);
    }
    spec.values = MN_VALUES_F16;
    ck_assert_ok(mn_encoding_parse("codec", "resize:7", &spec.encoding));
    ck_assert_fails(mn_codec_new(&spec, &codec), MN_BAD_OPTION, "resized images, which are bytes");
    spec.values = MN_VALUES_U8;
    ck_assert_ok(mn_encoding_parse("codec", "project:7", &spec.encoding));
    ck_assert_fails(mn_codec_new(&spec, &codec), MN_BAD_OPTION, "choose f32 or f16");
}
END_TEST

MN_SUITE("codec", rows_in_a_smaller_form_have_its_bytes,
         payloads_have_exactly_the_bytes_that_are_said, what_loses_nothing_gives_the_same_bits,
         steps_are_the_nearest_and_their_number_is_what_is_said, rows_of_nothing_are_refused)
