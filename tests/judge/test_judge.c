/* Judging what a generator made: real images in the place of made ones are found out as copies,
 * equal ones as without diversity, and mislabelled ones as nothing that the judge agrees with. */
#include "store/exemplars.h"
#include "store/samples.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include "store/runfile.h"
#include <mneme/judge.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const test_setting of_run[] = {{"buffer_size", "100"}, {"seed", "3"}, {NULL, NULL}};
static const test_setting of_judge[] = {{"network.widths", "60"}, {"seed", "1"}, {NULL, NULL}};
static char run_path[600], judge_path[600];
static const char *folder;

enum { CLASSES = 6, BEFORE_LAST = 1, LAST = 2 }; /* classes; tasks */

/* What is kept in place of images that a generator made: those of the buffer. */
typedef struct copying {
    mn_runfile *file;
    int64_t place[CLASSES], after_task;
    int shift;  /* added to labels */
    bool equal; /* the first of each class again and again */
    uint8_t first[CLASSES][4096];
} copying;

static mn_status copy(void *context, const mn_exemplar *exemplar)
{
    copying *c = context;
    const int32_t label = (exemplar->label + c->shift) % CLASSES;
    uint8_t *first = c->first[exemplar->label];
    ck_assert_uint_le(exemplar->image_bytes, sizeof c->first[0]);
    if (c->place[label] == 0)
        memcpy(first, exemplar->image, exemplar->image_bytes);
    return mn_runfile_put_sample(c->file, c->after_task, label, c->place[label]++,
                                 c->equal ? first : exemplar->image, exemplar->image_bytes);
}

static mn_status pass_over(void *context, int64_t slot, const char *name, const float *values,
                           int64_t width)
{
    (void)context, (void)slot, (void)name, (void)values, (void)width;
    return MN_OK;
}

static void keep(int64_t after_task, int shift, bool equal)
{
    static copying c;
    c = (copying){.after_task = after_task, .shift = shift, .equal = equal};
    const mn_exemplar_reader reader = {.context = &c, .row = copy, .column = pass_over};
    ck_assert_ok(mn_runfile_open(run_path, MN_WRITE, &c.file));
    ck_assert_ok(mn_runfile_begin(c.file));
    ck_assert_ok(mn_runfile_read_exemplars(c.file, &reader));
    ck_assert_ok(mn_runfile_commit(c.file));
    ck_assert_ok(mn_runfile_close(c.file));
}

static void set_up(void)
{
    folder = test_folder("judge");
    snprintf(run_path, sizeof run_path, "%s/run.mneme", folder);
    snprintf(judge_path, sizeof judge_path, "%s/judge.mneme", folder);
    test_run("split-synthetic", "er", of_run, run_path);
    test_run("split-synthetic", "joint", of_judge, judge_path);
}

static void tear_down(void)
{
    test_remove(run_path);
    test_remove(judge_path);
    (void)rmdir(folder);
}

static mn_judged_class *judged(int64_t *count)
{
    mn_judged_class *classes;
    ck_assert_ok(mn_judge_samples(run_path, judge_path, &classes, count));
    return classes;
}

START_TEST(copies_of_training_images_are_found_out)
{
    int64_t count, made = 0;
    set_up();
    keep(LAST, 0, false);
    mn_judged_class *classes = judged(&count);
    ck_assert_int_eq(count, CLASSES);
    mn_judged_mark marks[MN_JUDGED_MARKS];
    mn_judge_marks(classes, count, marks);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(classes[i].label, i);
        ck_assert_int_eq(classes[i].after_task, LAST);
        ck_assert(classes[i].made.nearest_pixels == 0 && classes[i].real.nearest_pixels > 0);
        made += classes[i].made.count;
    }
    ck_assert_int_eq(made, test_query(run_path, "SELECT count(*) FROM sample"));
    ck_assert_str_eq(marks[0].name, "agreement");
    ck_assert_msg(marks[0].value > 0.75, "agreement %g", marks[0].value);
    ck_assert_msg(marks[2].value > 0.8 && marks[2].value < 1.25, "diversity %g", marks[2].value);
    ck_assert(marks[3].value < 1e-3); /* features of other batches may round otherwise */
    ck_assert(marks[4].value == 0);
    free(classes);
    tear_down();
}
END_TEST

START_TEST(equal_images_have_no_diversity_and_wrong_ones_no_agreement)
{
    int64_t count;
    mn_judged_mark marks[MN_JUDGED_MARKS];
    set_up();
    keep(BEFORE_LAST, 0,
         false); /* classes 4 and 5 come in the last task: not seen by then, so not agreed */
    keep(LAST, 2, true);
    mn_judged_class *classes = judged(&count);
    ck_assert_int_eq(count, 2 * CLASSES);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(classes[i].after_task, i < CLASSES ? BEFORE_LAST : LAST);
    ck_assert_int_eq(classes[4].made.agreed + classes[5].made.agreed, 0);
    ck_assert_int_eq(classes[4].real.agreed + classes[5].real.agreed, 0);
    mn_judge_marks(classes + CLASSES, CLASSES, marks);
    ck_assert_msg(marks[0].value < 0.1, "agreement %g", marks[0].value);
    ck_assert(marks[2].value < 1e-3);
    free(classes);
    tear_down();
}
END_TEST

static void refused(const char *path, const char *judge, mn_status status, const char *text)
{
    mn_judged_class *classes;
    int64_t count;
    ck_assert_fails(mn_judge_samples(path, judge, &classes, &count), status, text);
    ck_assert_ptr_null(classes);
}

/* Both hold out half of the images, each its own half. */
START_TEST(held_out_images_that_the_judge_was_trained_on_are_left_out)
{
    const test_setting run[] = {{"buffer_size", "100"}, {"validation", "0.5"}, {NULL, NULL}};
    const test_setting half[] = {{"seed", "1"}, {"validation", "0.5"}, {NULL, NULL}};
    int64_t count, real = 0, held = 0;
    set_up();
    test_remove(run_path);
    test_run("split-synthetic", "er", run, run_path);
    keep(LAST, 0, false);
    refused(run_path, judge_path, MN_UNSUPPORTED, "give the judge the run's validation");
    test_remove(judge_path);
    test_run("split-synthetic", "joint", half, judge_path);
    mn_judged_class *classes = judged(&count);
    for (int64_t i = 0; i < count; i++)
        real += classes[i].real.count;
    held = test_query(
        run_path, "SELECT sum(total) FROM evaluation WHERE after_task = 2 AND scope = 'class-il'");
    ck_assert_msg(3 * real > held && 3 * real < 2 * held, "%lld of %lld", (long long)real,
                  (long long)held); /* about half */
    free(classes);
    tear_down();
}
END_TEST

START_TEST(a_judge_that_cannot_judge_is_refused)
{
    char other[700];
    const test_setting shuffled[] = {{"class_order_seed", "5"}, {NULL, NULL}};
    set_up();
    refused(run_path, judge_path, MN_NOT_FOUND, "kept no images of a generator");
    keep(LAST, 0, false);
    refused(run_path, run_path, MN_BAD_OPTION, "a run cannot judge itself");
    snprintf(other, sizeof other, "%s/other.mneme", folder);
    refused(run_path, other, MN_NOT_FOUND, other);
    test_run("split-synthetic", "joint", shuffled, other);
    refused(run_path, other, MN_BAD_OPTION, "its classes, or their order, are not those of");
    test_remove(other);
    test_run("maps-synthetic", "joint", (const test_setting[]){{NULL, NULL}}, other);
    refused(run_path, other, MN_BAD_OPTION, "but the images are of");
    test_remove(other);
    test_run("perm-synthetic", "er", (const test_setting[]){{NULL, NULL}}, other);
    refused(other, judge_path, MN_UNSUPPORTED, "its tasks share their classes");
    test_remove(other);
    tear_down();
}
END_TEST

MN_SUITE("judge", copies_of_training_images_are_found_out,
         equal_images_have_no_diversity_and_wrong_ones_no_agreement,
         held_out_images_that_the_judge_was_trained_on_are_left_out,
         a_judge_that_cannot_judge_is_refused)
