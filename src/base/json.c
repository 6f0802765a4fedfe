/* json.c -- a thin reader over cJSON whose errors carry the path of what is wrong. */
#include "base/json.h"
#include "base/file.h"
#include "base/names.h"

#include <math.h>
#include <mneme/memory.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void position_of(const char *text, const char *end, int *line, int *column)
{
    *line = 1;
    *column = 1;
    for (; text < end && *text != '\0'; text++) {
        (*column)++;
        if (*text == '\n') {
            (*line)++;
            *column = 1;
        }
    }
}

/* cJSON does not say whether a text is no JSON or memory ran out; who gives it memory knows. */
static _Thread_local bool ran_out;

static void *take_memory(size_t bytes)
{
    void *memory = mn_memory_take(bytes, 1);
    if (memory == NULL)
        ran_out = true;
    return memory;
}

static void give_memory_to_parser(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = take_memory, .free_fn = mn_memory_give});
}

/* --- keys given twice --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Which of two equal keys counts is for nobody to guess. */
static mn_status check_own_keys(const cJSON *object, const char *where, const char **keys)
{
    const cJSON *member;
    size_t count = 0;
    cJSON_ArrayForEach(member, object) keys[count++] = member->string;
    if (count > 1)
        qsort(keys, count, sizeof *keys, by_text);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return mn_fail(MN_BAD_OPTION, "%s: the key '%.100s' is given twice; keep one", where,
                           keys[i]);
    return MN_OK;
}

/* Of objects within as well; cJSON has seen to it that they are not too deep. */
static mn_status check_keys(const cJSON *json, const char *where)
{
    const cJSON *member;
    if (cJSON_IsObject(json) && json->child != NULL) {
        const char **keys = mn_memory_take((size_t)cJSON_GetArraySize(json), sizeof *keys);
        if (keys == NULL)
            return mn_fail(MN_NO_MEMORY, "%s: out of memory while reading", where);
        const mn_status status = check_own_keys(json, where, keys);
        mn_memory_give(keys);
        MN_TRY(status);
    }
    cJSON_ArrayForEach(member, json) MN_TRY(check_keys(member, where));
    return MN_OK;
}

/* --- parsing --- */

static mn_status parse(const char *text, const char *where, cJSON **json)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *end = text;
    pthread_once(&once, give_memory_to_parser);
    ran_out = false;
    *json = cJSON_ParseWithOpts(text, &end, 1);
    if (*json != NULL)
        return MN_OK;
    if (ran_out)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory while reading", where);
    int line, column;
    position_of(text, end, &line, &column);
    return mn_fail(MN_BAD_OPTION, "%s: not JSON at line %d, column %d", where, line, column);
}

mn_status mn_json_parse(const char *text, const char *where, cJSON **json)
{
    MN_TRY(parse(text, where, json));
    const mn_status status = check_keys(*json, where);
    if (status != MN_OK) {
        cJSON_Delete(*json);
        *json = NULL;
    }
    return status;
}

mn_status mn_json_read(const char *path, cJSON **json)
{
    char *text;
    MN_TRY(mn_file_read(path, &text, NULL));
    const mn_status status = mn_json_parse(text, path, json);
    mn_memory_give(text);
    return status;
}

mn_status mn_json_real(const cJSON *object, const char *where, const char *name, double least,
                       double most, double *value)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    if (member == NULL)
        return MN_OK;
    if (!cJSON_IsNumber(member))
        return mn_fail(MN_BAD_OPTION, "%s.%s: expected a number", where, name);
    if (!isfinite(member->valuedouble) ||
        !(member->valuedouble >= least && member->valuedouble <= most))
        return mn_fail(MN_BAD_OPTION, "%s.%s: %g is not in the range %g to %g", where, name,
                       member->valuedouble, least, most);
    *value = member->valuedouble;
    return MN_OK;
}

mn_status mn_json_int(const cJSON *object, const char *where, const char *name, int64_t least,
                      int64_t most, int64_t *value)
{
    double real = (double)*value;
    MN_TRY(mn_json_real(object, where, name, (double)least, (double)most, &real));
    if (real != floor(real))
        return mn_fail(MN_BAD_OPTION, "%s.%s: %g is not a whole number", where, name, real);
    *value = (int64_t)real;
    return MN_OK;
}

mn_status mn_json_text(const cJSON *object, const char *where, const char *name, const char **value)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    if (member == NULL)
        return MN_OK;
    if (!cJSON_IsString(member))
        return mn_fail(MN_BAD_OPTION, "%s.%s: expected a text in quotes", where, name);
    *value = member->valuestring;
    return MN_OK;
}

static bool listed(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

mn_status mn_json_known(const cJSON *object, const char *where, const char *const *known)
{
    const cJSON *member;
    if (!cJSON_IsObject(object))
        return mn_fail(MN_BAD_OPTION, "%s: expected an object { ... }", where);
    cJSON_ArrayForEach(member, object)
    {
        if (listed(member->string, known))
            continue;
        const char *nearest = mn_nearest(member->string, known);
        return nearest != NULL
                   ? mn_fail(MN_BAD_OPTION, "%s.%s: no such key; did you mean '%s'?", where,
                             member->string, nearest)
                   : mn_fail(MN_BAD_OPTION, "%s.%s: no such key", where, member->string);
    }
    return MN_OK;
}
