/* Features of a data set in a file: what the network makes of each image, in three widths; stopped
 * and gone on with, the same bytes; read back by the data set npy. */
#include "tests/suite.h"

#include "tensor/file/half.h"
#include "tensor/file/safetensors.h"
#include "tests/scratch.h"

#include <math.h>
#include <mneme/features.h>
#include <mneme/network.h>
#include <stdlib.h>

enum { BATCH = 64, TRAIN = 1200, TEST = 300, ALL = TRAIN + TEST };

static const char *path_of(const char *name)
{
    static char paths[4][160];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
    return path;
}

static mn_experiment *experiment_with(const char *widths)
{
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", NULL, &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "network.widths", widths));
    ck_assert_ok(mn_experiment_set(experiment, "eval_batch", "64"));
    ck_assert_ok(mn_experiment_resolve(experiment));
    return experiment;
}

typedef struct stopping {
    int64_t after,
        first; /* stop with so many images done, -1: never; those done at the first look */
} stopping;

static bool go_on(void *context, int64_t done, int64_t all)
{
    stopping *s = context;
    ck_assert_int_eq(all, ALL);
    if (s->first < 0)
        s->first = done;
    return s->after < 0 || done < s->after;
}

static mn_status write_features(const char *widths, const char *layer, mn_row_type type,
                                const char *path, stopping *s)
{
    const mn_features_spec spec = {layer, type};
    const mn_pack_watch watch = {s, go_on};
    mn_experiment *experiment = experiment_with(widths);
    const mn_status status = mn_features_write(experiment, &spec, path, s != NULL ? &watch : NULL);
    mn_experiment_free(experiment);
    return status;
}

static char *bytes_of(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "rb");
    ck_assert_ptr_nonnull(in);
    fseek(in, 0, SEEK_END);
    *bytes = (size_t)ftell(in);
    rewind(in);
    char *read = malloc(*bytes);
    ck_assert_uint_eq(fread(read, 1, *bytes, in), *bytes);
    fclose(in);
    return read;
}

static bool same_files(const char *a, const char *b)
{
    size_t bytes[2];
    char *read[] = {bytes_of(a, &bytes[0]), bytes_of(b, &bytes[1])};
    const bool same = bytes[0] == bytes[1] && memcmp(read[0], read[1], bytes[0]) == 0;
    free(read[0]);
    free(read[1]);
    return same;
}

static mn_dataset *read_back(const char *path, const char *type)
{
    char options[256];
    mn_dataset *dataset;
    snprintf(options, sizeof options, "{\"path\": \"%s\", \"dtype\": \"%s\"}", path, type);
    ck_assert_ok(mn_dataset_open("npy", options, NULL, &dataset));
    return dataset;
}

/* What the untrained network makes of one training image, asked for by itself. */
static void compare_with_network(int64_t row, const float *features, int64_t width)
{
    mn_experiment *experiment = experiment_with("20");
    mn_dataset *data;
    mn_network *network;
    mn_tape *tape;
    uint8_t pixels[14 * 14];
    float x[14 * 14];
    ck_assert_ok(mn_experiment_dataset(experiment, &data));
    ck_assert_ok(mn_dataset_pixels(data, &data->train, row, pixels));
    for (int i = 0; i < 14 * 14; i++)
        x[i] = (float)pixels[i] / 255;
    const mn_network_spec spec = {"mlp", "{\"widths\": \"20\"}", MN_SHAPE(1, 14, 14), 6};
    ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "network.initial.run/network"), &network));
    ck_assert_ok(mn_tape_new(&tape));
    const mn_forwarded out = mn_network_forward(
        network, mn_input(tape, MN_SHAPE(1, 1, 14, 14), x, false), MN_EVAL | MN_NO_GRADIENT);
    const float *values;
    ck_assert_ok(mn_values(out.features, &values));
    ck_assert_int_eq(mn_shape_count(mn_shape_of(out.features)), width);
    for (int64_t i = 0; i < width; i++)
        ck_assert(fabsf(features[i] - values[i]) <= 1e-5f);
    mn_tape_free(tape);
    mn_network_free(network);
    mn_dataset_free(data);
    mn_experiment_free(experiment);
}

START_TEST(features_are_what_the_network_makes_of_each_image)
{
    scratch_new();
    const char *path = path_of("f32.safetensors");
    ck_assert_ok(write_features("20", NULL, MN_ROW_F32, path, NULL));
    mn_dataset *data = read_back(path, "f32");
    const float *rows = (const float *)(const void *)data->train.pixels;
    ck_assert_int_eq(data->train.count, TRAIN);
    ck_assert_int_eq(data->test.count, TEST);
    ck_assert_int_eq(data->width, 20);
    compare_with_network(0, rows, 20);
    compare_with_network(777, rows + 777 * 20, 20);
    mn_dataset_free(data);
    mn_safetensors *file;
    ck_assert_ok(mn_safetensors_open(path, &file));
    ck_assert_str_eq(mn_safetensors_metadata(file, "dataset"), "synthetic");
    ck_assert_str_eq(mn_safetensors_metadata(file, "network"), "mlp");
    ck_assert_str_eq(mn_safetensors_metadata(file, "weights_digest"), "drawn with seed 0");
    ck_assert_uint_eq(strlen(mn_safetensors_metadata(file, "dataset_digest")), 8);
    mn_safetensors_close(file);
    ck_assert_int_ne(access(path_of("f32.safetensors.part"), F_OK), 0);
    scratch_remove();
}
END_TEST

START_TEST(halves_and_steps_are_the_nearest_ones)
{
    scratch_new();
    ck_assert_ok(write_features("20", NULL, MN_ROW_F32, path_of("a.safetensors"), NULL));
    ck_assert_ok(write_features("20", NULL, MN_ROW_F16, path_of("b.safetensors"), NULL));
    ck_assert_ok(write_features("20", NULL, MN_ROW_U8, path_of("c.safetensors"), NULL));
    mn_dataset *floats = read_back(path_of("a.safetensors"), "f32");
    mn_dataset *halves = read_back(path_of("b.safetensors"), "f32");
    mn_dataset *steps = read_back(path_of("c.safetensors"), "f32");
    mn_dataset *bytes = read_back(path_of("c.safetensors"), "u8");
    mn_dataset *own = read_back(path_of("a.safetensors"), "u8");
    const float *x = (const float *)(const void *)floats->train.pixels;
    const float *h = (const float *)(const void *)halves->train.pixels;
    const float *s = (const float *)(const void *)steps->train.pixels;
    for (int64_t i = 0; i < TRAIN * 20; i++) {
        ck_assert(mn_half_value(mn_half_of(x[i])) == h[i]);
        ck_assert(fabsf(x[i] - s[i]) <= bytes->scale[i % 20] * 0.501f / 255);
    }
    /* The steps are those that the data set itself would make of the floats. */
    ck_assert_mem_eq(bytes->train.pixels, own->train.pixels, TRAIN * 20);
    ck_assert_mem_eq(bytes->scale, own->scale, 20 * sizeof(float));
    mn_dataset *const all[] = {floats, halves, steps, bytes, own};
    for (int i = 0; i < 5; i++)
        mn_dataset_free(all[i]);
    scratch_remove();
}
END_TEST

START_TEST(what_was_stopped_goes_on_to_the_same_bytes)
{
    static const int64_t places[] = {3 * BATCH, TRAIN, TRAIN + 2 * BATCH};
    scratch_new();
    ck_assert_ok(write_features("20", "hidden1", MN_ROW_U8, path_of("whole.safetensors"), NULL));
    for (int i = 0; i < 3; i++) {
        stopping stop = {places[i], -1}, on = {-1, -1};
        const char *path = path_of("parts.safetensors");
        ck_assert_fails(write_features("20", "hidden1", MN_ROW_U8, path, &stop), MN_INTERRUPTED,
                        "the same command goes on from there");
        ck_assert_int_ne(access(path, F_OK), 0);
        FILE *torn = fopen(path_of("parts.safetensors.part"), "ab"); /* as a kill leaves it */
        for (int row = 0; row < 5; row++)
            fprintf(torn, "%-80s", "a row of a batch that is not whole");
        fputs("half a row", torn);
        fclose(torn);
        ck_assert_ok(write_features("20", "hidden1", MN_ROW_U8, path, &on));
        ck_assert_int_eq(on.first, places[i]);
        ck_assert(same_files(path, path_of("whole.safetensors")));
        ck_assert_int_eq(unlink(path), 0);
    }
    scratch_remove();
}
END_TEST

START_TEST(what_another_network_made_is_begun_anew)
{
    scratch_new();
    stopping stop = {2 * BATCH, -1}, on = {-1, -1};
    const char *path = path_of("x.safetensors");
    ck_assert_fails(write_features("20", NULL, MN_ROW_F32, path, &stop), MN_INTERRUPTED, "128 of");
    ck_assert_ok(write_features("21", NULL, MN_ROW_F32, path, &on));
    ck_assert_int_eq(on.first, 0);
    ck_assert_fails(write_features("20", "layer9", MN_ROW_F32, path, NULL), MN_NOT_FOUND,
                    "hidden1");
    scratch_remove();
}
END_TEST

MN_SUITE("features", features_are_what_the_network_makes_of_each_image,
         halves_and_steps_are_the_nearest_ones, what_was_stopped_goes_on_to_the_same_bytes,
         what_another_network_made_is_begun_anew)
