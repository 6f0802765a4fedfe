/* help.c -- everything known about a name: a command, or whatever `mneme list` shows. */
#include "base/escape.h"
#include "base/json.h"
#include "base/names.h"
#include "base/options.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/print.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <mneme/data.h>
#include <mneme/experiment.h>
#include <mneme/memory.h>
#include <mneme/registry.h>
#include <mneme/results.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAMES = 512 };

static const struct {
    uint64_t need;
    const char *means;
} needs[] = {
    {MN_NEEDS_BUFFER, "needs a buffer (--buffer-size)"},
    {MN_NEEDS_TASK_BOUNDARIES, "needs to know where tasks begin and end"},
    {MN_NEEDS_CONTIGUOUS_CLASSES, "needs a class-incremental stream"},
    {MN_NEEDS_TEST_TASK, "is told the task at test time, so it has no class-il numbers"},
    {MN_NEEDS_PAST_DATA, "reads the data of earlier tasks again: an upper bound, not a method"},
    {MN_NEEDS_SELECTION,
     "fills its buffer at the end of tasks: the policy must be one that selects"},
    {MN_FILLS_BUFFER, "chooses its exemplars itself: the buffer policy must be reservoir"},
    {MN_USES_UNLABELLED, "learns from unlabelled images too"},
};

static void print_entries(const mn_option *options, const char *prefix)
{
    for (const mn_option *option = options; option->name != NULL; option++) {
        char left[128], right[1024];
        snprintf(left, sizeof left, "%s.%s", prefix, option->name);
        mn_print_entry(left, mn_option_sentence(option, right, sizeof right));
    }
}

static void print_options(const mn_option *options, const char *prefix)
{
    if (options == NULL || options->name == NULL)
        return;
    printf("\noptions:\n");
    print_entries(options, prefix);
    printf("  set with --set %s.%s=VALUE\n", prefix, options->name);
}

/* A value of a benchmark as one would write it: text without quotes, the rest as JSON. */
static void print_value(const cJSON *value)
{
    if (cJSON_IsString(value)) {
        printf("%s", mn_shown(value->valuestring));
        return;
    }
    if (value == NULL)
        return;
    char *text = mn_or_die(cJSON_PrintUnformatted(value));
    printf("%s", mn_shown(text));
    mn_memory_give(text);
}

static void print_pairs(const cJSON *object)
{
    const cJSON *member;
    const char *separator = "";
    cJSON_ArrayForEach(member, object)
    {
        printf("%s%s=", separator, member->string != NULL ? mn_shown(member->string) : "");
        print_value(member);
        separator = " ";
    }
}

static bool is_recipe_of(const cJSON *recipe, const char *strategy)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(recipe, "strategy");
    return cJSON_IsString(name) && strcmp(name->valuestring, strategy) == 0;
}

/* "buffer 200: lr=0.03 derpp.alpha=0.2" */
static void print_recipe(const cJSON *recipe)
{
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(recipe, "buffer_size");
    const cJSON *source = cJSON_GetObjectItemCaseSensitive(recipe, "source");
    if (cJSON_IsNumber(size))
        printf("buffer %.0f: ", size->valuedouble);
    print_pairs(cJSON_GetObjectItemCaseSensitive(recipe, "set"));
    if (cJSON_IsString(source))
        printf("  (%s)", mn_shown(source->valuestring));
    putchar('\n');
}

/* The recipes of one benchmark for one strategy. */
static void print_recipes_in(const char *benchmark, const cJSON *json, const char *strategy)
{
    const cJSON *recipe;
    bool first = true;
    cJSON_ArrayForEach(recipe, cJSON_GetObjectItemCaseSensitive(json, "recipes"))
    {
        if (!is_recipe_of(recipe, strategy))
            continue;
        if (first)
            printf("\nrecipe of %s:\n", mn_shown(benchmark));
        first = false;
        printf("  ");
        print_recipe(recipe);
    }
}

static mn_benchmarks *all_benchmarks(void)
{
    mn_benchmarks *benchmarks;
    return mn_or_die(mn_benchmarks_new(&benchmarks) == MN_OK ? benchmarks : NULL);
}

static void print_recipes_of(const char *strategy)
{
    mn_benchmarks *benchmarks = all_benchmarks();
    const char *benchmark;
    for (int i = 0; (benchmark = mn_benchmark(benchmarks, i, NULL)) != NULL; i++) {
        char *text;
        cJSON *json;
        if (mn_benchmark_json(benchmark, &text) != MN_OK)
            continue;
        if (mn_json_parse(text, benchmark, &json) == MN_OK) {
            print_recipes_in(benchmark, json, strategy);
            cJSON_Delete(json);
        }
        mn_memory_give(text);
    }
    mn_benchmarks_free(benchmarks);
}

static const char *use_of(mn_kind kind)
{
    static const char *const uses[MN_KINDS] = {
        [MN_KIND_STRATEGY] = "mneme run BENCHMARK %s",
        [MN_KIND_POLICY] = "mneme run BENCHMARK STRATEGY --buffer-policy %s",
        [MN_KIND_NETWORK] = "\"network\": {\"name\": \"%s\"} in a benchmark",
        [MN_KIND_DATASET] = "\"dataset\": {\"name\": \"%s\"} in a benchmark",
    };
    return uses[kind];
}

static void print_use(mn_kind kind, const char *name)
{
    const char *use = use_of(kind), *at = strstr(use, "%s");
    printf("\nused by: %.*s%s%s\n", (int)(at - use), use, name, at + 2);
}

static void print_differences(const mn_strategy *strategy)
{
    if (strategy->differs == NULL)
        return;
    printf("\ndiffers from the authors' code:\n");
    for (const char *const *sentence = strategy->differs; *sentence != NULL; sentence++) {
        char item[1024];
        snprintf(item, sizeof item, "- %s", *sentence);
        mn_print_wrapped(item, 2);
    }
}

static void describe(mn_kind kind, const mn_descriptor *descriptor)
{
    static const char *const prefixes[MN_KINDS] = {
        [MN_KIND_POLICY] = "buffer", [MN_KIND_NETWORK] = "network", [MN_KIND_DATASET] = "dataset"};
    printf("%s (%s)\n", descriptor->name, mn_kind_name(kind, false));
    mn_print_wrapped(descriptor->summary, 2);
    if (kind == MN_KIND_STRATEGY) {
        const mn_strategy *strategy = (const mn_strategy *)(const void *)descriptor;
        for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
            if ((strategy->needs & needs[i].need) != 0)
                printf("  %s\n", needs[i].means);
    }
    if (descriptor->cite != NULL) {
        printf("\npaper:\n");
        mn_print_wrapped(descriptor->cite, 2);
    }
    if (kind == MN_KIND_DATASET) {
        const mn_dataset_type *dataset = (const mn_dataset_type *)(const void *)descriptor;
        if (dataset->obtain != NULL)
            printf("\nobtained by: %s\n", mn_shown(dataset->obtain));
    }
    print_options(descriptor->options, prefixes[kind] != NULL ? prefixes[kind] : descriptor->name);
    if (kind == MN_KIND_DATASET) {
        printf("\noptions of every data set:\n");
        print_entries(mn_dataset_options(), "dataset");
    }
    if (kind == MN_KIND_STRATEGY) {
        print_differences((const mn_strategy *)(const void *)descriptor);
        print_recipes_of(descriptor->name);
    }
    print_use(kind, descriptor->name);
}

/* One key of a benchmark: a section in a line, a list with a line an entry. */
static void print_member(const cJSON *member)
{
    const cJSON *entry;
    if (cJSON_IsArray(member) && member->child == NULL)
        return;
    if (!cJSON_IsArray(member) || !cJSON_IsObject(member->child)) {
        printf("%s: ", mn_shown(member->string));
        if (cJSON_IsObject(member))
            print_pairs(member);
        else
            print_value(member);
        putchar('\n');
        return;
    }
    printf("\n%s:\n", mn_shown(member->string));
    const bool recipes = strcmp(member->string, "recipes") == 0;
    cJSON_ArrayForEach(entry, member)
    {
        printf("  ");
        if (recipes) {
            const cJSON *strategy = cJSON_GetObjectItemCaseSensitive(entry, "strategy");
            printf("%-10s", cJSON_IsString(strategy) ? mn_shown(strategy->valuestring) : "");
            print_recipe(entry);
        } else {
            print_pairs(entry);
            putchar('\n');
        }
    }
}

static mn_status describe_benchmark(const char *name)
{
    char *text;
    cJSON *json;
    MN_TRY(mn_benchmark_json(name, &text));
    const mn_status status = mn_json_parse(text, name, &json);
    mn_memory_give(text);
    if (status != MN_OK)
        return status;
    const cJSON *summary = cJSON_GetObjectItemCaseSensitive(json, "summary"), *member;
    printf("%s (benchmark)\n", mn_shown(name));
    if (cJSON_IsString(summary))
        mn_print_wrapped(summary->valuestring, 2);
    putchar('\n');
    cJSON_ArrayForEach(member, json)
    {
        if (member != summary && strcmp(member->string, "name") != 0)
            print_member(member);
    }
    printf("\nused by: mneme run %s STRATEGY\n", mn_shown(name));
    cJSON_Delete(json);
    return MN_OK;
}

/* Describes whatever has that name; false when nothing has. */
static bool describe_registered(const char *name)
{
    bool found = false;
    for (mn_kind kind = 0; kind < MN_KINDS; kind++) {
        const mn_descriptor *descriptor;
        for (int i = 0; (descriptor = mn_registered(kind, i)) != NULL; i++)
            if (strcmp(descriptor->name, name) == 0) {
                if (found)
                    putchar('\n');
                describe(kind, descriptor);
                found = true;
            }
    }
    return found;
}

static bool is_benchmark(const mn_benchmarks *benchmarks, const char *name)
{
    const char *known;
    for (int i = 0; (known = mn_benchmark(benchmarks, i, NULL)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return true;
    return false;
}

static int unknown_name(const mn_benchmarks *benchmarks, const char *name)
{
    const char *names[MOST_NAMES + 1], *known;
    int n = 0;
    for (mn_kind kind = 0; kind < MN_KINDS; kind++)
        for (int i = 0; mn_registered(kind, i) != NULL && n < MOST_NAMES; i++)
            names[n++] = mn_registered(kind, i)->name;
    for (int i = 0; (known = mn_benchmark(benchmarks, i, NULL)) != NULL && n < MOST_NAMES; i++)
        names[n++] = known;
    for (int i = 0; mn_commands[i] != NULL && n < MOST_NAMES; i++)
        names[n++] = mn_commands[i]->name;
    names[n] = NULL;
    const char *nearest = mn_nearest(name, names);
    if (nearest != NULL)
        mn_complain("nothing is called '%s'; did you mean '%s'?", name, nearest);
    else
        mn_complain("nothing is called '%s'; 'mneme list' shows all names", name);
    return MN_EXIT_USAGE;
}

/* What accuracies are of. */
static const struct {
    const char *name, *meaning;
} scopes[] = {
    {"class-il",
     "class-incremental: the image may be of any class that has come so far, and nobody says "
     "of which task it is"},
    {"task-il",
     "task-incremental: the image's task is told, and one of its classes is to be chosen"},
    {"domain-il", "domain-incremental: all tasks have the same classes, and nobody says of which "
                  "task or domain an image is"},
};

/* A metric or a scope. */
static bool describe_measure(const char *name)
{
    const char *metric, *meaning;
    for (int i = 0; (metric = mn_metric_name(i, &meaning)) != NULL; i++)
        if (strcmp(metric, name) == 0) {
            printf("%s (metric)\n", metric);
            mn_print_wrapped(meaning, 2);
            printf("\nused by: mneme compare FILE... --metric %s\n", metric);
            return true;
        }
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
        if (strcmp(scopes[i].name, name) == 0) {
            printf("%s (scope of accuracies)\n", scopes[i].name);
            mn_print_wrapped(scopes[i].meaning, 2);
            printf("\nused by: mneme plot FILE... --scope %s\n", scopes[i].name);
            return true;
        }
    return false;
}

/* As papers write names: "DER++" is derpp, "ER-ACE" er-ace, "A-GEM" agem. */
static bool same_in_print(const char *written, const char *name)
{
    if (*written == '+')
        return false;
    for (;; written++, name++) {
        while (*written == '-' || *written == '_' || *written == ' ')
            written++;
        while (*name == '-' || *name == '_')
            name++;
        const bool plus = *written == '+' && (written[1] == '+' || written[-1] == '+');
        const int c = plus ? 'p' : tolower((unsigned char)*written);
        if (c != *name)
            return false;
        if (c == '\0')
            return true;
    }
}

static const char *name_in_print(const char *written)
{
    const char *metric, *meaning;
    for (mn_kind kind = 0; kind < MN_KINDS; kind++)
        for (int i = 0; mn_registered(kind, i) != NULL; i++)
            if (same_in_print(written, mn_registered(kind, i)->name))
                return mn_registered(kind, i)->name;
    for (int i = 0; (metric = mn_metric_name(i, &meaning)) != NULL; i++)
        if (same_in_print(written, metric))
            return metric;
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++)
        if (same_in_print(written, scopes[i].name))
            return scopes[i].name;
    return written;
}

static int help(const mn_arguments *arguments)
{
    const char *name = arguments->words[0];
    if (name == NULL) {
        mn_program_help();
        return MN_EXIT_DONE;
    }
    for (const mn_command *const *command = mn_commands; *command != NULL; command++)
        if (strcmp((*command)->name, name) == 0) {
            mn_command_help_print(*command);
            return MN_EXIT_DONE;
        }
    if (mn_path_ends_in(name, ".json"))
        return mn_exit_of_request(describe_benchmark(name));
    if (strchr(name, '/') != NULL || mn_path_ends_in(name, ".so")) {
        const mn_status status = mn_plugin_load(name, &name);
        if (status != MN_OK)
            return mn_exit_of_request(status);
    }
    mn_benchmarks *benchmarks = all_benchmarks();
    if (!is_benchmark(benchmarks, name))
        name = name_in_print(name);
    if (describe_registered(name) || describe_measure(name)) {
        mn_benchmarks_free(benchmarks);
        return MN_EXIT_DONE;
    }
    const int code = is_benchmark(benchmarks, name) ? mn_exit_of_request(describe_benchmark(name))
                                                    : unknown_name(benchmarks, name);
    mn_benchmarks_free(benchmarks);
    return code;
}

const mn_command mn_command_help = {
    .name = "help",
    .synopsis = "[NAME]",
    .summary = "Describes a name: "
               "summary, paper, options, recipes.",
    .details =
        "NAME is a command, a metric, a scope (class-il), or anything `mneme list` shows, also as "
        "papers write it (DER++); it may also be the path of a plugin (.so) or of a benchmark "
        "(.json).",
    .most = 1,
    .words = "one name",
    .run = help,
};
