/* points.c -- where arms stand in their grids, as columns of a table. */
#include "cli/study/points.h"
#include "base/options.h"
#include "cli/complain.h"

#include <mneme/memory.h>
#include <string.h>

static bool has(const mn_grid_keys *keys, const char *key)
{
    for (int i = 0; i < keys->count; i++)
        if (strcmp(keys->key[i], key) == 0)
            return true;
    return false;
}

mn_grid_keys mn_grid_keys_of(const mn_manifest *manifest)
{
    mn_grid_keys keys = {.chooses = manifest->choice.wanted};
    const cJSON *setting;
    for (int i = 0; i < manifest->count; i++)
        cJSON_ArrayForEach(setting, manifest->arm[i].point)
        {
            if (has(&keys, setting->string))
                continue;
            keys.key =
                mn_or_die(mn_memory_resize(keys.key, (size_t)keys.count + 1, sizeof *keys.key));
            keys.key[keys.count++] = setting->string;
        }
    return keys;
}

void mn_grid_keys_free(mn_grid_keys *keys)
{
    mn_memory_give(keys->key);
    *keys = (mn_grid_keys){.count = 0};
}

int mn_grid_keys_columns(const mn_grid_keys *keys)
{
    return keys->count + (keys->chooses ? 2 : 0);
}

void mn_grid_keys_add_heads(const mn_grid_keys *keys, mn_table *table)
{
    for (int i = 0; i < keys->count; i++)
        mn_table_text(table, "%s", keys->key[i]);
    if (!keys->chooses)
        return;
    mn_table_text(table, "images of");
    mn_table_text(table, "chosen");
}

/* A number stays one, with the digits that it was written with. */
static void add_value(mn_table *table, const cJSON *value)
{
    char *text;
    if (value == NULL || mn_option_text(value, "grid", value->string, &text) != MN_OK) {
        mn_table_none(table);
        return;
    }
    const char *point = strchr(text, '.');
    if (cJSON_IsNumber(value) && strchr(text, 'e') == NULL)
        mn_table_number(table, value->valuedouble, point != NULL ? (int)strlen(point + 1) : 0);
    else
        mn_table_text(table, "%s", text);
    mn_memory_give(text);
}

/* Of a candidate: whether an arm settled on it; "-" while the choice is open. */
static void add_chosen(mn_table *table, const mn_manifest *manifest, int candidate)
{
    for (int i = 0; i < manifest->count; i++) {
        const mn_arm *arm = &manifest->arm[i];
        if (arm->best < 0 || candidate < arm->first || candidate >= arm->first + arm->candidates)
            continue;
        mn_table_text(table, arm->best == candidate ? "yes" : "no");
        return;
    }
    mn_table_none(table);
}

void mn_grid_keys_add_cells(const mn_grid_keys *keys, const mn_manifest *manifest,
                            const mn_arm *arm, mn_table *table)
{
    for (int i = 0; i < keys->count; i++)
        add_value(table, cJSON_GetObjectItemCaseSensitive(arm->point, keys->key[i]));
    if (!keys->chooses)
        return;
    mn_table_text(table, arm->is_candidate ? "validation" : "test");
    add_chosen(table, manifest, (int)(arm - manifest->arm));
}
