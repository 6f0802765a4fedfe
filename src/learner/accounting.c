/* accounting.c -- what a run will keep is known before its first step: strategies declare it in
 * `open`.
 *
 * A finished run is asked by mn_results_memory(), which counts the same in its file. */
#include "learner/accounting.h"
#include "base/numbers.h"
#include "buffer/size.h"
#include "experiment/checks.h"
#include "store/records.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

static int64_t bytes_of_network(mn_network *network)
{
    int64_t bytes = 0;
    for (int i = 0; i < mn_network_parameter_count(network); i++)
        bytes += (int64_t)mn_tensor_bytes(mn_network_parameter(network, i)->value);
    for (int i = 0; i < mn_network_statistic_count(network); i++) {
        const char *name;
        bytes += (int64_t)mn_tensor_bytes(mn_network_statistic(network, i, &name));
    }
    return bytes;
}

static int64_t bytes_of_kept(const mn_kept *kept)
{
    return kept->type == MN_KEPT_TENSOR ? (int64_t)mn_tensor_bytes(kept->tensor)
                                        : (int64_t)sizeof(int64_t);
}

/* --- the budget --- */

typedef struct bill {
    int64_t total;
    char text[768]; /* "exemplars 78400, ewc/fisher 318400" */
} bill;

static void charge(bill *b, const char *owner, const char *name, int64_t bytes)
{
    const size_t used = strlen(b->text);
    b->total += bytes;
    if (bytes > 0)
        snprintf(b->text + used, sizeof b->text - used, "%s%s%s%s %lld", used > 0 ? ", " : "",
                 owner, owner[0] != '\0' ? "/" : "", name, (long long)bytes);
}

/* What strategies keep beside the buffer: networks, statistics, counts. */
static void charge_kept(const mn_learner *learner, bill *b)
{
    for (int i = 0; i < learner->networks; i++)
        if (strcmp(learner->network[i].owner, "run") != 0)
            charge(b, learner->network[i].owner, learner->network[i].name,
                   bytes_of_network(learner->network[i].network));
    for (int i = 0; i < learner->kept_count; i++)
        charge(b, "", learner->kept[i].name, bytes_of_kept(&learner->kept[i]));
}

static void charge_buffer(const mn_learner *learner, bill *b)
{
    if (learner->buffer == NULL)
        return;
    const mn_row_size row = mn_buffer_row_size(learner->buffer);
    const int64_t rows = mn_buffer_capacity(learner->buffer);
    charge(b, "", "exemplars", rows * row.payload);
    charge(b, "", "labels", rows * row.label);
    charge(b, "", "columns", rows * row.columns);
    charge(b, "", "codec", mn_buffer_codec_bytes(learner->buffer));
}

static mn_status check_memory(const mn_learner *learner)
{
    const int64_t budget = learner->settings->memory_budget;
    bill b = {.total = 0};
    if (budget == 0)
        return MN_OK;
    charge_buffer(learner, &b);
    charge_kept(learner, &b);
    return b.total <= budget
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "memory_budget: the run would keep %lld bytes, more than %lld: %s; lower "
                         "buffer_size, or raise the budget",
                         (long long)b.total, (long long)budget, b.text);
}

/* --- a learner that keeps to its budgets --- */

/* What a row of the buffer and its slot take, and the codec beside them, is known once everything
 * is declared: a learner with a buffer of one row is asked, and another with two, as strategies may
 * keep something for each slot. */
static mn_status bytes_of_row(const mn_learner_spec *spec, bool as_before, int64_t *bytes,
                              int64_t *fixed)
{
    bill kept[2] = {{.total = 0}, {.total = 0}};
    for (int i = 0; i < 2; i++) {
        mn_learner *probe;
        MN_TRY(mn_learner_make(spec, i + 1, &probe));
        const mn_row_size size = mn_buffer_row_size(probe->buffer);
        *bytes = size.payload + size.columns + (as_before ? 0 : size.label);
        *fixed = as_before ? 0 : mn_buffer_codec_bytes(probe->buffer);
        charge_kept(probe, &kept[i]);
        mn_learner_free(probe);
    }
    *bytes += as_before ? 0 : kept[1].total - kept[0].total;
    return MN_OK;
}

/* Rows that fit a budget in bytes.  A run that goes on has as many as it began with: its file says
 * so, or is from the time when labels and slots were not charged. */
static mn_status rows_of_bytes(const mn_learner_spec *spec, int64_t bytes, int64_t *rows)
{
    const mn_learner_spec alike = {.experiment = spec->experiment,
                                   .stream = spec->stream,
                                   .transform = spec->transform,
                                   .file = spec->file};
    int64_t row, fixed;
    char *known = NULL;
    if (!spec->begins)
        MN_TRY(mn_runfile_find(spec->file, "buffer_rows", &known));
    const bool found = known != NULL && mn_number_whole(known, rows) && *rows > 0 && *rows <= bytes;
    mn_memory_give(known);
    if (found)
        return MN_OK;
    MN_TRY(bytes_of_row(&alike, !spec->begins, &row, &fixed));
    *rows = (bytes - fixed) / row;
    return *rows > 0
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "buffer_bytes: %lld bytes hold no exemplar; one takes %lld",
                         (long long)bytes, (long long)(row + fixed));
}

mn_status mn_learner_new(const mn_learner_spec *spec, mn_learner **learner)
{
    const mn_run_settings *settings = mn_experiment_settings(spec->experiment);
    int64_t rows = settings->buffer_size;
    if (settings->buffer_bytes > 0 && mn_experiment_needs_buffer(spec->experiment))
        MN_TRY(rows_of_bytes(spec, settings->buffer_bytes, &rows));
    MN_TRY(mn_learner_make(spec, rows, learner));
    if (mn_experiment_needs_buffer(spec->experiment) && (*learner)->least_rows > rows) {
        (void)mn_fail(MN_BAD_OPTION, "a buffer of %lld rows: %s; raise buffer_size",
                      (long long)rows, (*learner)->least_reason);
        mn_learner_free(*learner);
        *learner = NULL;
        return MN_BAD_OPTION;
    }
    const mn_status fits = check_memory(*learner);
    if (fits != MN_OK) {
        mn_learner_free(*learner);
        *learner = NULL;
    }
    return fits;
}
