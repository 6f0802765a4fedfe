/* recipes.c -- docs/recipes.md: every option's default and recipes beside the authors' values,
 * which docs/authors.json has, each with where it was read.
 *
 * What a default or a recipe shares with the authors is found by comparing, not written down. */
#include "recipes.h"
#include "base/json.h"
#include "base/options.h"

#include <cjson/cJSON.h>
#include <mneme/experiment.h>
#include <mneme/strategy.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SOURCES = 64, MOST_KEYS = 64, KEY_BYTES = 128, VALUE_BYTES = 512 };

/* What the page of one strategy needs while it is written. */
typedef struct section {
    FILE *page;
    const mn_strategy *strategy;
    const cJSON *authors; /* all options' entries */
    cJSON *benchmarks;    /* all, by name */
    const char *source[MOST_SOURCES];
    int sources; /* of recipes, so far */
} section;

MN_PRINTF(1, 2) static void stop_at(const char *format, ...)
{
    char what[512];
    va_list more;
    va_start(more, format);
    (void)vsnprintf(what, sizeof what, format, more);
    va_end(more);
    stop(what);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(member) ? member->valuestring : "";
}

static bool same(const char *a, const char *b)
{
    char *end_a, *end_b;
    const double x = strtod(a, &end_a), y = strtod(b, &end_b);
    const bool numbers = end_a != a && end_b != b && *end_a == '\0' && *end_b == '\0';
    return numbers ? x == y : strcmp(a, b) == 0;
}

/* A value as one would write it on the command line. */
static const char *value_text(const cJSON *value, char text[VALUE_BYTES])
{
    char *printed = cJSON_IsString(value) ? NULL : cJSON_PrintUnformatted(value);
    snprintf(text, VALUE_BYTES, "%s", printed != NULL ? printed : cJSON_GetStringValue(value));
    free(printed);
    return text;
}

/* --- recipes --- */

typedef void with_recipe(section *s, const cJSON *benchmark, const cJSON *recipe,
                         const cJSON *value, void *context);

/* Calls `act` for each recipe of the strategy that sets the key. */
static void each_recipe(section *s, const char *key, with_recipe *act, void *context)
{
    const cJSON *benchmark, *recipe;
    cJSON_ArrayForEach(benchmark, s->benchmarks)
    {
        cJSON_ArrayForEach(recipe, cJSON_GetObjectItemCaseSensitive(benchmark, "recipes"))
        {
            const cJSON *set = cJSON_GetObjectItemCaseSensitive(recipe, "set");
            const cJSON *value = cJSON_GetObjectItemCaseSensitive(set, key);
            if (value != NULL && strcmp(text_of(recipe, "strategy"), s->strategy->name) == 0)
                act(s, benchmark, recipe, value, context);
        }
    }
}

static int number_of_source(section *s, const cJSON *benchmark, const cJSON *recipe)
{
    const char *source = text_of(recipe, "source");
    source = source[0] != '\0' ? source : text_of(benchmark, "recipe_source");
    for (int i = 0; i < s->sources; i++)
        if (strcmp(s->source[i], source) == 0)
            return i + 1;
    if (s->sources == MOST_SOURCES)
        stop("more sources of recipes than a page has room for");
    s->source[s->sources++] = source;
    return s->sources;
}

static void write_value(section *s, const cJSON *benchmark, const cJSON *recipe, const cJSON *value,
                        void *context)
{
    char text[VALUE_BYTES];
    bool *first = context;
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(recipe, "buffer_size");
    fprintf(s->page, "%s%s", *first ? "" : ", ", benchmark->string);
    if (cJSON_IsNumber(size))
        fprintf(s->page, " %.0f", size->valuedouble);
    fprintf(s->page, ": `%s` [%d]", value_text(value, text),
            number_of_source(s, benchmark, recipe));
    *first = false;
}

/* --- authors' values --- */

static bool is_authors(const cJSON *entry, const char *value)
{
    const cJSON *pair;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(entry, "authors"))
    {
        if (same(cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0)), value))
            return true;
    }
    return false;
}

typedef struct search {
    const cJSON *entry;
    bool found;
} search;

static void look(section *s, const cJSON *benchmark, const cJSON *recipe, const cJSON *value,
                 void *context)
{
    (void)s;
    (void)benchmark;
    (void)recipe;
    char text[VALUE_BYTES];
    search *looked = context;
    looked->found = looked->found || is_authors(looked->entry, value_text(value, text));
}

static void write_authors(FILE *page, const cJSON *entry)
{
    const char *separator = "";
    const cJSON *pair;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(entry, "authors"))
    {
        fprintf(page, "%s`%s` (%s)", separator, cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0)),
                cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1)));
        separator = ", ";
    }
}

/* "as theirs", "by recipe", or why not. */
static void write_verdict(section *s, const char *key, const cJSON *entry, const char *otherwise)
{
    const bool own = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(entry, "authors")) == 0;
    search looked = {entry, false};
    each_recipe(s, key, look, &looked);
    const char *why = text_of(entry, "why");
    if (!own && is_authors(entry, otherwise)) {
        fputs("as theirs", s->page);
        return;
    }
    if (looked.found)
        fputs("by recipe", s->page);
    else if (why[0] == '\0')
        stop_at("docs/authors.json: %s: its default %s is nowhere the authors'; say why", key,
                otherwise);
    else
        fputs(own ? "mneme's own" : "**differs**", s->page);
    if (why[0] != '\0')
        fprintf(s->page, ": %s", why);
}

/* --- the page --- */

static void write_option(section *s, const mn_option *option)
{
    char key[KEY_BYTES], otherwise[VALUE_BYTES];
    bool first = true;
    snprintf(key, sizeof key, "%s.%s", s->strategy->name, option->name);
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(s->authors, key);
    if (entry == NULL)
        stop_at("docs/authors.json: no entry for the option %s", key);
    const char *value = mn_option_default(option, otherwise, sizeof otherwise);
    fprintf(s->page, "| `%s` | `%s` | ", option->name, value);
    write_authors(s->page, entry);
    fputs(" | ", s->page);
    each_recipe(s, key, write_value, &first);
    fputs(" | ", s->page);
    write_verdict(s, key, entry, value);
    fputs(" |\n", s->page);
}

static bool is_own(const section *s, const char *key)
{
    const size_t length = strlen(s->strategy->name);
    return strncmp(key, s->strategy->name, length) == 0 && key[length] == '.';
}

/* Settings of the run, which are the benchmark's where no recipe has them. */
static void write_settings(section *s)
{
    const char *key[MOST_KEYS];
    int keys = 0;
    const cJSON *benchmark, *recipe, *value;
    cJSON_ArrayForEach(benchmark, s->benchmarks)
    {
        cJSON_ArrayForEach(recipe, cJSON_GetObjectItemCaseSensitive(benchmark, "recipes"))
        {
            if (strcmp(text_of(recipe, "strategy"), s->strategy->name) != 0)
                continue;
            cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(recipe, "set"))
            {
                int i = 0;
                while (i < keys && strcmp(key[i], value->string) != 0)
                    i++;
                if (i == keys && keys < MOST_KEYS && !is_own(s, value->string))
                    key[keys++] = value->string;
            }
        }
    }
    for (int i = 0; i < keys; i++) {
        bool first = true;
        fprintf(s->page, "| `%s` | the benchmark's | the recipes' | ", key[i]);
        each_recipe(s, key[i], write_value, &first);
        fputs(" | |\n", s->page);
    }
}

static void write_section(section *s)
{
    fprintf(s->page, "\n## %s\n\n[What it does](strategies/%s.md).\n\n", s->strategy->name,
            s->strategy->name);
    fputs("| option | default | authors | recipes | |\n|---|---|---|---|---|\n", s->page);
    const mn_option *option = s->strategy->options;
    for (; option != NULL && option->name != NULL; option++)
        write_option(s, option);
    write_settings(s);
    for (int i = 0; i < s->sources; i++)
        fprintf(s->page, "%s%d. %s\n", i == 0 ? "\nSources of the recipes:\n\n" : "", i + 1,
                s->source[i]);
    for (const char *const *d = s->strategy->differs; d != NULL && *d != NULL; d++)
        fprintf(s->page, "%s- %s\n", d == s->strategy->differs ? "\nDiffers besides:\n\n" : "", *d);
}

static cJSON *all_benchmarks(void)
{
    cJSON *all = cJSON_CreateObject(), *json;
    mn_benchmarks *benchmarks;
    const char *name;
    char *text;
    if (all == NULL || mn_benchmarks_new(&benchmarks) != MN_OK)
        stop(mn_error());
    for (int i = 0; (name = mn_benchmark(benchmarks, i, NULL)) != NULL; i++) {
        if (mn_benchmark_json(name, &text) != MN_OK || mn_json_parse(text, name, &json) != MN_OK ||
            !cJSON_AddItemToObject(all, name, json))
            stop(mn_error());
        free(text);
    }
    mn_benchmarks_free(benchmarks);
    return all;
}

/* Every entry is some strategy's option. */
static void check_entries(const cJSON *authors)
{
    const cJSON *entry;
    const mn_descriptor *found;
    cJSON_ArrayForEach(entry, authors)
    {
        bool known = false;
        for (int i = 0; (found = mn_registered(MN_KIND_STRATEGY, i)) != NULL; i++)
            for (const mn_option *o = found->options; o != NULL && o->name != NULL; o++) {
                char key[KEY_BYTES];
                snprintf(key, sizeof key, "%s.%s", found->name, o->name);
                known = known || strcmp(key, entry->string) == 0;
            }
        if (!known)
            stop_at("docs/authors.json: %s is no strategy's option", entry->string);
    }
}

static cJSON *read_authors(const char *path)
{
    static char text[1 << 18];
    FILE *file = fopen(path, "r");
    cJSON *json;
    if (file == NULL)
        stop(path);
    const size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[bytes] = '\0';
    if (mn_json_parse(text, path, &json) != MN_OK)
        stop(mn_error());
    return json;
}

void write_recipes_page(FILE *page, const char *authors)
{
    fputs(
        "# Recipes beside their authors' values\n\n"
        "Every option of every strategy: its default, what its authors' code has and where that "
        "was "
        "read, and what the recipes of the benchmarks set, with a number for the source of each. "
        "The "
        "last column says where the authors' value is to be had: the default is *as theirs* (or as "
        "one of their versions), a recipe has it (*by recipe*), or neither (**differs**) and why. "
        "What "
        "no option takes away stands below a table, as in `mneme help NAME`. After a strategy's "
        "options come the settings of the run that its recipes set.\n\n"
        "Where the authors' values were read:\n\n",
        page);
    cJSON *json = read_authors(authors), *benchmarks = all_benchmarks();
    const cJSON *source, *entries = cJSON_GetObjectItemCaseSensitive(json, "options");
    cJSON_ArrayForEach(source, cJSON_GetObjectItemCaseSensitive(json, "sources"))
    {
        fprintf(page, "- %s: %s\n", source->string, source->valuestring);
    }
    check_entries(entries);
    const mn_descriptor *found;
    for (int i = 0; (found = mn_registered(MN_KIND_STRATEGY, i)) != NULL; i++)
        write_section(&(section){.page = page,
                                 .strategy = (const void *)found,
                                 .authors = entries,
                                 .benchmarks = benchmarks});
    cJSON_Delete(benchmarks);
    cJSON_Delete(json);
}
