/* recipe.c -- tuned hyper-parameters by strategy and buffer size, from the benchmark's file. */
#include "experiment/recipe.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

static double member_number(const cJSON *object, const char *name, double otherwise)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(member) ? member->valuedouble : otherwise;
}

static const char *member_text(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(member) ? member->valuestring : "";
}

static mn_status check_recipe(const cJSON *recipe, const char *where)
{
    static const char *const known[] = {"strategy", "buffer_size", "set", "source", NULL};
    const char *strategy = NULL, *source;
    int64_t size = 0;
    MN_TRY(mn_json_known(recipe, where, known));
    MN_TRY(mn_json_text(recipe, where, "strategy", &strategy));
    MN_TRY(mn_json_text(recipe, where, "source", &source));
    MN_TRY(mn_json_int(recipe, where, "buffer_size", 0, 1000000000, &size));
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(recipe, "set");
    if (strategy == NULL)
        return mn_fail(MN_BAD_OPTION, "%s: has no 'strategy'", where);
    return set == NULL || cJSON_IsObject(set)
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "%s.set: expected an object, {\"lr\": 0.1}", where);
}

mn_status mn_recipes_check(const cJSON *source, const char *benchmark)
{
    const cJSON *recipes = cJSON_GetObjectItemCaseSensitive(source, "recipes"), *recipe;
    int i = 0;
    if (recipes != NULL && !cJSON_IsArray(recipes))
        return mn_fail(MN_BAD_OPTION, "%s.recipes: expected a list of recipes, [{ ... }]",
                       benchmark);
    cJSON_ArrayForEach(recipe, recipes)
    {
        char where[512];
        snprintf(where, sizeof where, "%.400s: recipes[%d]", benchmark, i++);
        MN_TRY(check_recipe(recipe, where));
    }
    return MN_OK;
}

/* How far a recipe's buffer is from the run's, as a ratio; a recipe without one fits any. */
static double distance(const cJSON *recipe, int64_t buffer_size)
{
    const double size = member_number(recipe, "buffer_size", 0);
    return size <= 0 || buffer_size <= 0 ? 0 : fabs(log(size / (double)buffer_size));
}

static const cJSON *nearest_recipe(const mn_experiment *experiment, const char *strategy)
{
    const int64_t buffer_size = mn_experiment_settings(experiment)->buffer_size;
    const cJSON *recipe, *nearest = NULL;
    cJSON_ArrayForEach(recipe, cJSON_GetObjectItemCaseSensitive(experiment->source, "recipes"))
    {
        if (strcmp(member_text(recipe, "strategy"), strategy) == 0 &&
            (nearest == NULL || distance(recipe, buffer_size) < distance(nearest, buffer_size)))
            nearest = recipe;
    }
    return nearest;
}

const char *mn_recipe_type(const mn_experiment *experiment, const char *key)
{
    const cJSON *recipe;
    cJSON_ArrayForEach(recipe, cJSON_GetObjectItemCaseSensitive(experiment->source, "recipes"))
    {
        const char *strategy = member_text(recipe, "strategy");
        const char *type = member_text(cJSON_GetObjectItemCaseSensitive(recipe, "set"), key);
        if (type[0] != '\0' && (strcmp(strategy, experiment->strategies) == 0 ||
                                strcmp(strategy, experiment->strategy[0]->name) == 0))
            return type;
    }
    return NULL;
}

bool mn_recipe_is_for_another(const mn_experiment *experiment, const char *key)
{
    const char *used = experiment->section[MN_SECTION_OPTIMISER].type;
    const char *meant = mn_recipe_type(experiment, "optimiser.name");
    return strncmp(key, "optimiser.", 10) == 0 && meant != NULL && strcmp(used, meant) != 0;
}

const cJSON *mn_recipe_find(const mn_experiment *experiment)
{
    const cJSON *own = nearest_recipe(experiment, experiment->strategies); /* of "er+ewc" */
    return own != NULL ? own : nearest_recipe(experiment, experiment->strategy[0]->name);
}

/* " at buffer 500", where the recipe says for what buffer it is. */
static void say_buffer(const mn_experiment *experiment, const cJSON *recipe, char *text,
                       size_t bytes)
{
    const double size = member_number(recipe, "buffer_size", 0);
    const int64_t wanted = mn_experiment_settings(experiment)->buffer_size;
    text[0] = '\0';
    if (size > 0 && (int64_t)size == wanted)
        snprintf(text, bytes, " at buffer %lld", (long long)wanted);
    else if (size > 0)
        snprintf(text, bytes, " at buffer %.0f, the nearest to %lld", size, (long long)wanted);
}

/* snprintf's rules: the length of the whole sentence. */
static int describe(const mn_experiment *experiment, const cJSON *recipe, char *text, size_t bytes)
{
    char buffer[512]; /* a double has at most 309 digits before the point */
    if (recipe == NULL)
        return snprintf(text, bytes,
                        "%s has no recipe for %s: the benchmark's and the strategy's defaults "
                        "apply",
                        experiment->benchmark, experiment->strategy[0]->name);
    const char *source = member_text(recipe, "source");
    if (source[0] == '\0')
        source = member_text(experiment->source, "recipe_source");
    say_buffer(experiment, recipe, buffer, sizeof buffer);
    return snprintf(text, bytes, "recipe of %s for %s%s%s%s", experiment->benchmark,
                    member_text(recipe, "strategy"), buffer, source[0] != '\0' ? "; " : "", source);
}

mn_status mn_recipe_describe(const mn_experiment *experiment, const cJSON *recipe, char **text)
{
    const int length = describe(experiment, recipe, NULL, 0);
    *text = length >= 0 ? mn_memory_take((size_t)length + 1, 1) : NULL;
    if (*text == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the description of the recipe");
    (void)describe(experiment, recipe, *text, (size_t)length + 1);
    return MN_OK;
}
