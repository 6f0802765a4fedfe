/* The safetensors format: what is written comes back, in the reference library's bytes; other
 * element types are converted; and every kind of damage has a name. */
#include "tensor/file/safetensors.h"
#include "tensor/file/safetensors_write.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <fcntl.h>
#include <math.h>
#include <mneme/memory.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_BYTES = 4096 };

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch_folder, name);
    return path;
}

/* Writes a file from its header and its values; returns its size. */
static size_t write_file(const char *header, const void *values, size_t value_bytes)
{
    static unsigned char bytes[MOST_BYTES];
    const size_t length = strlen(header), size = 8 + length + value_bytes;
    ck_assert_uint_le(size, sizeof bytes);
    memset(bytes, 0, 8);
    bytes[0] = (unsigned char)(length & 0xff);
    bytes[1] = (unsigned char)(length >> 8);
    memcpy(bytes + 8, header, length);
    if (value_bytes > 0)
        memcpy(bytes + 8 + length, values, value_bytes);
    FILE *file = fopen(path_of("x.safetensors"), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
    return size;
}

static mn_status open_it(mn_safetensors **file)
{
    return mn_safetensors_open(path_of("x.safetensors"), file);
}

static void refuse(const char *header, size_t value_bytes, const char *why)
{
    static const char zeros[256];
    mn_safetensors *file;
    (void)write_file(header, zeros, value_bytes);
    ck_assert_fails(open_it(&file), MN_CORRUPT, why);
    ck_assert_ptr_null(file);
    ck_assert_ptr_null(strchr(mn_error(), '\n'));
    ck_assert_ptr_nonnull(strstr(mn_error(), "x.safetensors"));
}

static const float two_by_three[] = {1, -2, 3.5f, 0, 1e-30f, 1e30f}, scalar[] = {7};

START_TEST(what_is_written_comes_back_in_the_reference_librarys_bytes)
{
    static const char expected[] =
        "{\"a.bias\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,"
        "4]},\"b.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_"
        "offsets\":[4,28]},\"empty\":{\"dtype\":\"F32\",\"shape\":[0,5],"
        "\"data_offsets\":[28,28]}}  ";
    scratch_new();
    mn_named_values tensors[] = {{"empty", MN_SHAPE(0, 5), two_by_three, MN_VALUES_F32},
                                 {"b.weight", MN_SHAPE(2, 3), two_by_three, MN_VALUES_F32},
                                 {"a.bias", MN_SCALAR, scalar, MN_VALUES_F32}};
    ck_assert_ok(mn_safetensors_write(path_of("x.safetensors"), tensors, 3));
    char bytes[MOST_BYTES];
    FILE *in = fopen(path_of("x.safetensors"), "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    ck_assert_uint_eq((sizeof expected - 1) % 8, 0);
    ck_assert_uint_eq(size, 8 + sizeof expected - 1 + 28);
    ck_assert_int_eq(bytes[0], (char)(sizeof expected - 1));
    ck_assert_mem_eq(bytes + 8, expected, sizeof expected - 1);
    mn_safetensors *file;
    ck_assert_ok(open_it(&file));
    ck_assert_int_eq(mn_safetensors_count(file), 3);
    ck_assert_str_eq(mn_safetensors_at(file, 0)->name, "a.bias");
    ck_assert(mn_shape_equal(mn_safetensors_at(file, 1)->shape, MN_SHAPE(2, 3)));
    float *values;
    ck_assert_ok(mn_safetensors_floats(file, 1, &values));
    ck_assert_mem_eq(values, two_by_three, sizeof two_by_three);
    free(values);
    ck_assert_ok(mn_safetensors_floats(file, 0, &values));
    ck_assert(values[0] == 7.0f);
    free(values);
    mn_safetensors_close(file);
    scratch_remove();
}
END_TEST

START_TEST(other_floating_types_are_converted_and_integers_are_not)
{
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"d\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]},"
        "\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[16,20]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[20,24]},"
        "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[24,32]},"
        "\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[32,36]}}";
    struct {
        double d[2];
        uint16_t h[2], b[2];
        int64_t n;
        float x, unused;
    } values = {{0.1, -1e-3}, {0x3c00, 0xc100}, {0x3f80, 0xc020}, 12, INFINITY, 0};
    scratch_new();
    mn_safetensors *file;
    (void)write_file(header, &values, 36);
    ck_assert_ok(open_it(&file));
    ck_assert_int_eq(mn_safetensors_count(file), 5);
    const float expected[3][2] = {{0.1f, -1e-3f}, {1, -2.5f}, {1, -2.5f}};
    for (int i = 0; i < 3; i++) {
        float *floats;
        ck_assert(mn_safetensors_at(file, i)->floating);
        ck_assert_ok(mn_safetensors_floats(file, i, &floats));
        ck_assert(floats[0] == expected[i][0] && floats[1] == expected[i][1]);
        free(floats);
    }
    float *floats;
    ck_assert(!mn_safetensors_at(file, 3)->floating);
    ck_assert_fails(mn_safetensors_floats(file, 3, &floats), MN_UNSUPPORTED, "'n' is I64");
    ck_assert_fails(mn_safetensors_floats(file, 4, &floats), MN_BAD_VALUE, "no finite number");
    mn_safetensors_close(file);
    scratch_remove();
}
END_TEST

#define TENSOR(name, shape, offsets)                                                               \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

START_TEST(every_kind_of_damage_has_a_name)
{
    mn_safetensors *file;
    scratch_new();
    ck_assert_fails(mn_safetensors_open(path_of("nowhere/x"), &file), MN_NOT_FOUND, "nowhere/x");
    refuse("", 0, "no safetensors file");
    refuse("[]", 0, "no JSON object");
    refuse("{\"a\":", 0, "not JSON");
    refuse("{} {}", 0, "not JSON");
    refuse("{}", 4, "4 bytes of values are there, the header names 0");
    refuse("{\"a\":5}", 0, "no object");
    refuse("{" TENSOR("a", "7", "[0,4]") "}", 4, "shape is no list");
    refuse("{" TENSOR("a", "[-1]", "[0,4]") "}", 4, "no size");
    refuse("{" TENSOR("a", "[1.5]", "[0,4]") "}", 4, "no size");
    refuse("{" TENSOR("a", "[9e15]", "[0,4]") "}", 4, "no F32 of its shape");
    refuse("{" TENSOR("a", "[9e9,9e9,0]", "[0,0]") "}", 0, "no size");
    refuse("{" TENSOR("a", "[1]", "[4,0]") "}", 4, "no [begin, end]");
    refuse("{" TENSOR("a", "[1]", "[0]") "}", 4, "no [begin, end]");
    refuse("{" TENSOR("a", "[1]", "[0,4,8]") "}", 8, "no [begin, end]");
    refuse("{" TENSOR("a", "[1]", "[\"0\",4]") "}", 4, "no [begin, end]");
    refuse("{" TENSOR("a", "[2]", "[0,8]") "}", 4, "cut short");
    refuse("{" TENSOR("a", "[2]", "[0,4]") "}", 4, "no F32 of its shape");
    refuse("{" TENSOR("a", "[1]", "[0,4]") "," TENSOR("a", "[1]", "[4,8]") "}", 8, "twice");
    refuse("{" TENSOR("a", "[1]", "[0,4]") "," TENSOR("b", "[1]", "[0,4]") "}", 4, "begins at");
    refuse("{" TENSOR("a", "[2]", "[0,8]") "," TENSOR("b", "[1]", "[4,8]") "}", 8, "begins at");
    refuse("{" TENSOR("a", "[1]", "[4,8]") "}", 8, "begins at");
    refuse("{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype is no text");
    refuse("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype is no text");
    refuse("{" TENSOR("a", "[1,1,1,1,1,-1]", "[0,4]") "}", 4, "shape holds what is no size");
    scratch_remove();
}
END_TEST

/* What others keep in a file is nobody's trouble until it is asked for. */
START_TEST(foreign_tensors_are_left_alone)
{
    static const char *const foreign[] = {
        "\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}",
        TENSOR("a", "[1,1,1,1,1,1]", "[0,4]"),
        "\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,4]}"};
    scratch_new();
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        char header[512];
        float *values;
        mn_safetensors *file;
        snprintf(header, sizeof header, "{%s,%s}", foreign[i], TENSOR("b", "[1]", "[4,8]"));
        (void)write_file(header, (const float[]){1, 2}, 8);
        ck_assert_ok(open_it(&file));
        ck_assert(mn_safetensors_at(file, 0)->foreign && !mn_safetensors_at(file, 1)->foreign);
        ck_assert_fails(mn_safetensors_floats(file, 0, &values), MN_UNSUPPORTED, "'a', of dtype ");
        ck_assert_ok(mn_safetensors_floats(file, 1, &values));
        ck_assert(values[0] == 2);
        mn_memory_give(values);
        mn_safetensors_close(file);
    }
    scratch_remove();
}
END_TEST

/* Cut anywhere, the file is refused; with a byte changed anywhere it is refused or reads on, and
 * never does anything else (the sanitizers look on). */
START_TEST(cut_and_flipped_files_are_refused_or_read)
{
    char bytes[MOST_BYTES];
    mn_safetensors *file;
    scratch_new();
    const size_t size =
        write_file("{" TENSOR("a", "[2,3]", "[0,24]") "," TENSOR("b", "[1]", "[24,28]") "}",
                   (const float[]){1, 2, 3, 4, 5, 6, 7}, 28);
    FILE *in = fopen(path_of("x.safetensors"), "rb");
    ck_assert_uint_eq(fread(bytes, 1, size, in), size);
    fclose(in);
    const int descriptor = open(path_of("x.safetensors"), O_RDWR);
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            const char flipped = (char)(bytes[at] ^ 1 << bit);
            ck_assert_int_eq(pwrite(descriptor, &flipped, 1, (off_t)at), 1);
            const mn_status status = open_it(&file);
            ck_assert(status == MN_OK || status == MN_CORRUPT || status == MN_UNSUPPORTED);
            mn_safetensors_close(file);
        }
        ck_assert_int_eq(pwrite(descriptor, &bytes[at], 1, (off_t)at), 1);
    }
    for (size_t cut = 1; cut <= size; cut++) {
        ck_assert_int_eq(ftruncate(descriptor, (off_t)(size - cut)), 0);
        ck_assert_int_eq(open_it(&file), MN_CORRUPT);
    }
    close(descriptor);
    scratch_remove();
}
END_TEST

START_TEST(equal_tensors_and_the_digest_go_by_bytes)
{
    scratch_new();
    mn_safetensors *file;
    mn_named_values tensors[] = {{"a", MN_SHAPE(3), two_by_three, MN_VALUES_F32},
                                 {"b", MN_SHAPE(3), two_by_three, MN_VALUES_F32},
                                 {"c", MN_SHAPE(1, 3), two_by_three, MN_VALUES_F32},
                                 {"d", MN_SHAPE(3), two_by_three + 1, MN_VALUES_F32}};
    ck_assert_ok(mn_safetensors_write(path_of("x.safetensors"), tensors, 4));
    ck_assert_ok(open_it(&file));
    ck_assert(mn_safetensors_equal(file, 0, 1));
    ck_assert(!mn_safetensors_equal(file, 0, 2));
    ck_assert(!mn_safetensors_equal(file, 0, 3));
    const uint32_t digest = mn_safetensors_crc(file);
    mn_safetensors_close(file);
    tensors[2].values = two_by_three + 2;
    ck_assert_ok(mn_safetensors_write(path_of("x.safetensors"), tensors, 4));
    ck_assert_ok(open_it(&file));
    ck_assert_uint_ne(mn_safetensors_crc(file), digest);
    mn_safetensors_close(file);
    scratch_remove();
}
END_TEST

START_TEST(a_file_that_cannot_be_written_leaves_nothing_behind)
{
    scratch_new();
    mn_named_values tensors[] = {{"a", MN_SHAPE(3), two_by_three, MN_VALUES_F32}};
    ck_assert_fails(mn_safetensors_write(path_of("nowhere/x"), tensors, 1), MN_IO_FAILED,
                    "nowhere/x");
    /* A folder stands where the file should be. */
    ck_assert_int_eq(mkdir(path_of("x.safetensors"), 0700), 0);
    ck_assert_fails(mn_safetensors_write(path_of("x.safetensors"), tensors, 1), MN_BAD_OPTION,
                    "x.safetensors is no ordinary file and is not replaced");
    ck_assert_int_eq(rmdir(path_of("x.safetensors")), 0);
    ck_assert_int_eq(rmdir(scratch_folder), 0);
}
END_TEST

MN_SUITE("safetensors", what_is_written_comes_back_in_the_reference_librarys_bytes,
         other_floating_types_are_converted_and_integers_are_not, every_kind_of_damage_has_a_name,
         foreign_tensors_are_left_alone, cut_and_flipped_files_are_refused_or_read,
         equal_tensors_and_the_digest_go_by_bytes,
         a_file_that_cannot_be_written_leaves_nothing_behind)
