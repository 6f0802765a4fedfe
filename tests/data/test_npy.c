/* An .npy file: every type of number, and every header that is wrong. */
#include "data/read/npy.h"
#include "tests/data/own_npy.h"

#include <math.h>
#include <stdio.h>

static double first_value(const char *type, const void *value, size_t bytes)
{
    char header[128];
    mn_array array;
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }",
             type);
    write_file("one.npy", npy, make_npy(header, value, bytes));
    ck_assert_ok(mn_npy_read(path_of("one.npy"), &array));
    const double got = mn_array_value(&array, 0);
    mn_array_free(&array);
    return got;
}

/* Values with their bytes in the other order. */
static double swapped(const char *type, const void *value, size_t bytes)
{
    uint8_t other[8];
    for (size_t i = 0; i < bytes; i++)
        other[i] = ((const uint8_t *)value)[bytes - 1 - i];
    return first_value(type, other, bytes);
}

START_TEST(every_type_of_number_is_read)
{
    setup(0, NULL);
    const int64_t minus = -3;
    const uint16_t halves[] = {0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000};
    static const double values[] = {1, -2, 0.333251953125, 5.9604644775390625e-8, 65504, 0};
    ck_assert(first_value("|i1", &minus, 1) == -3);
    ck_assert(first_value("<i2", &minus, 2) == -3);
    ck_assert(first_value("<i4", &minus, 4) == -3);
    ck_assert(first_value("<i8", &minus, 8) == -3);
    ck_assert(first_value("|u1", &minus, 1) == 253);
    ck_assert(first_value("<u2", &minus, 2) == 65533);
    ck_assert(first_value("<u4", &minus, 4) == 4294967293.0);
    ck_assert(first_value("|b1", "\1", 1) == 1);
    ck_assert(first_value("<f4", &(float){0.1f}, 4) == (double)0.1f);
    ck_assert(first_value("<f8", &(double){0.1}, 8) == 0.1);
    for (int i = 0; i < 6; i++)
        ck_assert(first_value("<f2", &halves[i], 2) == values[i]);
    ck_assert(isnan(first_value("<f2", &(uint16_t){0x7e00}, 2)));
    ck_assert(first_value("<u1", &minus, 1) == 253); /* a byte has no order */
    ck_assert(first_value(">u1", &minus, 1) == 253);
    ck_assert(first_value("=i4", &minus, 4) == -3);
    ck_assert(first_value("<b1", "\1", 1) == 1);
    ck_assert(swapped(">i2", &minus, 2) == -3);
    ck_assert(swapped(">u4", &minus, 4) == 4294967293.0);
    ck_assert(swapped(">i8", &minus, 8) == -3);
    ck_assert(swapped(">f2", &halves[1], 2) == -2);
    ck_assert(swapped(">f4", &(float){0.1f}, 4) == (double)0.1f);
    ck_assert(swapped(">f8", &(double){0.1}, 8) == 0.1);
    teardown();
}
END_TEST

static mn_status parse(const char *header, size_t bytes)
{
    static const uint8_t zeros[256];
    mn_array array;
    write_file("x.npy", npy, make_npy(header, zeros, bytes));
    const mn_status status = mn_npy_read(path_of("x.npy"), &array);
    ck_assert((status == MN_OK) == (array.block != NULL));
    mn_array_free(&array);
    return status;
}

static mn_status parse_bytes(const void *bytes, size_t count)
{
    mn_array array;
    write_file("x.npy", bytes, count);
    return mn_npy_read(path_of("x.npy"), &array);
}

START_TEST(a_header_that_is_wrong_is_refused)
{
    setup(0, NULL);
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24));
    ck_assert_ok(parse("{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}", 24));
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }", 24));
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4));
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24));
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }", 24));
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (6L,), }", 24));
    ck_assert_ok(parse("{u'descr': u'<f4', u'fortran_order': False, u'shape': (6,), }", 24));
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 3), }", 0));
    static const char *const kinds[][2] = {
        {"<U5", "holds text; of labels, save their numbers: classes, y = numpy.unique(y, "},
        {"|S5", "holds text"},
        {"|O", "holds Python's objects"},
        {"<M8[ns]", "holds times; save numbers, as x.astype('<i8')"},
        {"<c8", "holds complex numbers"},
        {"<f16", "save x.astype('<f8')"},
        {"|V8", "no numbers"},
        {"<", "no numbers"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char header[128];
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }",
                 kinds[i][0]);
        ck_assert_fails(parse(header, 16), MN_UNSUPPORTED, kinds[i][1]);
    }
    ck_assert_fails(parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8),
                    MN_UNSUPPORTED, "records of several fields; save each by itself");
    ck_assert_fails(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 23),
                    MN_CORRUPT, "ends after 23 of the 24 bytes it announces; get it again");
    ck_assert_fails(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 25),
                    MN_CORRUPT, "goes on after the 24 bytes its header announces");
    ck_assert_fails(
        parse("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 24),
        MN_CORRUPT, "announces more than");
    static const char *const wrong[] = {
        "",
        "{",
        "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3}",
        "{'descr': \"<f4\", 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'colour': False, 'shape': (2,)}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_fails(parse(wrong[i], 8), MN_CORRUPT,
                        "x.npy: its header is not that of an array");
    ck_assert_fails(parse_bytes("GIF89a0123456789", 16), MN_CORRUPT, "x.npy: is no .npy file");
    ck_assert_fails(parse_bytes("\x93NUMPY\x04\0\0\0\0\0\0\0\0", 16), MN_UNSUPPORTED,
                    "is version 4 of .npy");
    ck_assert_fails(parse_bytes("\x93NUMPY\x01\0\xc8\0\0\0\0\0\0", 16), MN_CORRUPT,
                    "ends in its header");
    ck_assert_fails(parse_bytes("\x93NUMPY\x02\0\xff\xff\xff\xff", 12), MN_CORRUPT,
                    "announces a header of 4294967295 bytes");
    ck_assert_fails(parse_bytes("\x93NUMPY\x02\0\x10\0\0", 11), MN_CORRUPT, "header");
    teardown();
}
END_TEST

MN_SUITE("npy", every_type_of_number_is_read, a_header_that_is_wrong_is_refused)
