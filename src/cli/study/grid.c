/* grid.c -- the combinations of a grid of settings. */
#include "cli/study/grid.h"
#include "base/options.h"
#include "cli/complain.h"

#include <mneme/memory.h>
#include <string.h>

enum { MOST_POINTS = 10000 };

/* The i-th value of a key as it would be typed; the caller frees. */
static mn_status value_text(const cJSON *values, int i, const char *where, char **text)
{
    const mn_status status =
        mn_option_text(cJSON_GetArrayItem(values, i), "grid", values->string, text);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s", where);
}

/* A value that is there twice would be two arms in one folder. */
static mn_status check_new(const cJSON *values, int i, const char *where, const char *text)
{
    for (int before = 0; before < i; before++) {
        char *other;
        MN_TRY(value_text(values, before, where, &other));
        const bool same = strcmp(text, other) == 0;
        mn_memory_give(other);
        if (same)
            return mn_fail(MN_BAD_OPTION, "%s: grid.%s: %s is there twice; keep one", where,
                           values->string, text);
    }
    return MN_OK;
}

static mn_status check_values(const cJSON *values, const char *where)
{
    const int count = cJSON_GetArraySize(values);
    if (!cJSON_IsArray(values) || count == 0)
        return mn_fail(MN_BAD_OPTION, "%s: grid.%s should list the values to try, [0.03, 0.1]",
                       where, values->string);
    for (int i = 0; i < count; i++) {
        char *text;
        MN_TRY(value_text(values, i, where, &text));
        const mn_status status = check_new(values, i, where, text);
        mn_memory_give(text);
        MN_TRY(status);
    }
    return MN_OK;
}

/* Every point so far with each of the values; the points so far are taken over. */
static cJSON *with_values(cJSON *points, const cJSON *values)
{
    cJSON *more = mn_or_die(cJSON_CreateArray());
    const cJSON *point, *value;
    cJSON_ArrayForEach(point, points)
    {
        cJSON_ArrayForEach(value, values)
        {
            cJSON *one = mn_or_die(cJSON_Duplicate(point, true));
            cJSON_AddItemToObject(one, values->string, mn_or_die(cJSON_Duplicate(value, true)));
            cJSON_AddItemToArray(more, one);
        }
    }
    cJSON_Delete(points);
    return more;
}

mn_status mn_grid_points(const cJSON *grid, const char *where, cJSON **points)
{
    *points = NULL;
    if (!cJSON_IsObject(grid) || grid->child == NULL)
        return mn_fail(MN_BAD_OPTION,
                       "%s: 'grid' should be an object of lists, {\"lr\": [0.03, 0.1]}", where);
    int64_t count = 1;
    const cJSON *values;
    cJSON_ArrayForEach(values, grid)
    {
        MN_TRY(check_values(values, where));
        count *= cJSON_GetArraySize(values);
        if (count > MOST_POINTS)
            return mn_fail(MN_BAD_OPTION, "%s: 'grid' has more than %d combinations; try fewer",
                           where, MOST_POINTS);
    }
    cJSON *all = mn_or_die(cJSON_CreateArray());
    cJSON_AddItemToArray(all, mn_or_die(cJSON_CreateObject()));
    cJSON_ArrayForEach(values, grid)
    {
        all = with_values(all, values);
    }
    *points = all;
    return MN_OK;
}

char *mn_grid_name(const char *arm, const cJSON *point)
{
    char *name = mn_text("%s", arm);
    const cJSON *setting;
    cJSON_ArrayForEach(setting, point)
    {
        char *value; /* that there is one was checked with the grid */
        if (mn_option_text(setting, "grid", setting->string, &value) != MN_OK)
            continue;
        char *longer = mn_text("%s-%s=%s", name, setting->string, value);
        mn_memory_give(value);
        mn_memory_give(name);
        name = longer;
    }
    for (char *at = name + strlen(arm); *at != '\0'; at++)
        if (*at == '/' || *at == ',') /* a folder is one, and --arms lists names */
            *at = '-';
    return name;
}
