/* Contrastive distillation: the values that its losses begin with, its bank, and what is refused.
 */
#include "store/runfile.h"
#include "store/tensors.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/tensor.h>
#include <stdio.h>
#include <unistd.h>

static char path[600];

static void begin(void)
{
    snprintf(path, sizeof path, "%s/run.mneme", test_folder("crd"));
}

static void end(void)
{
    test_remove(path);
    (void)rmdir(test_folder("crd"));
}

/* The first contrast of a run at a temperature at which all scores are alike. */
static double first_loss(const char *strategies, const char *memory, const char *negatives)
{
    const test_setting settings[] = {{"crd.memory", memory},      {"crd.negatives", negatives},
                                     {"crd.temperature", "1000"}, {"dataset.train_per_class", "20"},
                                     {"stream.tasks", "2"},       {"batch", "5"},
                                     {"log_every", "1"},          {NULL, NULL}};
    test_run("split-synthetic", strategies, settings, path);
    return test_query_real(path,
                           "SELECT value FROM scalar WHERE name = 'crd/crd' ORDER BY step LIMIT 1");
}

/* Scores of 1 / M: ln(K + 1) + K ln(1 + 1 / K) of either side. */
START_TEST(the_first_loss_of_a_bank_is_the_golden_one)
{
    begin();
    ck_assert_double_eq_tol(first_loss("finetune+crd", "bank", "512"), 14.4786, 0.01);
    ck_assert_double_eq_tol(first_loss("finetune+crd", "bank", "16384"), 21.4082, 0.01);
    end();
}
END_TEST

/* Three classes a task are too few to mask; five rows are told apart. */
START_TEST(the_first_loss_in_the_batch_is_that_of_chance)
{
    begin();
    ck_assert_double_eq_tol(first_loss("finetune+crd", "batch", "512"), log(5), 0.01);
    end();
}
END_TEST

/* --- the bank --- */

static mn_status check_lengths(void *context, const char *name, const mn_tensor *tensor)
{
    static float rows[100000];
    int *touched = context;
    (void)name;
    const mn_shape shape = mn_tensor_shape(tensor);
    ck_assert_int_le(mn_shape_count(shape), 100000);
    ck_assert_ok(mn_tensor_read(tensor, rows, mn_tensor_bytes(tensor)));
    for (int64_t i = 0; i < shape.size[0]; i++) {
        double square = 0;
        for (int64_t j = 0; j < shape.size[1]; j++)
            square += (double)rows[i * shape.size[1] + j] * (double)rows[i * shape.size[1] + j];
        *touched += fabs(square - 1) < 2e-5;
    }
    return MN_OK;
}

/* Rows of a bank that have length 1 after er+crd: those that were seen. */
static int seen_rows(const char *bank, const test_setting *settings)
{
    mn_runfile *file;
    int seen = 0;
    begin();
    test_run("split-synthetic", "er+crd", settings, path);
    ck_assert_ok(mn_runfile_open(path, MN_READ, &file));
    ck_assert_ok(mn_runfile_read_tensors(file, bank, check_lengths, &seen));
    ck_assert_ok(mn_runfile_close(file));
    end();
    return seen;
}

#define WITH_BANK                                                                                  \
    {"crd.memory", "bank"}, {"crd.width", "16"},                                                   \
    {                                                                                              \
        "dataset.train_per_class", "40"                                                            \
    }

/* 240 images, of which 80 came in the last task, and 30 slots: rows that were seen have length 1,
 * drawn ones, those of slots that were forgotten in the last step among them, have not. */
START_TEST(rows_that_were_seen_have_length_one)
{
    static const test_setting settings[] = {WITH_BANK, {"buffer_size", "30"}, {NULL, NULL}};
    const int seen = seen_rows("crd/student bank/", settings);
    ck_assert_int_ge(seen, 80); /* all of the task's */
    ck_assert_int_le(seen, 110);
}
END_TEST

/* A ring with one slot for each class is overwritten again and again: what its row of the bank was
 * is gone. */
START_TEST(what_is_overwritten_is_forgotten)
{
    static const test_setting settings[] = {
        WITH_BANK, {"buffer_policy", "ring"}, {"buffer_size", "6"}, {NULL, NULL}};
    /* The last batch took the slots of both classes of the last task, after its draw. */
    ck_assert_int_le(seen_rows("crd/teacher bank/", settings), 80 + 6 - 2);
}
END_TEST

MN_SUITE("crd", the_first_loss_of_a_bank_is_the_golden_one,
         the_first_loss_in_the_batch_is_that_of_chance, rows_that_were_seen_have_length_one,
         what_is_overwritten_is_forgotten)
