/* An evaluation that finds no memory for a batch of images has none to count: the run says so, and
 * goes on from its last commit.  The batch is known by the size of its images. */
#include "tests/run_files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <mneme/memory.h>

enum { BATCH = 7, IMAGE_BYTES = 14 * 14 * 4, LINE = 64 };

static int asked, refused_at; /* times that the batch was asked for */

/* What a function finds in variables that it has not set yet: no address. */
static void paint_stack(void)
{
    volatile unsigned char below[1024];
    for (size_t i = 0; i < sizeof below; i++)
        below[i] = 0xA5;
}

static void *take(void *earlier, size_t alignment, size_t bytes)
{
    paint_stack();
    const size_t images = (BATCH * IMAGE_BYTES + LINE - 1) / LINE * LINE;
    if (alignment == LINE && bytes == images && ++asked == refused_at)
        return NULL;
    if (earlier != NULL)
        return realloc(earlier, bytes);
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void give(void *memory)
{
    free(memory);
}

static const test_setting settings[] = {
    {"eval_batch", "7"}, {"dataset.train_per_class", "20"}, {NULL, NULL}};

static void check_refused(int n)
{
    refused_at = n;
    asked = 0;
    mn_experiment *experiment = test_experiment("split-synthetic", "er", settings);
    ck_assert_fails(mn_experiment_run(experiment, scratch_path, NULL), MN_NO_MEMORY,
                    "out of memory for a batch of 7 images");
    ck_assert_int_eq(asked, n);
    mn_experiment_free(experiment);
}

START_TEST(an_evaluation_without_a_batch_counts_none)
{
    static const mn_memory_hooks hooks = {take, give};
    ck_assert_ok(mn_memory_use(&hooks));
    scratch_new();
    for (int n = 1; n <= 6; n++) { /* of the untrained network, and after the first task */
        check_refused(n);
        ck_assert_ok(mn_resume(scratch_path, NULL));
        test_remove(scratch_path);
    }
    scratch_remove();
}
END_TEST

MN_SUITE("evaluate_memory", an_evaluation_without_a_batch_counts_none)
