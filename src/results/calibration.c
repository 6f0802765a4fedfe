/* calibration.c -- what the stored answers of a run are worth as probabilities, and as clusters
 * (docs/metrics.md).
 *
 * The temperature that scales them is fitted to the answers to validation images alone. */
#include "results/calibration.h"
#include "store/query.h"
#include "store/tensors.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 15, LEAST_RANKS = 3, MOST_STEPS = 60 };
static const double coldest = 1e-3, hottest = 1e3; /* 1 / temperature */

/* Logits (rows, width) and labels (rows) of one task's images; rows 0: the file has none. */
typedef struct answers {
    float *logits;
    int32_t *labels;
    int64_t rows, width;
} answers;

typedef struct classes {
    int64_t first, count;
} classes;

/* Everything after the last task: of test images, and of validation images beside them. */
typedef struct known {
    mn_runfile *file;
    int64_t tasks;
    classes *of_task;           /* (tasks) */
    answers *test, *validation; /* (tasks) */
    double *sorted;             /* (width) of the widest */
} known;

/* --- reading --- */

static mn_status read_classes(known *k)
{
    mn_query *query;
    bool row;
    MN_TRY(mn_query_new(k->file, "SELECT task, min(label), count(*) FROM task_class GROUP BY task",
                        &query));
    mn_status status = mn_query_next(query, &row);
    while (status == MN_OK && row) {
        const int64_t task = mn_query_int(query, 0);
        if (task >= 0 && task < k->tasks)
            k->of_task[task] = (classes){mn_query_int(query, 1), mn_query_int(query, 2)};
        status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    return status;
}

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the answers of a run");
}

/* A tensor of a name that ends in the task's number. */
static mn_status take_tensor(void *context, const char *name, const mn_tensor *tensor)
{
    known *k = context;
    const int64_t task = strtoll(strrchr(name, '/') + 1, NULL, 10);
    const mn_shape shape = mn_tensor_shape(tensor);
    if (task < 0 || task >= k->tasks)
        return MN_OK;
    answers *a = &k->validation[task];
    const size_t bytes = mn_tensor_bytes(tensor);
    void *copy = mn_memory_take(bytes + 1, 1);
    if (copy == NULL)
        return no_memory();
    if (mn_tensor_dtype(tensor) == MN_F32 && shape.rank == 2 && a->logits == NULL) {
        a->logits = copy;
        a->rows = shape.size[0];
        a->width = shape.size[1];
    } else if (mn_tensor_dtype(tensor) == MN_I32 && a->labels == NULL && shape.size[0] == a->rows) {
        a->labels = copy;
    } else {
        mn_memory_give(copy);
        return MN_OK;
    }
    return mn_tensor_read(tensor, copy, bytes);
}

static mn_status read_validation(known *k)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "run/validation/outputs/%lld/", (long long)k->tasks - 1);
    MN_TRY(mn_runfile_read_tensors(k->file, prefix, take_tensor, k));
    return mn_runfile_read_tensors(k->file, "run/validation/labels/", take_tensor, k);
}

static mn_status read_known(known *k)
{
    int64_t widest = 1;
    k->of_task = mn_memory_take_zeroed((size_t)k->tasks, sizeof *k->of_task);
    k->test = mn_memory_take_zeroed((size_t)k->tasks, sizeof *k->test);
    k->validation = mn_memory_take_zeroed((size_t)k->tasks, sizeof *k->validation);
    if (k->of_task == NULL || k->test == NULL || k->validation == NULL)
        return no_memory();
    MN_TRY(read_classes(k));
    MN_TRY(read_validation(k));
    for (int64_t task = 0; task < k->tasks; task++) {
        answers *a = &k->test[task];
        MN_TRY(mn_runfile_get_output(k->file, k->tasks - 1, task, &a->logits, &a->labels, &a->rows,
                                     &a->width));
        widest = a->width > widest ? a->width : widest;
        widest = k->validation[task].width > widest ? k->validation[task].width : widest;
    }
    k->sorted = mn_memory_take((size_t)widest, sizeof *k->sorted);
    return k->sorted != NULL ? MN_OK : no_memory();
}

static void give_known(known *k)
{
    for (int64_t task = 0; task < k->tasks && k->test != NULL && k->validation != NULL; task++) {
        mn_memory_give(k->test[task].logits);
        mn_memory_give(k->test[task].labels);
        mn_memory_give(k->validation[task].logits);
        mn_memory_give(k->validation[task].labels);
    }
    mn_memory_give(k->of_task);
    mn_memory_give(k->test);
    mn_memory_give(k->validation);
    mn_memory_give(k->sorted);
}

/* --- the classes of a scope --- */

static mn_scope tested(mn_scope scope)
{
    return scope < MN_TEST_SCOPES ? scope : (mn_scope)((int)scope - MN_TEST_SCOPES);
}

static classes classes_of(const known *k, mn_scope scope, int64_t task)
{
    const classes newest = k->of_task[k->tasks - 1];
    return tested(scope) == MN_TASK_IL ? k->of_task[task]
                                       : (classes){0, newest.first + newest.count};
}

/* Whether every image's label is among its scope's classes, and its logits are there. */
static bool are_whole(const known *k, const answers *all, mn_scope scope)
{
    for (int64_t task = 0; task < k->tasks; task++) {
        const answers *a = &all[task];
        const classes c = classes_of(k, scope, task);
        if (a->rows == 0 || a->labels == NULL || a->logits == NULL || c.count < 1 ||
            c.first + c.count > a->width)
            return false;
        for (int64_t i = 0; i < a->rows; i++)
            if (a->labels[i] < c.first || a->labels[i] >= c.first + c.count)
                return false;
    }
    return true;
}

/* --- one image --- */

/* log sum_k exp(b z_k), and of that softmax the mean and variance of z. */
static double log_sum(const float *z, int64_t count, double b, double *mean, double *variance)
{
    const double largest = (double)z[mn_argmax(z, count)];
    double sum = 0, first = 0, second = 0;
    for (int64_t i = 0; i < count; i++) {
        const double x = (double)z[i], p = exp(b * (x - largest));
        sum += p;
        first += p * x;
        second += p * x * x;
    }
    *mean = first / sum;
    *variance = second / sum - *mean * *mean;
    return b * largest + log(sum);
}

/* What all images add up to: negative log-likelihood at inverse temperature b, its slope and bend.
 */
typedef struct likelihood {
    double value, slope, bend;
    int64_t images;
} likelihood;

static likelihood likelihood_at(const known *k, const answers *all, mn_scope scope, double b)
{
    likelihood sum = {0, 0, 0, 0};
    for (int64_t task = 0; task < k->tasks; task++) {
        const classes c = classes_of(k, scope, task);
        for (int64_t i = 0; i < all[task].rows; i++) {
            const float *z = all[task].logits + i * all[task].width + c.first;
            const double own = (double)z[all[task].labels[i] - c.first];
            double mean, variance;
            sum.value += log_sum(z, c.count, b, &mean, &variance) - b * own;
            sum.slope += mean - own;
            sum.bend += variance;
            sum.images++;
        }
    }
    return sum;
}

/* The inverse temperature of the least negative log-likelihood, which is convex in it: Newton's
 * steps, halved back into where the slope changes its sign. */
static double fit(const known *k, mn_scope scope)
{
    double low = coldest, high = hottest, b = 1;
    for (int step = 0; step < MOST_STEPS && high - low > 1e-9 * high; step++) {
        const likelihood at = likelihood_at(k, k->validation, scope, b);
        if (at.slope > 0)
            high = b;
        else
            low = b;
        const double next = b - at.slope / at.bend;
        if (fabs(next - b) <= 1e-9 * b) /* it has arrived, at a bound that it set itself */
            break;
        b = next > low && next < high ? next : sqrt(low * high);
    }
    return b;
}

/* --- calibration error --- */

/* Guo et al. 2017: bins of equal width, each weighed by its images. */
static double calibration_error(const known *k, const answers *all, mn_scope scope)
{
    const double bins = BINS;
    double confidence[BINS] = {0}, right[BINS] = {0}, images = 0, error = 0;
    for (int64_t task = 0; task < k->tasks; task++) {
        const classes c = classes_of(k, scope, task);
        for (int64_t i = 0; i < all[task].rows; i++, images++) {
            const float *z = all[task].logits + i * all[task].width + c.first;
            double mean, variance;
            const int64_t said = mn_argmax(z, c.count);
            const double p = exp((double)z[said] - log_sum(z, c.count, 1, &mean, &variance));
            /* A share that is not a number, as of outputs that grew out of all bounds, falls into
             * the first bin and makes the error one that is not a number either. */
            const double place = ceil(p * bins) - 1;
            const int bin = place > 0 ? place < bins ? (int)place : BINS - 1 : 0;
            confidence[bin] += p;
            right[bin] += said == all[task].labels[i] - c.first;
        }
    }
    for (int bin = 0; bin < BINS; bin++)
        error += fabs(confidence[bin] - right[bin]);
    return 100 * error / images;
}

/* --- the law of the other classes --- */

static int falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The line through log mean p against log rank: its slope and the share of variance it explains. */
static void fit_line(const double *sums, int64_t ranks, double *slope, double *share)
{
    double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
    const double n = (double)ranks;
    for (int64_t r = 0; r < ranks; r++) {
        const double log_rank = log((double)(r + 1)), log_p = log(sums[r]);
        x += log_rank;
        y += log_p;
        xx += log_rank * log_rank;
        xy += log_rank * log_p;
        yy += log_p * log_p;
    }
    const double of_x = xx - x * x / n, of_y = yy - y * y / n, of_both = xy - x * y / n;
    *slope = of_both / of_x;
    *share = of_y > 0 ? of_both * of_both / (of_x * of_y) : (double)NAN;
}

/* Each image's softmax over the classes that are not its own, falling, adds to the sums by rank. */
static void add_ranks(known *k, const answers *a, classes c, double *sums)
{
    for (int64_t i = 0; i < a->rows; i++) {
        const float *z = a->logits + i * a->width + c.first;
        const int64_t own = a->labels[i] - c.first;
        double sum = 0;
        int64_t others = 0;
        for (int64_t j = 0; j < c.count; j++)
            if (j != own)
                k->sorted[others++] = (double)z[j];
        qsort(k->sorted, (size_t)others, sizeof *k->sorted, falling);
        for (int64_t r = 0; r < others; r++)
            sum += exp(k->sorted[r] - k->sorted[0]);
        for (int64_t r = 0; r < others; r++)
            sums[r] += exp(k->sorted[r] - k->sorted[0]) / sum;
    }
}

static mn_status find_law(known *k, const answers *all, mn_scope scope, double *slope,
                          double *share)
{
    const int64_t ranks = classes_of(k, scope, 0).count - 1;
    for (int64_t task = 0; task < k->tasks; task++)
        if (ranks < LEAST_RANKS || classes_of(k, scope, task).count - 1 != ranks)
            return MN_OK;
    double *sums = mn_memory_take_zeroed((size_t)ranks, sizeof *sums);
    if (sums == NULL)
        return no_memory();
    for (int64_t task = 0; task < k->tasks; task++)
        add_ranks(k, &all[task], classes_of(k, scope, task), sums);
    fit_line(sums, ranks, slope, share);
    mn_memory_give(sums);
    return MN_OK;
}

/* --- answers as clusters --- */

static double pairs(double n)
{
    return n * (n - 1) / 2;
}

/* Hubert and Arabie 1985, of `both` (n,n): images of a class that got an answer. */
static double adjusted_rand(int64_t n, const double *both)
{
    double together = 0, of_classes = 0, of_answers = 0, images = 0;
    for (int64_t i = 0; i < n; i++) {
        double in_class = 0, with_answer = 0;
        for (int64_t j = 0; j < n; j++) {
            together += pairs(both[i * n + j]);
            in_class += both[i * n + j];
            with_answer += both[j * n + i];
        }
        of_classes += pairs(in_class);
        of_answers += pairs(with_answer);
        images += in_class;
    }
    const double by_chance = images > 1 ? of_classes * of_answers / pairs(images) : 0;
    const double most = (of_classes + of_answers) / 2;
    /* All images alone, or all together, on both sides: the same partition. */
    return most > by_chance ? (together - by_chance) / (most - by_chance) : 1;
}

static mn_status compare_partitions(const known *k, const answers *all, mn_scope scope,
                                    double *value)
{
    int64_t n = 0; /* a file of a stranger may list tasks in any order */
    for (int64_t task = 0; task < k->tasks; task++) {
        const classes c = classes_of(k, scope, task);
        n = c.first + c.count > n ? c.first + c.count : n;
    }
    double *both = mn_memory_take_zeroed((size_t)(n * n), sizeof *both);
    if (both == NULL)
        return no_memory();
    for (int64_t task = 0; task < k->tasks; task++) {
        const classes c = classes_of(k, scope, task);
        for (int64_t i = 0; i < all[task].rows; i++) {
            const float *z = all[task].logits + i * all[task].width + c.first;
            both[all[task].labels[i] * n + c.first + mn_argmax(z, c.count)]++;
        }
    }
    *value = adjusted_rand(n, both);
    mn_memory_give(both);
    return MN_OK;
}

/* --- all of it --- */

static mn_status measure(known *k, mn_scope scope, double values[][MN_SCOPES])
{
    const answers *all = scope < MN_TEST_SCOPES ? k->test : k->validation;
    if (!are_whole(k, all, scope))
        return MN_OK;
    const likelihood plain = likelihood_at(k, all, scope, 1);
    values[MN_NLL][scope] = plain.value / (double)plain.images;
    values[MN_CALIBRATION_ERROR][scope] = calibration_error(k, all, scope);
    if (scope < MN_TEST_SCOPES && are_whole(k, k->validation, scope))
        values[MN_SCALED_NLL][scope] =
            likelihood_at(k, all, scope, fit(k, scope)).value / (double)plain.images;
    MN_TRY(compare_partitions(k, all, scope, &values[MN_ADJUSTED_RAND][scope]));
    return find_law(k, all, scope, &values[MN_RANK_SLOPE][scope], &values[MN_RANK_FIT][scope]);
}

mn_status mn_calibration_read(mn_runfile *file, int64_t last, const bool has[MN_SCOPES],
                              double values[][MN_SCOPES])
{
    known k = {.file = file, .tasks = last + 1};
    if (last < 0)
        return MN_OK;
    mn_status status = read_known(&k);
    for (mn_scope scope = 0; scope < MN_SCOPES && status == MN_OK; scope++)
        if (has[scope])
            status = measure(&k, scope, values);
    give_known(&k);
    return status;
}
