/* buffer.c -- what a run remembers: rows by class and task, and bytes. */
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/report.h"
#include "cli/show/report_json.h"
#include "cli/show/table.h"

#include <mneme/memory.h>
#include <mneme/results.h>
#include <stdio.h>

typedef struct contents {
    mn_buffer_count *counts; /* (count) */
    int64_t count;
    mn_buffer_size size;
} contents;

static mn_status read_contents(const mn_results *results, contents *c)
{
    *c = (contents){.size = mn_results_buffer_size(results)};
    return mn_results_buffer(results, &c->counts, &c->count);
}

static void print_table(const contents *c, mn_writer *writer)
{
    char images[32], columns[32];
    mn_say(writer, "%lld exemplars: %s of images, %s of columns\n", (long long)c->size.rows,
           mn_bytes((double)c->size.image_bytes, images, sizeof images),
           mn_bytes((double)c->size.column_bytes, columns, sizeof columns));
    if (c->count == 0)
        return;
    mn_table *table = mn_table_new(6);
    mn_table_text(table, "task");
    mn_table_text(table, "class");
    mn_table_text(table, "rows");
    mn_table_text(table, "oldest seen");
    mn_table_text(table, "newest seen");
    mn_table_text(table, "made");
    for (int64_t i = 0; i < c->count; i++) {
        const mn_buffer_count *row = &c->counts[i];
        mn_table_number(table, row->task + 1, 0);
        if (row->label < 0)
            mn_table_text(table, "unlabelled");
        else
            mn_table_number(table, row->label, 0);
        mn_table_number(table, (double)row->rows, 0);
        mn_table_number(table, (double)row->oldest, 0);
        mn_table_number(table, (double)row->newest, 0);
        mn_table_number(table, (double)row->made, 0);
    }
    mn_say(writer, "\n");
    mn_table_print(table, writer);
    mn_table_free(table);
}

/* Takes over `kept`. */
static void print_json(const contents *c, cJSON *kept)
{
    cJSON *json = mn_json_object();
    cJSON_AddNumberToObject(json, "rows", (double)c->size.rows);
    cJSON_AddNumberToObject(json, "image_bytes", (double)c->size.image_bytes);
    cJSON_AddNumberToObject(json, "column_bytes", (double)c->size.column_bytes);
    cJSON_AddItemToObject(json, "kept", kept);
    cJSON *counts = cJSON_AddArrayToObject(json, "counts");
    for (int64_t i = 0; i < c->count; i++) {
        const mn_buffer_count *row = &c->counts[i];
        cJSON *one = mn_json_object();
        cJSON_AddNumberToObject(one, "task", row->task);
        cJSON_AddNumberToObject(one, "label", row->label);
        cJSON_AddNumberToObject(one, "rows", (double)row->rows);
        cJSON_AddNumberToObject(one, "oldest", (double)row->oldest);
        cJSON_AddNumberToObject(one, "newest", (double)row->newest);
        cJSON_AddNumberToObject(one, "made", (double)row->made);
        cJSON_AddItemToArray(counts, one);
    }
    mn_json_print(json);
    cJSON_Delete(json);
}

static int buffer(const mn_arguments *arguments)
{
    mn_writer writer;
    const mn_status asked = mn_writer_read(arguments, &writer);
    if (asked != MN_OK)
        return mn_exit_of_request(asked);
    const char *sheet = mn_arguments_value(arguments, "sheet");
    if (sheet != NULL) {
        const mn_status drawn = mn_results_sheet(arguments->words[0], sheet);
        if (drawn == MN_OK)
            fprintf(stderr, "%s written\n", mn_shown(sheet));
        return mn_exit_of_work(drawn);
    }
    mn_results *results;
    mn_status status = mn_results_open_uncalibrated(arguments->words[0], &results);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    contents c;
    status = read_contents(results, &c);
    if (status == MN_OK && writer.form == MN_FORM_JSON) {
        print_json(&c, mn_report_kept_json(results));
    } else if (status == MN_OK) {
        print_table(&c, &writer);
        mn_report_kept(results, &writer);
    }
    mn_memory_give(c.counts);
    mn_results_free(results);
    return mn_exit_of_work(status);
}

static const mn_flag flags[] = {
    {.name = "json", .help = "as one JSON object"},
    MN_FORMAT_FLAG,
    {.name = "sheet",
     .value = "FILE",
     .help = "draws the exemplars instead, by task, class and age, as a PNG"},
    {.name = NULL},
};

const mn_command mn_command_buffer = {
    .name = "buffer",
    .synopsis = "FILE [--sheet sheet.png]",
    .summary = "Shows what a run remembers: exemplars by class and task, and bytes; beside them "
               "what its strategy keeps.",
    .details =
        "Classes are numbered by arrival; 'seen' counts the images offered before, and 'made' "
        "are rows of a strategy's making.",
    .flags = flags,
    .least = 1,
    .most = 1,
    .words = "one FILE",
    .run = buffer,
};
