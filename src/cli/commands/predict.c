/* predict.c -- what a run's network says of images that it never saw. */
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/show/table.h"

#include <limits.h>
#include <math.h>
#include <mneme/memory.h>
#include <mneme/predict.h>
#include <stdlib.h>
#include <string.h>

/* --- the files --- */

typedef struct files {
    char **path; /* (count) */
    int64_t count;
} files;

static void add_file(files *f, char *path)
{
    f->path = mn_or_die(mn_memory_resize(f->path, (size_t)f->count + 1, sizeof *f->path));
    f->path[f->count++] = path;
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static mn_status add_found(void *context, const char *path)
{
    add_file(context, mn_text("%s", path));
    return MN_OK;
}

static mn_status find_files(const mn_arguments *arguments, files *f)
{
    for (int i = 1; i < arguments->word_count; i++) {
        const char *word = arguments->words[i];
        const int64_t before = f->count;
        if (!mn_path_is_folder(word)) {
            add_file(f, mn_text("%s", word));
            continue;
        }
        MN_TRY(mn_images_find(word, add_found, f));
        if (f->count == before)
            return mn_fail(MN_NOT_FOUND, "%s: no image (.png, .jpg, .jpeg, .npy) is in this folder",
                           word);
        qsort(f->path + before, (size_t)(f->count - before), sizeof *f->path, by_name);
    }
    return MN_OK;
}

/* --- predictions --- */

typedef struct asked {
    mn_predictor *predictor;
    mn_table *table;
    int64_t top;
} asked;

/* The rows of one image; classes that are told become improbable.  `place` within an array, or -1.
 */
static void add_rows(const asked *a, const char *path, int64_t place, float *probabilities)
{
    const int64_t classes = mn_predictor_classes(a->predictor);
    for (int64_t rank = 1; rank <= a->top && rank <= classes; rank++) {
        const int64_t label = mn_argmax(probabilities, classes);
        const int64_t task = mn_predictor_task(a->predictor, label);
        if (place < 0)
            mn_table_text(a->table, "%s", path);
        else
            mn_table_text(a->table, "%s[%lld]", path, (long long)place);
        if (a->top > 1)
            mn_table_number(a->table, (double)rank, 0);
        mn_table_text(a->table, "%s", mn_predictor_class_name(a->predictor, label));
        mn_table_number(a->table, (double)probabilities[label], 4);
        mn_table_number(a->table, task == MN_NO_TASK ? (double)NAN : (double)task + 1, 0);
        probabilities[label] = -1;
    }
}

static mn_status predict_file(const asked *a, const char *path)
{
    const int64_t classes = mn_predictor_classes(a->predictor);
    int64_t count;
    uint8_t *images;
    MN_TRY(mn_images_read(mn_predictor_data(a->predictor), path, &count, &images));
    float *probabilities =
        mn_or_die(mn_memory_take((size_t)(count * classes) + 1, sizeof *probabilities));
    const mn_status status = mn_predict(a->predictor, images, count, probabilities);
    for (int64_t i = 0; i < count && status == MN_OK; i++)
        add_rows(a, path, mn_path_ends_in(path, ".npy") ? i : -1, probabilities + i * classes);
    mn_memory_give(probabilities);
    mn_memory_give(images);
    return status;
}

static mn_status predict_all(const mn_arguments *arguments, int64_t top, mn_writer *writer)
{
    files f = {.count = 0};
    asked a = {.top = top};
    mn_status status = find_files(arguments, &f);
    if (status == MN_OK)
        status = mn_predictor_open(arguments->words[0], &a.predictor);
    a.table = mn_table_new(top > 1 ? 5 : 4);
    mn_table_text(a.table, "image");
    if (top > 1)
        mn_table_text(a.table, "rank");
    mn_table_text(a.table, "class");
    mn_table_text(a.table, "probability");
    mn_table_text(a.table, "task");
    for (int64_t i = 0; i < f.count && status == MN_OK; i++)
        status = predict_file(&a, f.path[i]);
    if (status == MN_OK)
        mn_table_print(a.table, writer);
    mn_table_free(a.table);
    mn_predictor_free(a.predictor);
    for (int64_t i = 0; i < f.count; i++)
        mn_memory_give(f.path[i]);
    mn_memory_give(f.path);
    return status;
}

static int predict(const mn_arguments *arguments)
{
    int64_t top = 1;
    mn_writer writer;
    mn_status status = mn_writer_read(arguments, &writer);
    if (status == MN_OK && mn_arguments_has(arguments, "csv"))
        writer.form = MN_FORM_CSV;
    if (status == MN_OK)
        status = mn_arguments_int(arguments, "top", 1, 1000, &top);
    const int code = mn_exit_of_request(status);
    return code != MN_EXIT_DONE ? code : mn_exit_of_work(predict_all(arguments, top, &writer));
}

static const mn_flag flags[] = {
    {.name = "top", .value = "K", .help = "the K most probable classes of each image (default 1)"},
    {.name = "csv", .help = "as CSV: the same as --format csv"},
    MN_FORMAT_FLAG,
    {.name = NULL},
};

const mn_command mn_command_predict = {
    .name = "predict",
    .synopsis = "FILE IMAGES... [--top K] [--csv]",
    .summary = "Says which class a run's network sees in images of your own.",
    .details =
        "IMAGES are PNG or JPEG files, folders of them, or .npy arrays of bytes (images, height, "
        "width, channels); pictures of another size than the run's are cropped to its shape and "
        "resized.  The run answers as in its evaluations, among the classes seen by its last "
        "commit; a probability is the softmax of its scores, a task the one that brought the "
        "class, from 1.  The run's data must be there, as for a resume.",
    .examples = "  mneme predict runs/split-fmnist-derpp-s0.mneme photo.png\n"
                "  mneme predict runs/split-fmnist-derpp-s0.mneme photos --top 3 --csv\n",
    .flags = flags,
    .least = 2,
    .most = INT_MAX,
    .words = "a FILE and IMAGES",
    .run = predict,
};
