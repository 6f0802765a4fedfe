/* describe.c -- writes the pages of docs/ that repeat what tables in the code say: one page a
 * strategy, the keys of a benchmark, and recipes beside authors' values.
 *
 * usage: describe FOLDER SOURCES, where FOLDER is docs/ itself or, for the test that compares, an
 * empty one, and SOURCES is strategies/, whose files begin with what the method does.  The pages
 * are checked in, so that they can be read without a build. */
#include "base/json.h"
#include "base/options.h"
#include "experiment/settings.h"
#include "nn/optimiser.h"
#include "recipes.h"

#include <cjson/cJSON.h>
#include <mneme/buffer.h>
#include <mneme/experiment.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char generated[] =
    "<!-- Written by docs/describe.c from the tables in the code: change those, then run "
    "'ninja -C build pages'. -->\n\n";

void stop(const char *what)
{
    fprintf(stderr, "describe: %s\n", what);
    exit(EXIT_FAILURE);
}

static FILE *open_page(const char *folder, const char *name)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s.md", folder, name) >= (int)sizeof path)
        stop("the path of a page is too long");
    FILE *page = fopen(path, "w");
    if (page == NULL)
        stop(path);
    fputs(generated, page);
    return page;
}

static void close_page(FILE *page)
{
    const bool failed = ferror(page) != 0;
    if (fclose(page) != 0 || failed)
        stop("a page cannot be written");
}

/* "from 1 to 10": the column before says what kind of number. */
static const char *range_of(const mn_option *option, char *text, size_t bytes)
{
    if (option->type == MN_OPTION_BOOL || option->type == MN_OPTION_TEXT)
        return "";
    const char *range = mn_option_range(option, text, bytes), *bound = strstr(range, "number ");
    return option->type != MN_OPTION_CHOICE && bound != NULL ? bound + strlen("number ") : range;
}

static void write_options(FILE *page, const mn_option *options, const char *prefix)
{
    static const char *const types[] = {"true or false", "whole number", "number", "text",
                                        "one of"};
    if (options == NULL || options->name == NULL) {
        fputs("No options.\n", page);
        return;
    }
    fputs("| key | type | default | range | meaning |\n|---|---|---|---|---|\n", page);
    for (const mn_option *option = options; option->name != NULL; option++) {
        char range[512], otherwise[256];
        const char *value = mn_option_default(option, otherwise, sizeof otherwise);
        const char *quote = value[0] != '\0' ? "`" : "";
        fprintf(page, "| `%s%s`%s | %s | %s%s%s | %s | %s |\n", prefix, option->name,
                option->changes_no_result ? " \\*" : "", types[option->type], quote,
                value[0] != '\0' ? value : "empty", quote, range_of(option, range, sizeof range),
                option->help);
    }
}

/* --- strategies ---------------------------------------------------------------------------------
 */

static void write_needs(FILE *page, uint64_t needs)
{
    static const struct {
        uint64_t need;
        const char *means;
    } meanings[] = {
        {MN_NEEDS_BUFFER, "Needs a rehearsal buffer."},
        {MN_NEEDS_TASK_BOUNDARIES, "Must know where tasks begin and end."},
        {MN_NEEDS_CONTIGUOUS_CLASSES, "Needs a class-incremental stream."},
        {MN_NEEDS_TEST_TASK, "Is told the task in evaluation, so it has no class-IL numbers."},
        {MN_NEEDS_PAST_DATA, "Reads the data of earlier tasks again: an upper bound."},
        {MN_NEEDS_SELECTION, "Its buffer is filled at the end of tasks."},
        {MN_FILLS_BUFFER, "Chooses its exemplars itself; no buffer policy can be given."},
        {MN_USES_UNLABELLED, "Learns from unlabelled images too."},
    };
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if ((needs & meanings[i].need) != 0)
            fprintf(page, "%s\n", meanings[i].means);
    if (needs == 0)
        fputs("Needs nothing but the stream.\n", page);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(member) ? member->valuestring : "";
}

static void write_recipe(FILE *page, const char *benchmark, const cJSON *json, const cJSON *recipe)
{
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(recipe, "buffer_size");
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(recipe, "set");
    fprintf(page, "| %s | ", benchmark);
    if (cJSON_IsNumber(size))
        fprintf(page, "%.0f", size->valuedouble);
    fputs(" | ", page);
    for (const cJSON *member = set != NULL ? set->child : NULL; member != NULL;
         member = member->next) {
        char *value = cJSON_PrintUnformatted(member);
        fprintf(page, "%s`%s=%s`", member == set->child ? "" : ", ", member->string, value);
        free(value);
    }
    const char *source = text_of(recipe, "source");
    fprintf(page, " | %s |\n", source[0] != '\0' ? source : text_of(json, "recipe_source"));
}

static int write_recipes_of(FILE *page, const char *benchmark, const char *strategy, int written)
{
    char *text;
    cJSON *json;
    if (mn_benchmark_json(benchmark, &text) != MN_OK ||
        mn_json_parse(text, benchmark, &json) != MN_OK)
        stop(mn_error());
    free(text);
    const cJSON *recipe;
    cJSON_ArrayForEach(recipe, cJSON_GetObjectItemCaseSensitive(json, "recipes"))
    {
        if (strcmp(text_of(recipe, "strategy"), strategy) != 0)
            continue;
        if (written++ == 0)
            fputs("| benchmark | buffer | values | source |\n|---|---|---|---|\n", page);
        write_recipe(page, benchmark, json, recipe);
    }
    cJSON_Delete(json);
    return written;
}

/* The comment that a source begins with: its formulas, and what its authors do otherwise. */
/* "er_ace.c", or "genifer/genifer.c" of a method that is a folder. */
static void find_source(char *file, size_t bytes, const char *sources, const char *strategy)
{
    char id[128], path[1024];
    snprintf(id, sizeof id, "%s", strategy);
    for (char *c = id; *c != '\0'; c++) /* agem_r.c brings agem-r */
        *c = *c == '-' ? '_' : *c;
    snprintf(file, bytes, "%s.c", id);
    snprintf(path, sizeof path, "%s/%s", sources, file);
    if (access(path, R_OK) != 0)
        snprintf(file, bytes, "%s/%s.c", id, id);
}

static void write_comment(FILE *page, const char *sources, const char *file)
{
    char path[4096], line[512];
    snprintf(path, sizeof path, "%s/%s", sources, file);
    FILE *source = fopen(path, "r");
    if (source == NULL)
        stop(path);
    bool formula = false;
    fputs("## What it does\n\n", page);
    for (int i = 0; fgets(line, sizeof line, source) != NULL && strcmp(line, " */\n") != 0; i++) {
        const char *text = i == 0 ? strstr(line, " -- ") : line + 1;
        if (text == NULL || (i > 0 && strncmp(line, " *", 2) != 0))
            stop("a strategy's source does not begin with '/* name.c -- ...', closed by ' */'");
        text += i == 0 ? strlen(" -- ") : strlen("*");
        const bool was = formula;
        formula = strncmp(text, "     ", 5) == 0;
        if (formula != was)
            fputs("```\n", page);
        fputs(text + (formula ? 5 : text[0] == ' '), page);
    }
    fputs(formula ? "```\n\n" : "\n", page);
    fclose(source);
}

static void write_strategy(const char *folder, const char *sources, const mn_strategy *strategy)
{
    FILE *page = open_page(folder, strategy->name);
    fprintf(page, "# %s\n\n%s\n\n", strategy->name, strategy->summary);
    write_needs(page, strategy->needs);
    if (strategy->policy != NULL)
        fprintf(page, "Its buffer policy, unless you choose another: `%s`.\n", strategy->policy);
    if (strategy->cite != NULL)
        fprintf(page, "\nPaper: %s\n", strategy->cite);
    char file[512];
    find_source(file, sizeof file, sources, strategy->name);
    fprintf(page, "\n```\nmneme run BENCHMARK %s\n", strategy->name);
    if (strategy->loss == NULL)
        fprintf(page, "mneme run BENCHMARK er+%s\n", strategy->name);
    fprintf(page, "```\n\nSource: `strategies/%s`\n\n", file);
    write_comment(page, sources, file);
    fputs("## Options\n\n", page);
    char prefix[128];
    snprintf(prefix, sizeof prefix, "%s.", strategy->name);
    write_options(page, strategy->options, prefix);
    if (strategy->differs != NULL)
        fputs("\n## Differs from the authors' code\n\n", page);
    for (int i = 0; strategy->differs != NULL && strategy->differs[i] != NULL; i++)
        fprintf(page, "- %s\n", strategy->differs[i]);
    fputs("\n## Recipes\n\n", page);
    int written = 0;
    const char *benchmark;
    mn_benchmarks *benchmarks;
    if (mn_benchmarks_new(&benchmarks) != MN_OK)
        stop(mn_error());
    for (int i = 0; (benchmark = mn_benchmark(benchmarks, i, NULL)) != NULL; i++)
        written = write_recipes_of(page, benchmark, strategy->name, written);
    mn_benchmarks_free(benchmarks);
    if (written == 0)
        fputs("No benchmark has one: defaults apply.\n", page);
    close_page(page);
}

static void write_strategies(const char *folder, const char *sources)
{
    char inner[4096];
    snprintf(inner, sizeof inner, "%s/strategies", folder);
    (void)mkdir(inner, 0777);
    FILE *index = open_page(inner, "README");
    fputs("# Strategies\n\n| name | what it does |\n|---|---|\n", index);
    const mn_descriptor *found;
    for (int i = 0; (found = mn_registered(MN_KIND_STRATEGY, i)) != NULL; i++) {
        fprintf(index, "| [%s](%s.md) | %s |\n", found->name, found->name, found->summary);
        write_strategy(inner, sources, (const void *)found);
    }
    close_page(index);
}

/* --- keys of a benchmark -------------------------------------------------------------------------
 */

static void write_section(FILE *page, mn_section_id id, const char *about)
{
    const mn_option *table;
    size_t bytes;
    if (mn_section_table(id, NULL, &table, &bytes) != MN_OK)
        stop(mn_error());
    fprintf(page, "## %s\n\n%s\n\n", mn_section_name((int)id), about);
    write_options(page, table, "");
}

static void write_kinds(FILE *page, mn_kind kind, const char *name, const char *about)
{
    fprintf(page, "\n## %s\n\n%s\n", name, about);
    const mn_descriptor *found;
    for (int i = 0; (found = mn_registered(kind, i)) != NULL; i++) {
        fprintf(page, "\n### %s: %s\n\n%s\n\n", name, found->name, found->summary);
        const char *obtain = NULL;
        if (kind == MN_KIND_DATASET)
            obtain = ((const mn_dataset_type *)(const void *)found)->obtain;
        if (obtain != NULL)
            fprintf(page, "Obtained by: `%s`.\n\n", obtain);
        write_options(page, found->options, "");
    }
}

static void write_optimisers(FILE *page)
{
    fputs("\n## optimiser\n\nThe key `name` chooses one; the rest are its options. The learning "
          "rate is `train.lr`.\n",
          page);
    for (int i = 0; mn_optimiser_kind(i) != NULL; i++) {
        fprintf(page, "\n### optimiser: %s\n\n", mn_optimiser_kind(i));
        write_options(page, mn_optimiser_options(mn_optimiser_kind(i)), "");
    }
}

static void write_keys(const char *folder)
{
    FILE *page = open_page(folder, "benchmark-keys");
    fputs("# Keys of a benchmark\n\nEvery key of every section, with type, default and range. What "
          "the sections are for: [benchmarks.md](benchmarks.md).\n\n",
          page);
    write_section(
        page, MN_SECTION_TRAIN,
        "On the command line: `--seed 3`, `--buffer-size 200`, ... A key with a star says where "
        "things lie or how to work; it changes a result by rounding at most, and runs that "
        "differ in no other key belong to one study.");
    fputc('\n', page);
    write_section(page, MN_SECTION_STREAM,
                  "On the command line: `--set stream.tasks=2`. Lists may be JSON arrays.");
    fputc('\n', page);
    write_section(page, MN_SECTION_FEATURES,
                  "A frozen network through which all images go once ([pretrained.md]"
                  "(pretrained.md#features-that-a-benchmark-makes-itself)).");
    fputc('\n', page);
    write_section(page, MN_SECTION_LABELS,
                  "Which training images are labelled, and what is beside them.");
    write_kinds(
        page, MN_KIND_DATASET, "dataset",
        "The key `name` chooses one; the rest are its options. Those of the table at the end "
        "every data set has.");
    fputs("\n### dataset: every one\n\n", page);
    write_options(page, mn_dataset_options(), "");
    write_kinds(page, MN_KIND_NETWORK, "network",
                "The key `name` chooses one; the rest are its options.");
    write_optimisers(page);
    fputc('\n', page);
    write_section(page, MN_SECTION_SCHEDULE,
                  "The learning rate of a step is `train.lr` times the schedule's factor.");
    fputc('\n', page);
    write_section(page, MN_SECTION_NORMALISE,
                  "What a network sees: (pixel / 255 - mean) / deviation.");
    fputc('\n', page);
    write_section(page, MN_SECTION_AUGMENT,
                  "Training images, replayed ones too, drawn anew each time; evaluation never. "
                  "`--no-augment` switches it off.");
    fputc('\n', page);
    write_section(page, MN_SECTION_VIEWS,
                  "Random views for methods that ask for them, made from images as they came, in "
                  "the order of these keys. The defaults are those of NNCSL's authors for CIFAR.");
    write_kinds(page, MN_KIND_POLICY, "buffer",
                "`train.buffer_policy` chooses the policy; this section holds its options.");
    close_page(page);
}

static void write_recipes(const char *folder, const char *sources)
{
    char authors[4096];
    snprintf(authors, sizeof authors, "%s/../docs/authors.json", sources);
    FILE *page = open_page(folder, "recipes");
    write_recipes_page(page, authors);
    close_page(page);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        stop("usage: describe FOLDER SOURCES");
    write_strategies(argv[1], argv[2]);
    write_keys(argv[1]);
    write_recipes(argv[1], argv[2]);
    return EXIT_SUCCESS;
}
