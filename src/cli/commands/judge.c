/* judge.c -- what another run's network thinks of the images that a run's generator made. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/json.h"
#include "cli/show/table.h"

#include <math.h>
#include <mneme/judge.h>
#include <mneme/memory.h>
#include <stdio.h>

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? 100 * (double)part / (double)whole : (double)NAN;
}

/* Classes from `classes` on that belong to one task. */
static int64_t of_one_task(const mn_judged_class *classes, int64_t count)
{
    int64_t n = 1;
    while (n < count && classes[n].after_task == classes[0].after_task)
        n++;
    return n;
}

/* --- for people --- */

static void print_classes(const mn_judged_class *classes, int64_t count, mn_writer *writer)
{
    static const char *const heading[] = {
        "class",          "images",  "agreement",    "real agreement", "diversity",
        "real diversity", "nearest", "real nearest", "pixels",         "real pixels"};
    enum { COLUMNS = sizeof heading / sizeof heading[0] };
    mn_table *table = mn_table_new(COLUMNS);
    mn_table_title(table, "after task %lld", (long long)classes[0].after_task + 1);
    for (int i = 0; i < COLUMNS; i++)
        mn_table_text(table, "%s", heading[i]);
    for (int64_t i = 0; i < count; i++) {
        const mn_judged_images *made = &classes[i].made, *real = &classes[i].real;
        mn_table_text(table, "%s", classes[i].name);
        mn_table_number(table, (double)made->count, 0);
        mn_table_number(table, share(made->agreed, made->count), 1);
        mn_table_number(table, share(real->agreed, real->count), 1);
        mn_table_number(table, made->diversity, 2);
        mn_table_number(table, real->diversity, 2);
        mn_table_number(table, made->nearest, 2);
        mn_table_number(table, real->nearest, 2);
        mn_table_number(table, made->nearest_pixels, 2);
        mn_table_number(table, real->nearest_pixels, 2);
    }
    mn_table_print(table, writer);
    mn_table_free(table);
}

static void print_marks(const mn_judged_class *classes, int64_t count, mn_writer *writer)
{
    mn_judged_mark marks[MN_JUDGED_MARKS];
    mn_judge_marks(classes, count, marks);
    mn_table *table = mn_table_new(4);
    if (count > 0)
        mn_table_title(table, "marks after task %lld", (long long)classes[0].after_task + 1);
    mn_table_text(table, "mark");
    mn_table_text(table, "per cent");
    mn_table_text(table, "wanted");
    mn_table_text(table, "meaning");
    for (int i = 0; i < MN_JUDGED_MARKS; i++) {
        mn_table_text(table, "%s", marks[i].name);
        mn_table_number(table, 100 * marks[i].value, 1);
        mn_table_text(table, "at least %.0f: %s", 100 * marks[i].least,
                      marks[i].value >= marks[i].least ? "yes" : "NO");
        mn_table_text(table, "%s", marks[i].meaning);
    }
    mn_table_print(table, writer);
    mn_table_free(table);
}

static void print_all(const mn_judged_class *classes, int64_t count, mn_writer *writer)
{
    for (int64_t first = 0, n; first < count; first += n) {
        n = of_one_task(classes + first, count - first);
        mn_say(writer, first > 0 ? "\n" : "");
        print_classes(classes + first, n, writer);
        mn_say(writer, "\n");
        print_marks(classes + first, n, writer);
    }
}

/* --- for machines --- */

static cJSON *images_json(const mn_judged_images *images)
{
    cJSON *json = mn_json_object();
    cJSON_AddNumberToObject(json, "count", (double)images->count);
    cJSON_AddNumberToObject(json, "agreed", (double)images->agreed);
    cJSON_AddItemToObject(json, "diversity", mn_json_number(images->diversity));
    cJSON_AddItemToObject(json, "nearest", mn_json_number(images->nearest));
    cJSON_AddItemToObject(json, "nearest_pixels", mn_json_number(images->nearest_pixels));
    return json;
}

static cJSON *task_json(const mn_judged_class *classes, int64_t count)
{
    mn_judged_mark marks[MN_JUDGED_MARKS];
    mn_judge_marks(classes, count, marks);
    cJSON *json = mn_json_object();
    cJSON_AddNumberToObject(json, "after_task", (double)classes[0].after_task);
    cJSON *of_marks = cJSON_AddObjectToObject(json, "marks");
    for (int i = 0; i < MN_JUDGED_MARKS; i++)
        cJSON_AddItemToObject(of_marks, marks[i].name, mn_json_number(marks[i].value));
    cJSON *of_classes = cJSON_AddArrayToObject(json, "classes");
    for (int64_t i = 0; i < count; i++) {
        cJSON *one = mn_json_object();
        cJSON_AddNumberToObject(one, "label", classes[i].label);
        cJSON_AddStringToObject(one, "name", classes[i].name);
        cJSON_AddItemToObject(one, "made", images_json(&classes[i].made));
        cJSON_AddItemToObject(one, "real", images_json(&classes[i].real));
        cJSON_AddItemToArray(of_classes, one);
    }
    return json;
}

static void print_json(const mn_judged_class *classes, int64_t count)
{
    cJSON *json = mn_json_array();
    for (int64_t first = 0, n; first < count; first += n) {
        n = of_one_task(classes + first, count - first);
        cJSON_AddItemToArray(json, task_json(classes + first, n));
    }
    mn_json_print(json);
    cJSON_Delete(json);
}

static int judge(const mn_arguments *arguments)
{
    const char *by = mn_arguments_value(arguments, "by");
    mn_writer writer;
    const mn_status asked = mn_writer_read(arguments, &writer);
    if (asked != MN_OK)
        return mn_exit_of_request(asked);
    if (by == NULL) {
        mn_complain("judge needs a run that judges: --by JUDGE, as made by 'mneme run BENCHMARK "
                    "joint --seed 1'");
        return MN_EXIT_USAGE;
    }
    mn_judged_class *classes;
    int64_t count;
    const mn_status status = mn_judge_samples(arguments->words[0], by, &classes, &count);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    if (writer.form == MN_FORM_JSON)
        print_json(classes, count);
    else
        print_all(classes, count, &writer);
    mn_memory_give(classes);
    return MN_EXIT_DONE;
}

static const mn_flag flags[] = {
    {.name = "by",
     .value = "FILE",
     .help = "the judge: a finished run of the same data and order of classes, which the judged "
             "run's training never saw; its network's features are what images are compared by"},
    {.name = "json", .help = "as JSON, one object a task"},
    MN_FORMAT_FLAG,
    {.name = NULL},
};

const mn_command mn_command_judge = {
    .name = "judge",
    .synopsis = "FILE --by JUDGE",
    .summary = "Judges the images that a run's generator made by a network that it never saw.",
    .details = "For each class: images that the judge takes for it, among the classes seen by "
               "then; the mean distance between two of them; and that to the nearest training "
               "image of the class, in the judge's features and in pixels.  Beside each, the same "
               "of real images that were not trained on.",
    .examples = "  mneme run fmnist-b4-inc2 joint --seed 1 --set network.width=32 -o judge.mneme\n"
                "  mneme judge runs/fmnist-b4-inc2-genifer-s0.mneme --by judge.mneme\n",
    .flags = flags,
    .least = 1,
    .most = 1,
    .words = "one FILE",
    .run = judge,
};
