/* recipe.c -- tuned hyper-parameters by strategy and buffer size, from the benchmark's file. */
#include "base/options.h"
#include "experiment/experiment.h"

#include <math.h>
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

const char *mn_experiment_recipe_type(const mn_experiment *experiment, const char *key)
{
    const cJSON *recipe;
    cJSON_ArrayForEach(recipe, cJSON_GetObjectItemCaseSensitive(experiment->source, "recipes"))
    {
        const char *strategy = member_text(recipe, "strategy");
        const char *type = member_text(cJSON_GetObjectItemCaseSensitive(recipe, "set"), key);
        if (type[0] != '\0' && (strcmp(strategy, experiment->strategies) == 0 ||
                                strcmp(strategy, experiment->strategy[0]->name) == 0))
            return mn_intern(type);
    }
    return NULL;
}

/* A recipe's options of an optimiser are of no use to another that the user chose. */
static bool is_for_another(const mn_experiment *experiment, const char *key)
{
    const char *used = experiment->section[MN_SECTION_OPTIMISER].type;
    const char *meant = mn_experiment_recipe_type(experiment, "optimiser.name");
    return strncmp(key, "optimiser.", 10) == 0 && meant != NULL && strcmp(used, meant) != 0;
}

static mn_status assign(mn_experiment *experiment, const cJSON *setting)
{
    char number[64];
    const char *text = setting->valuestring;
    if (cJSON_IsNumber(setting)) {
        snprintf(number, sizeof number, "%.17g", setting->valuedouble);
        text = number;
    } else if (cJSON_IsBool(setting)) {
        text = cJSON_IsTrue(setting) ? "true" : "false";
    } else if (!cJSON_IsString(setting)) {
        return mn_fail(MN_BAD_OPTION, "%s: recipes: %s: expected a number, a text, true or false",
                       experiment->benchmark, setting->string);
    }
    const mn_status status = mn_experiment_assign(experiment, setting->string, text);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s: recipes", experiment->benchmark);
}

mn_status mn_experiment_apply_recipe(mn_experiment *experiment)
{
    const char *strategy = experiment->strategies; /* "er+ewc" may have one of its own */
    const cJSON *recipe = nearest_recipe(experiment, strategy);
    if (recipe == NULL) {
        strategy = experiment->strategy[0]->name;
        recipe = nearest_recipe(experiment, strategy);
    }
    if (recipe == NULL) {
        snprintf(experiment->recipe, sizeof experiment->recipe,
                 "%s has no recipe for %s: the benchmark's and the strategy's defaults apply",
                 experiment->benchmark, strategy);
        return MN_OK;
    }
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(recipe, "set"), *setting;
    const cJSON *policy = cJSON_GetObjectItemCaseSensitive(set, "buffer_policy");
    if (policy != NULL)
        MN_TRY(assign(experiment, policy)); /* decides which keys `buffer.` has */
    cJSON_ArrayForEach(setting, set)
    {
        if (!is_for_another(experiment, setting->string))
            MN_TRY(assign(experiment, setting));
    }
    const double size = member_number(recipe, "buffer_size", 0);
    const int64_t wanted = mn_experiment_settings(experiment)->buffer_size;
    char which[96] = "";
    if (size > 0 && (int64_t)size == wanted)
        snprintf(which, sizeof which, " at buffer %lld", (long long)wanted);
    else if (size > 0)
        snprintf(which, sizeof which, " at buffer %.0f, the nearest to %lld", size,
                 (long long)wanted);
    const char *source = member_text(recipe, "source");
    if (source[0] == '\0')
        source = member_text(experiment->source, "recipe_source");
    snprintf(experiment->recipe, sizeof experiment->recipe, "recipe of %s for %s%s%s%s",
             experiment->benchmark, strategy, which, source[0] != '\0' ? "; " : "", source);
    return MN_OK;
}
