/* results.c -- a run file's results, read whole.
 *
 * Everything is read in one transaction when the file is opened and the file is closed again: the
 * numbers belong to one commit, and nobody who looks at results stands in the way of a resume.
 */
#include "base/text.h"
#include "results/calibration.h"
#include "results/metric_names.h"
#include "store/copy.h"
#include "store/owner.h"
#include "store/query.h"
#include "store/runfile.h"
#include <mneme/results.h>

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct setting {
    char *key, *value;
} setting;

typedef struct measured {
    mn_scope scope;
    int64_t step, after_task, on_task;
    double accuracy;
} measured;

typedef struct task_class {
    int64_t task, label;
    char *name;
} task_class;

typedef struct named_task {
    char *classes; /* their names, for display */
    char *domain;  /* NULL: it is none of the data's */
} named_task;

struct mn_results {
    setting *settings;
    task_class *classes; /* by task and label */
    named_task *tasks;   /* (task_count) */
    measured *matrix, *averages, *curve;
    mn_buffer_count *buffer;
    mn_kept_state *kept;
    int64_t kept_numbers; /* whole and real ones of strategies */
    mn_probed *probes;
    int64_t setting_count, class_count, task_count, matrix_count, average_count, curve_count,
        buffer_count, kept_count, probe_count, finished;
    mn_buffer_size buffer_size;
    double metric[MN_METRICS][MN_SCOPES];
};

/* --- reading --- */

/* Takes one row of a query into element i of its list. */
typedef mn_status (*take_row)(const mn_query *query, void *element);

/* All rows of a query as an array; on failure what was taken so far is in it. */
static mn_status read_rows(mn_runfile *file, const char *sql, size_t element_bytes, take_row take,
                           void *list, int64_t *count)
{
    mn_query *query;
    char *elements = NULL;
    int64_t room = 0;
    bool row = true;
    *count = 0;
    MN_TRY(mn_query_new(file, sql, &query));
    mn_status status = mn_query_next(query, &row);
    while (status == MN_OK && row) {
        if (*count == room) {
            room = room == 0 ? 16 : 2 * room;
            char *larger = mn_memory_resize(elements, (size_t)room * element_bytes, 1);
            if (larger == NULL) {
                status = mn_fail(MN_NO_MEMORY, "%s: out of memory", mn_runfile_path(file));
                break;
            }
            elements = larger;
        }
        status = take(query, elements + (size_t)*count * element_bytes);
        if (status != MN_OK)
            break;
        (*count)++;
        status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    memcpy(list, &elements, sizeof elements);
    return status;
}

static char *copy_text(const char *text)
{
    return mn_text_copy(text == NULL ? "" : text);
}

static mn_status take_setting(const mn_query *query, void *element)
{
    setting *one = element;
    *one = (setting){copy_text(mn_query_text(query, 0)), copy_text(mn_query_text(query, 1))};
    if (one->key != NULL && one->value != NULL)
        return MN_OK;
    mn_memory_give(one->key);
    mn_memory_give(one->value);
    return mn_fail(MN_NO_MEMORY, "out of memory for the settings of a run");
}

static mn_status take_class(const mn_query *query, void *element)
{
    task_class *one = element;
    *one = (task_class){mn_query_int(query, 0), mn_query_int(query, 1),
                        copy_text(mn_query_text(query, 2))};
    return one->name != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for names of classes");
}

static mn_status take_task(const mn_query *query, void *element)
{
    named_task *task = element;
    const char *domain = mn_query_text(query, 1);
    task->classes = copy_text(mn_query_text(query, 0));
    task->domain = domain != NULL ? copy_text(domain) : NULL;
    return task->classes != NULL && (domain == NULL || task->domain != NULL)
               ? MN_OK
               : mn_fail(MN_NO_MEMORY, "out of memory for the names of tasks");
}

static mn_status take_average(const mn_query *query, void *element)
{
    *(measured *)element = (measured){.scope = mn_scope_named(mn_query_text(query, 0)),
                                      .after_task = mn_query_int(query, 1),
                                      .accuracy = mn_query_real(query, 2)};
    return MN_OK;
}

static mn_status take_measured(const mn_query *query, void *element)
{
    *(measured *)element = (measured){.scope = mn_scope_named(mn_query_text(query, 0)),
                                      .on_task = mn_query_int(query, 1),
                                      .step = mn_query_int(query, 2),
                                      .after_task = mn_query_int(query, 3),
                                      .accuracy = mn_query_real(query, 4)};
    return MN_OK;
}

static mn_status take_probed(const mn_query *query, void *element)
{
    mn_probed *one = element;
    *one = (mn_probed){.scope = mn_scope_named(mn_query_text(query, 1)),
                       .label = mn_query_int(query, 2),
                       .after_task = mn_query_int(query, 3),
                       .accuracy = mn_query_real(query, 4)};
    one->classifier = copy_text(mn_query_text(query, 0));
    return one->classifier != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory for probes");
}

static mn_status take_buffer_count(const mn_query *query, void *element)
{
    *(mn_buffer_count *)element = (mn_buffer_count){
        (int32_t)mn_query_int(query, 0), (int32_t)mn_query_int(query, 1), mn_query_int(query, 2),
        mn_query_int(query, 3),          mn_query_int(query, 4),          mn_query_int(query, 5)};
    return MN_OK;
}

/* A strategy's own networks whole, and every tensor that it keeps. */
static const char select_kept[] =
    "SELECT CASE role WHEN 'weight' THEN owner || '/' || part ELSE name END, role = 'weight', "
    "total(length(data)), EXISTS (SELECT 1 FROM network n JOIN network s ON s.owner = 'run' AND "
    "s.name = 'network' AND n.type = s.type AND n.classes = s.classes AND n.options = s.options "
    "WHERE n.owner = t.owner AND n.owner <> 'teacher' AND n.name = t.part AND t.role = 'weight') "
    "FROM tensor t WHERE owner <> 'run' AND role <> 'moment' GROUP BY 1, 2 ORDER BY 1";

static mn_status take_kept(const mn_query *query, void *element)
{
    mn_kept_state *one = element;
    const char *name = mn_query_text(query, 0);
    snprintf(one->name, sizeof one->name, "%s", name != NULL ? name : "");
    one->network = mn_query_int(query, 1) != 0;
    one->bytes = mn_query_int(query, 2);
    one->snapshot = mn_query_int(query, 3) != 0;
    one->numbers = one->bytes / (int64_t)sizeof(float);
    return MN_OK;
}

static mn_status read_metric(mn_runfile *file, const char *name, double values[MN_SCOPES])
{
    char sql[128] = "SELECT scope, value FROM ";
    strcat(sql, name);
    mn_query *query;
    bool row;
    MN_TRY(mn_query_new(file, sql, &query));
    mn_status status = mn_query_next(query, &row);
    while (status == MN_OK && row) {
        const mn_scope scope = mn_scope_named(mn_query_text(query, 0));
        if (scope < MN_SCOPES)
            values[scope] = mn_query_real(query, 1);
        status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    return status;
}

static mn_status read_number(mn_runfile *file, const char *sql, int64_t *number)
{
    mn_query *query;
    bool row;
    MN_TRY(mn_query_new(file, sql, &query));
    const mn_status status = mn_query_next(query, &row);
    if (status == MN_OK && row)
        *number = mn_query_int(query, 0);
    mn_query_free(query);
    return status;
}

/* A process that was killed left "running" behind. */
static mn_status correct_status(mn_runfile *file, mn_results *results)
{
    for (int64_t i = 0; i < results->setting_count; i++) {
        setting *one = &results->settings[i];
        bool held;
        if (strcmp(one->key, "status") != 0 || strcmp(one->value, "running") != 0)
            continue;
        MN_TRY(mn_runfile_is_held(file, &held));
        if (held)
            continue;
        char *value = mn_text_copy("interrupted");
        if (value == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for the settings of a run");
        mn_memory_give(one->value);
        one->value = value;
    }
    return MN_OK;
}

static mn_status read_all(mn_runfile *file, bool calibrated, mn_results *results)
{
    mn_results *r = results;
    MN_TRY(mn_runfile_begin(file));
    MN_TRY(read_rows(file, "SELECT key, value FROM run", sizeof *r->settings, take_setting,
                     &r->settings, &r->setting_count));
    MN_TRY(correct_status(file, r));
    MN_TRY(read_rows(file, "SELECT task, label, name FROM task_class ORDER BY task, label",
                     sizeof *r->classes, take_class, &r->classes, &r->class_count));
    MN_TRY(read_rows(file,
                     "SELECT (SELECT group_concat(name, ', ') FROM (SELECT name FROM task_class c "
                     "WHERE c.task = t.task ORDER BY label)), "
                     "(SELECT json_extract(value, '$[' || t.task || ']') FROM run "
                     "WHERE key = 'task_domains' AND json_valid(value)) FROM task t ORDER BY task",
                     sizeof *r->tasks, take_task, &r->tasks, &r->task_count));
    MN_TRY(read_rows(file, "SELECT scope, on_task, step, after_task, accuracy FROM accuracy",
                     sizeof *r->matrix, take_measured, &r->matrix, &r->matrix_count));
    MN_TRY(read_rows(file, "SELECT scope, after_task, value FROM average_accuracy_after",
                     sizeof *r->averages, take_average, &r->averages, &r->average_count));
    MN_TRY(read_rows(file,
                     "SELECT scope, on_task, step, after_task, accuracy FROM curve "
                     "ORDER BY step, after_task",
                     sizeof *r->curve, take_measured, &r->curve, &r->curve_count));
    MN_TRY(read_rows(
        file,
        "SELECT label, task, count(*), min(seen), max(seen), sum(source = -1) FROM exemplar "
        "GROUP BY label, task ORDER BY task, label",
        sizeof *r->buffer, take_buffer_count, &r->buffer, &r->buffer_count));
    MN_TRY(read_rows(file, select_kept, sizeof *r->kept, take_kept, &r->kept, &r->kept_count));
    MN_TRY(read_rows(file,
                     "SELECT classifier, scope, label, after_task, 100.0 * correct / total "
                     "FROM probe ORDER BY after_task, classifier, scope, label",
                     sizeof *r->probes, take_probed, &r->probes, &r->probe_count));
    for (int i = 0; i < MN_METRIC_VIEWS; i++)
        MN_TRY(read_metric(file, mn_metric_name(i, NULL), r->metric[i]));
    MN_TRY(read_number(file, "SELECT count(*) FROM finished", &r->finished));
    bool has[MN_SCOPES];
    for (mn_scope scope = 0; scope < MN_SCOPES; scope++)
        has[scope] = mn_results_has(r, scope);
    if (calibrated)
        MN_TRY(mn_calibration_read(file, r->finished - 1, has, r->metric + MN_METRIC_VIEWS));
    mn_buffer_size *size = &r->buffer_size;
    MN_TRY(read_number(file, "SELECT count(*) FROM exemplar", &size->rows));
    MN_TRY(read_number(file, "SELECT total(length(image)) FROM exemplar", &size->image_bytes));
    MN_TRY(read_number(file,
                       "SELECT count(*) FROM kept WHERE name NOT LIKE 'buffer/%' AND "
                       "name NOT LIKE '%/%/%'",
                       &r->kept_numbers));
    return read_number(file, "SELECT total(length(data)) FROM exemplar_column",
                       &size->column_bytes);
}

static mn_status open_results(const char *path, bool calibrated, mn_results **results)
{
    *results = NULL;
    mn_runfile *file;
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    mn_results *made = mn_memory_take_zeroed(1, sizeof *made);
    mn_status status = made == NULL ? mn_fail(MN_NO_MEMORY, "%s: out of memory", path) : MN_OK;
    if (status == MN_OK) {
        for (int i = 0; i < MN_METRICS; i++)
            for (int scope = 0; scope < MN_SCOPES; scope++)
                made->metric[i][scope] = (double)NAN;
        status = read_all(file, calibrated, made);
    }
    mn_runfile_close(file);
    if (status == MN_OK)
        *results = made;
    else
        mn_results_free(made);
    return status;
}

mn_status mn_results_open(const char *path, mn_results **results)
{
    return open_results(path, true, results);
}

mn_status mn_results_open_uncalibrated(const char *path, mn_results **results)
{
    return open_results(path, false, results);
}

mn_status mn_results_copy(const char *path, const char *copy)
{
    mn_runfile *file;
    MN_TRY(mn_runfile_open(path, MN_READ, &file));
    const mn_status status = mn_runfile_copy(file, copy);
    mn_runfile_close(file);
    return status;
}

void mn_results_free(mn_results *results)
{
    if (results == NULL)
        return;
    for (int64_t i = 0; i < results->setting_count; i++) {
        mn_memory_give(results->settings[i].key);
        mn_memory_give(results->settings[i].value);
    }
    for (int64_t i = 0; i < results->class_count; i++)
        mn_memory_give(results->classes[i].name);
    for (int64_t i = 0; i < results->task_count; i++) {
        mn_memory_give(results->tasks[i].classes);
        mn_memory_give(results->tasks[i].domain);
    }
    for (int64_t i = 0; i < results->probe_count; i++)
        mn_memory_give(results->probes[i].classifier);
    mn_memory_give(results->settings);
    mn_memory_give(results->classes);
    mn_memory_give(results->tasks);
    mn_memory_give(results->matrix);
    mn_memory_give(results->averages);
    mn_memory_give(results->curve);
    mn_memory_give(results->buffer);
    mn_memory_give(results->kept);
    mn_memory_give(results->probes);
    mn_memory_give(results);
}

/* --- answering --- */

const char *mn_results_value(const mn_results *results, const char *key)
{
    for (int64_t i = 0; i < results->setting_count; i++)
        if (strcmp(results->settings[i].key, key) == 0)
            return results->settings[i].value;
    return NULL;
}

int64_t mn_results_tasks(const mn_results *results)
{
    const char *tasks = mn_results_value(results, "tasks");
    return tasks != NULL ? strtoll(tasks, NULL, 10) : results->task_count;
}

int64_t mn_results_finished(const mn_results *results)
{
    return results->finished;
}

bool mn_results_has(const mn_results *results, mn_scope scope)
{
    for (int64_t i = 0; i < results->curve_count; i++)
        if (results->curve[i].scope == scope)
            return true;
    return false;
}

const char *mn_results_task_classes(const mn_results *results, int64_t task)
{
    return task >= 0 && task < results->task_count ? results->tasks[task].classes : NULL;
}

const char *mn_results_task_domain(const mn_results *results, int64_t task)
{
    return task >= 0 && task < results->task_count ? results->tasks[task].domain : NULL;
}

const char *mn_results_class_name(const mn_results *results, int64_t label)
{
    for (int64_t i = 0; i < results->class_count; i++)
        if (results->classes[i].label == label)
            return results->classes[i].name;
    return NULL;
}

double mn_results_accuracy(const mn_results *results, mn_scope scope, int64_t after_task,
                           int64_t on_task)
{
    for (int64_t i = 0; i < results->matrix_count; i++) {
        const measured *one = &results->matrix[i];
        if (one->scope == scope && one->after_task == after_task && one->on_task == on_task)
            return one->accuracy;
    }
    return (double)NAN;
}

double mn_results_average_after(const mn_results *results, mn_scope scope, int64_t after_task)
{
    for (int64_t i = 0; i < results->average_count; i++) {
        const measured *one = &results->averages[i];
        if (one->scope == scope && one->after_task == after_task)
            return one->accuracy;
    }
    return (double)NAN;
}

double mn_results_metric(const mn_results *results, const char *name, mn_scope scope)
{
    const int metric = mn_metric_named(name);
    return metric < MN_METRICS && (unsigned)scope < MN_SCOPES ? results->metric[metric][scope]
                                                              : (double)NAN;
}

mn_status mn_results_curve(const mn_results *results, mn_scope scope, int64_t on_task,
                           mn_curve_point **points, int64_t *count)
{
    *count = 0;
    *points = mn_memory_take((size_t)results->curve_count + 1, sizeof **points);
    if (*points == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a curve");
    for (int64_t i = 0; i < results->curve_count; i++) {
        const measured *one = &results->curve[i];
        if (one->scope == scope && one->on_task == on_task)
            (*points)[(*count)++] = (mn_curve_point){one->step, one->after_task, one->accuracy};
    }
    return MN_OK;
}

/* A list of the results' own, for the caller to free. */
static mn_status copy_list(const void *list, int64_t count, size_t element_bytes, void *copy,
                           int64_t *copied)
{
    const size_t bytes = (size_t)count * element_bytes;
    void *made = mn_memory_take(bytes + 1, 1);
    *copied = made != NULL ? count : 0;
    memcpy(copy, &made, sizeof made);
    if (made == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for what a run remembers");
    if (bytes > 0)
        memcpy(made, list, bytes);
    return MN_OK;
}

mn_status mn_results_buffer(const mn_results *results, mn_buffer_count **counts, int64_t *count)
{
    return copy_list(results->buffer, results->buffer_count, sizeof **counts, counts, count);
}

static int64_t number_of(const mn_results *results, const char *key)
{
    const char *text = mn_results_value(results, key);
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

bool mn_results_image(const mn_results *results, int64_t *channels, int64_t *height, int64_t *width)
{
    *channels = number_of(results, "image_channels");
    *height = number_of(results, "image_height");
    *width = number_of(results, "image_width");
    return *channels >= 1 && *channels <= 4 && *height >= 1 && *height <= 65536 && *width >= 1 &&
           *width <= (1 << 28) / *height;
}

mn_status mn_results_kept(const mn_results *results, mn_kept_state **kept, int64_t *count)
{
    int64_t channels, height, width;
    const bool known = mn_results_image(results, &channels, &height, &width);
    MN_TRY(copy_list(results->kept, results->kept_count, sizeof **kept, kept, count));
    for (int64_t i = 0; i < *count; i++)
        (*kept)[i].images =
            known ? (double)(*kept)[i].bytes / (double)(channels * height * width) : (double)NAN;
    return MN_OK;
}

mn_status mn_results_probes(const mn_results *results, mn_probed **probes, int64_t *count)
{
    return copy_list(results->probes, results->probe_count, sizeof **probes, probes, count);
}

mn_buffer_size mn_results_buffer_size(const mn_results *results)
{
    return results->buffer_size;
}

/* --- everything that is kept --- */

typedef struct parts {
    mn_memory_part *part;
    int64_t count;
} parts;

static void add_part(parts *p, const char *name, const char *role, int64_t bytes)
{
    if (bytes == 0)
        return;
    mn_memory_part *added = &p->part[p->count++];
    *added = (mn_memory_part){.role = role, .bytes = bytes};
    snprintf(added->name, sizeof added->name, "%s", name);
}

mn_status mn_results_memory(const mn_results *results, mn_memory_part **list, int64_t *count)
{
    const mn_buffer_size *size = &results->buffer_size;
    const int64_t label = number_of(results, "classes") < 256 ? 1 : 2; /* one more is unlabelled */
    const char *codec = mn_results_value(results, "codec_bytes");
    parts p = {mn_memory_take_zeroed((size_t)results->kept_count + 5, sizeof *p.part), 0};
    *list = p.part;
    *count = 0;
    if (p.part == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a list of what is kept");
    add_part(&p, "exemplars", "buffer", size->image_bytes);
    add_part(&p, "labels", "buffer", size->rows * label);
    add_part(&p, "columns", "buffer", size->column_bytes);
    add_part(&p, "codec", "buffer", codec != NULL ? number_of(results, "codec_bytes") : 0);
    for (int64_t i = 0; i < results->kept_count; i++)
        add_part(&p, results->kept[i].name,
                 results->kept[i].snapshot  ? "snapshot"
                 : results->kept[i].network ? "network"
                                            : "tensor",
                 results->kept[i].bytes);
    add_part(&p, "numbers", "number", results->kept_numbers * (int64_t)sizeof(int64_t));
    *count = p.count;
    return MN_OK;
}
