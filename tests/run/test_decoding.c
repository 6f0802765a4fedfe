/* Runs whose images are decoded when they are needed: the same bytes, and what becomes of a run
 * when an image breaks meanwhile. */
#include "data/read/png.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/data.h>
#include <mneme/experiment.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 600, CLASSES = 4, PICTURES = 12, SIDE = 10 };

static char folder[PATH_BYTES], benchmark[PATH_BYTES];

static const char *in_folder(char path[PATH_BYTES], const char *name)
{
    snprintf(path, PATH_BYTES, "%.400s/%.100s", folder, name);
    return path;
}

static const char *picture_path(char path[PATH_BYTES], int class, int i)
{
    char name[64];
    snprintf(name, sizeof name, "all/%d/%02d.png", class, i);
    return in_folder(path, name);
}

static void write_picture(int class, int i)
{
    static uint8_t rgb[3 * SIDE * SIDE];
    char path[PATH_BYTES];
    for (int k = 0; k < 3 * SIDE * SIDE; k++)
        rgb[k] = (uint8_t)((class * 61 + i * 7) ^ (k * (class + 3)));
    const mn_picture picture = {.width = SIDE, .height = SIDE, .rgb = rgb};
    ck_assert_ok(mn_png_write(&picture, picture_path(path, class, i)));
}

static void setup(void)
{
    char path[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", test_folder("decoding"));
    ck_assert_int_eq(mkdir(in_folder(path, "all"), 0777), 0);
    for (int class = 0; class < CLASSES; class ++) {
        char name[16];
        snprintf(name, sizeof name, "all/%d", class);
        ck_assert_int_eq(mkdir(in_folder(path, name), 0777), 0);
        for (int i = 0; i < PICTURES; i++)
            write_picture(class, i);
    }
    FILE *file = fopen(in_folder(benchmark, "all.json"), "w");
    fputs("{\"dataset\": {\"name\": \"folder\", \"path\": \"all\", \"size\": 8}, "
          "\"stream\": {\"tasks\": 2}, \"augment\": {\"pad\": 1, \"flip\": true}, "
          "\"normalise\": \"measured\", \"network\": {\"name\": \"mlp\", \"widths\": [6]}, "
          "\"train\": {\"epochs\": 3, \"batch\": 4, \"buffer_size\": 8}}",
          file);
    fclose(file);
}

static void teardown(void)
{
    char command[PATH_BYTES + 16];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Breaks a picture, or stops, before a step. */
typedef struct trouble {
    int steps;
    bool breaks;
} trouble;

static bool make_trouble(void *context)
{
    trouble *t = context;
    char path[PATH_BYTES];
    if (--t->steps != 0)
        return false;
    for (int i = 0; t->breaks && i < PICTURES; i++) { /* of the classes of both tasks */
        ck_assert_int_eq(truncate(picture_path(path, 0, i), 40), 0);
        ck_assert_int_eq(truncate(picture_path(path, 3, i), 40), 0);
    }
    return !t->breaks;
}

static const test_setting before[] = {{"dataset.decode", "before"}, {NULL, NULL}};
static const test_setting needed[] = {{"dataset.decode", "when_needed"}, {NULL, NULL}};

START_TEST(images_decoded_when_needed_give_the_same_run)
{
    char one[PATH_BYTES], other[PATH_BYTES], third[PATH_BYTES];
    trouble t = {.steps = 5};
    const mn_observer observer = {.context = &t, .stop = make_trouble};
    setup();
    test_run(benchmark, "er", before, in_folder(one, "one"));
    test_run(benchmark, "er", needed, in_folder(other, "other"));
    test_same_run(one, other);
    mn_experiment *experiment = test_experiment(benchmark, "er", needed);
    ck_assert_fails(mn_experiment_run(experiment, in_folder(third, "third"), &observer),
                    MN_INTERRUPTED, "stopped at step 5");
    mn_experiment_free(experiment);
    ck_assert_ok(mn_resume(third, NULL));
    test_same_run(one, third);
    teardown();
}
END_TEST

/* With several steps between commits: what was learned since the last is not lost. */
START_TEST(an_image_that_breaks_under_way_stops_the_run_which_goes_on_once_it_is_mended)
{
    static const int steps[] = {1, 7, 12, 17}; /* a task has 15 */
    char whole[PATH_BYTES], path[PATH_BYTES];
    setup();
    test_run(benchmark, "er", before, in_folder(whole, "whole"));
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        trouble t = {.steps = steps[s], .breaks = true};
        const mn_observer observer = {.context = &t, .stop = make_trouble};
        mn_experiment *experiment = test_experiment(benchmark, "er", needed);
        ck_assert_fails(mn_experiment_run(experiment, in_folder(path, "run"), &observer),
                        MN_CORRUPT, ".png: not a sound PNG: ");
        mn_experiment_free(experiment);
        ck_assert_ptr_null(strchr(mn_error(), '\n'));
        ck_assert_int_ge(test_query(path, "SELECT step FROM cursor"), steps[s]);
        ck_assert_fails(mn_resume(path, NULL), MN_CORRUPT, "or take it out of its folder");
        for (int i = 0; i < PICTURES; i++) {
            write_picture(0, i);
            write_picture(3, i);
        }
        ck_assert_ok(mn_resume(path, NULL));
        test_same_run(whole, path);
        test_remove(path);
    }
    teardown();
}
END_TEST

MN_SUITE("decoding", images_decoded_when_needed_give_the_same_run,
         an_image_that_breaks_under_way_stops_the_run_which_goes_on_once_it_is_mended)
