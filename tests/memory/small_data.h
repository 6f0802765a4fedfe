/* small_data.h -- a little of everything that readers read, in the scratch folder. */
#ifndef MN_TESTS_SMALL_DATA_H
#define MN_TESTS_SMALL_DATA_H

#include "tests/scratch.h"

#include <stdint.h>
#include <sys/stat.h>

enum { RECORD = 2 + 3072 };

static const char *in(const char *name)
{
    static char path[4][512];
    static int next;
    char *made = path[next++ % 4];
    snprintf(made, sizeof path[0], "%s/%s", scratch_folder, name);
    return made;
}

static void copy(const char *from, const char *to)
{
    char buffer[1 << 16];
    FILE *source = fopen(from, "rb"), *target = fopen(to, "wb");
    ck_assert(source != NULL && target != NULL);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, source)) > 0;)
        ck_assert_uint_eq(fwrite(buffer, 1, got, target), got);
    fclose(source);
    fclose(target);
}

/* A command in the scratch folder. */
static void shell(const char *what)
{
    char command[256];
    snprintf(command, sizeof command, "cd %s && %s", scratch_folder, what);
    ck_assert_int_eq(system(command), 0);
}

static const char *corpus(const char *name)
{
    static char path[512];
    const char *source = getenv("MNEME_SOURCE");
    ck_assert_ptr_nonnull(source);
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", source, name);
    return path;
}

static void write_table(void)
{
    FILE *table = fopen(in("table.csv"), "w");
    ck_assert_ptr_nonnull(table);
    fputs("length,width,kind\n", table);
    for (int i = 0; i < 24; i++)
        fprintf(table, "%d,%g,\"%s\"\n", i * i % 7, i / 4.0, i % 3 == 0 ? "oak tree" : "elm");
    fclose(table);
}

static void write_pictures(void)
{
    static const char *const pictures[] = {"rgb.png", "palette.png", "rgb.jpg", "grey.jpg"};
    static const char *const classes[] = {"animals", "animals/ant", "animals/bee"};
    char name[64];
    for (int c = 0; c < 3; c++) {
        ck_assert_int_eq(mkdir(in(classes[c]), 0700), 0);
        for (int i = 0; c > 0 && i < 4; i++) {
            char from[512];
            snprintf(name, sizeof name, "picture/%s", pictures[i]);
            snprintf(from, sizeof from, "%s", corpus(name));
            snprintf(name, sizeof name, "%s/%s", classes[c], pictures[i]);
            copy(from, in(name));
        }
    }
}

/* So many bytes in turn after a head. */
static void write_bytes(const char *name, const void *head, size_t head_bytes, int count, int turn)
{
    FILE *file = fopen(in(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(head, 1, head_bytes, file), head_bytes);
    for (int i = 0; i < count; i++)
        putc(i % turn, file);
    fclose(file);
}

static void write_idx(void)
{
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 12, 0, 0, 0, 4, 0, 0, 0, 4};
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 12};
    ck_assert_int_eq(mkdir(in("mnist"), 0700), 0);
    write_bytes("mnist/train-images-idx3-ubyte", images, sizeof images, 192, 251);
    write_bytes("mnist/train-labels-idx1-ubyte", labels, sizeof labels, 12, 10);
    shell("gzip mnist/train-images-idx3-ubyte");
    write_bytes("mnist/t10k-images-idx3-ubyte", images, sizeof images, 192, 249);
    write_bytes("mnist/t10k-labels-idx1-ubyte", labels, sizeof labels, 12, 10);
}

static void write_array(const char *name, const char *shape, int count, int turn)
{
    char head[256];
    memcpy(head, "\x93NUMPY\x01\0\x76", 10);
    snprintf(head + 10, sizeof head - 10,
             "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }%100s", shape, "");
    head[127] = '\n';
    write_bytes(name, head, 128, count, turn);
}

static void write_arrays(void)
{
    ck_assert_int_eq(mkdir(in("arrays"), 0700), 0);
    write_array("arrays/x_train.npy", "(16, 3, 3)", 144, 250);
    write_array("arrays/y_train.npy", "(16,)", 16, 4);
    write_array("arrays/x_test.npy", "(8, 3, 3)", 72, 249);
    write_array("arrays/y_test.npy", "(8,)", 8, 4);
}

/* Three images, three and two, of which each has two labels. */
static void write_records(void)
{
    ck_assert_int_eq(mkdir(in("set"), 0700), 0);
    ck_assert_int_eq(mkdir(in("set/set-bin"), 0700), 0);
    write_bytes("set/set-bin/one.bin", "", 0, 3 * RECORD, 2);
    write_bytes("set/set-bin/two.bin", "", 0, 3 * RECORD, 2);
    write_bytes("set/set-bin/test.bin", "", 0, 2 * RECORD, 2);
    shell("cd set && tar czf set-binary.tar.gz set-bin && rm -r set-bin");
}

#endif
