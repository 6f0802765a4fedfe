/* options.c -- one table, five uses: defaults, text, JSON in, JSON out, and what help says. */
#include "base/options.h"
#include "base/names.h"
#include "base/numbers.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *member(const mn_option *option, void *values)
{
    return (char *)values + option->offset;
}

static const void *member_const(const mn_option *option, const void *values)
{
    return (const char *)values + option->offset;
}

void mn_options_default(const mn_option *table, void *values)
{
    for (const mn_option *option = table; option != NULL && option->name != NULL; option++) {
        void *at = member(option, values);
        switch (option->type) {
        case MN_OPTION_BOOL: *(bool *)at = option->default_bool; break;
        case MN_OPTION_INT:
        case MN_OPTION_CHOICE: *(int64_t *)at = option->default_int; break;
        case MN_OPTION_REAL: *(double *)at = option->default_real; break;
        case MN_OPTION_TEXT: *(const char **)at = option->default_text; break;
        }
    }
}

size_t mn_options_bytes(const mn_option *table)
{
    size_t bytes = 8;
    for (const mn_option *option = table; option != NULL && option->name != NULL; option++)
        if (option->offset + 8 > bytes) /* no member is larger than eight bytes */
            bytes = option->offset + 8;
    return bytes;
}

const mn_option *mn_option_find(const mn_option *table, const char *name)
{
    for (const mn_option *option = table; option != NULL && option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

static void bound_text(double bound, char *text, size_t bytes)
{
    snprintf(text, bytes, fabs(bound) < 1e15 ? "%.15g" : "%g", bound);
}

const char *mn_option_range(const mn_option *option, char *text, size_t bytes)
{
    const double huge = 1e15; /* bounds beyond it are no bounds to a person */
    char least[32], most[32];
    bound_text(option->least, least, sizeof least);
    bound_text(option->most, most, sizeof most);
    const char *what = option->type == MN_OPTION_INT ? "a whole number" : "a number";
    text[0] = '\0';
    switch (option->type) {
    case MN_OPTION_BOOL: snprintf(text, bytes, "true or false"); break;
    case MN_OPTION_TEXT: snprintf(text, bytes, "text"); break;
    case MN_OPTION_INT:
    case MN_OPTION_REAL:
        if (option->most < huge)
            snprintf(text, bytes, "%s from %s to %s", what, least, most);
        else if (option->least > -huge)
            snprintf(text, bytes, "%s of at least %s", what, least);
        else
            snprintf(text, bytes, "%s", what);
        break;
    case MN_OPTION_CHOICE:
        for (const char *const *choice = option->choices; *choice != NULL; choice++) {
            const size_t used = strlen(text);
            snprintf(text + used, bytes - used, "%s%s", used > 0 ? ", " : "", *choice);
        }
        break;
    }
    return text;
}

const char *mn_option_default(const mn_option *option, char *text, size_t bytes)
{
    switch (option->type) {
    case MN_OPTION_BOOL: snprintf(text, bytes, option->default_bool ? "true" : "false"); break;
    case MN_OPTION_INT: snprintf(text, bytes, "%lld", (long long)option->default_int); break;
    case MN_OPTION_REAL: snprintf(text, bytes, "%g", option->default_real); break;
    case MN_OPTION_TEXT:
        snprintf(text, bytes, "%s", option->default_text != NULL ? option->default_text : "");
        break;
    case MN_OPTION_CHOICE: snprintf(text, bytes, "%s", option->choices[option->default_int]); break;
    }
    return text;
}

static mn_status refuse(const mn_option *option, const char *where, const char *found)
{
    char range[256];
    return mn_fail(MN_BAD_OPTION, "%s%s%s: '%s' is not %s%s", where, where[0] != '\0' ? "." : "",
                   option->name, found, option->type == MN_OPTION_CHOICE ? "one of " : "",
                   mn_option_range(option, range, sizeof range));
}

static mn_status unknown(const mn_option *table, const char *where, const char *name)
{
    const char *names[128];
    size_t n = 0;
    for (const mn_option *option = table; option != NULL && option->name != NULL; option++)
        if (n + 1 < sizeof names / sizeof names[0])
            names[n++] = option->name;
    names[n] = NULL;
    const char *nearest = mn_nearest(name, names), *dot = where[0] != '\0' ? "." : "";
    if (nearest != NULL)
        return mn_fail(MN_BAD_OPTION, "%s%s%s: no such option; did you mean '%s'?", where, dot,
                       name, nearest);
    return mn_fail(MN_BAD_OPTION, "%s%s%s: no such option%s", where, dot, name,
                   n == 0 ? " (there are none)" : "");
}

static mn_status set_number(const mn_option *option, void *at, const char *where, const char *text)
{
    double real;
    int64_t whole;
    const bool read = option->type == MN_OPTION_REAL ? mn_number_real(text, &real)
                                                     : mn_number_whole(text, &whole);
    if (read && option->type == MN_OPTION_INT)
        real = (double)whole;
    if (!read || !(real >= option->least && real <= option->most))
        return refuse(option, where, text);
    if (option->type == MN_OPTION_REAL)
        *(double *)at = real;
    else
        *(int64_t *)at = whole;
    return MN_OK;
}

static mn_status set_choice(const mn_option *option, void *at, const char *where, const char *text)
{
    for (int64_t i = 0; option->choices[i] != NULL; i++)
        if (strcmp(option->choices[i], text) == 0) {
            *(int64_t *)at = i;
            return MN_OK;
        }
    return refuse(option, where, text);
}

/* A list typed as JSON, [2, 2], is the list 2,2; what is no JSON stays as it is. */
static mn_status set_text(const mn_option *option, void *at, const char *where, const char *text)
{
    const char *kept;
    char *list = NULL;
    cJSON *json = NULL;
    if (text[0] == '[' && mn_json_parse(text, where, &json) == MN_OK)
        (void)mn_option_text(json, where, option->name, &list);
    cJSON_Delete(json);
    const mn_status status = mn_keep_text(list != NULL ? list : text, &kept);
    mn_memory_give(list);
    if (status == MN_OK)
        *(const char **)at = kept;
    return status;
}

static mn_status set_option(const mn_option *option, void *values, const char *where,
                            const char *text)
{
    void *at = member(option, values);
    switch (option->type) {
    case MN_OPTION_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return refuse(option, where, text);
        *(bool *)at = text[0] == 't';
        return MN_OK;
    case MN_OPTION_TEXT: return set_text(option, at, where, text);
    case MN_OPTION_CHOICE: return set_choice(option, at, where, text);
    case MN_OPTION_INT:
    case MN_OPTION_REAL: return set_number(option, at, where, text);
    }
    return MN_OK;
}

mn_status mn_options_set(const mn_option *table, void *values, const char *where, const char *name,
                         const char *text)
{
    const mn_option *option = mn_option_find(table, name);
    return option != NULL ? set_option(option, values, where, text) : unknown(table, where, name);
}

/* --- from JSON --- */

/* The bytes that write_value takes at most, with the zero byte. */
static size_t most_bytes(const cJSON *value)
{
    size_t bytes = MN_NUMBER_TEXT;
    if (cJSON_IsString(value))
        bytes += 2 * strlen(value->valuestring) + 3;
    const cJSON *item;
    if (cJSON_IsArray(value))
        cJSON_ArrayForEach(item, value) bytes += most_bytes(item) + 1;
    return bytes;
}

/* [100, 100] as "100,100", ["cat", "a, b"] as "cat,"a, b"", [["cat", "dog"], ["bird"]] as
 * "cat,dog;bird;".  Returns where the zero byte is, or NULL where something is no item of a list.
 */
static char *write_list(const cJSON *array, bool inner, char *to)
{
    const cJSON *item;
    bool grouped = false;
    *to = '\0';
    cJSON_ArrayForEach(item, array)
    {
        const bool group = cJSON_IsArray(item);
        if (item != array->child) {
            if (grouped != group)
                return NULL;
            if (!group)
                *to++ = ',';
        }
        grouped = group;
        if (group && !inner && item->child != NULL)
            to = write_list(item, true, to);
        else if (cJSON_IsString(item))
            to = mn_list_quote(item->valuestring, to);
        else if (cJSON_IsNumber(item)) {
            mn_number_text(item->valuedouble, to);
            to += strlen(to);
        } else
            return NULL;
        if (to == NULL)
            return NULL;
        if (group)
            to = stpcpy(to, ";");
    }
    return to;
}

static bool write_value(const cJSON *value, char *text)
{
    if (cJSON_IsArray(value))
        return write_list(value, false, text) != NULL;
    if (cJSON_IsString(value))
        strcpy(text, value->valuestring);
    else if (cJSON_IsBool(value))
        strcpy(text, cJSON_IsTrue(value) ? "true" : "false");
    else if (cJSON_IsNumber(value))
        mn_number_text(value->valuedouble, text);
    else
        return false;
    return true;
}

mn_status mn_option_text(const cJSON *value, const char *where, const char *name, char **text)
{
    *text = mn_memory_take(most_bytes(value), 1);
    if (*text == NULL)
        return mn_fail(MN_NO_MEMORY, "%s.%s: out of memory", where, name);
    if (write_value(value, *text))
        return MN_OK;
    mn_memory_give(*text);
    *text = NULL;
    return mn_fail(MN_BAD_OPTION,
                   "%s.%s: expected a number, a text, true or false, or a list of numbers or texts",
                   where, name);
}

/* A list makes a text, and nothing else; true and false make no text. */
static mn_status check_kind(const mn_option *table, const char *where, const cJSON *value)
{
    char range[256];
    const mn_option *option = mn_option_find(table, value->string);
    const bool text = option != NULL && option->type == MN_OPTION_TEXT;
    if (option == NULL || (!cJSON_IsArray(value) && !(text && cJSON_IsBool(value))))
        return MN_OK;
    if (text && cJSON_IsArray(value))
        return MN_OK;
    return mn_fail(MN_BAD_OPTION, "%s.%s: found %s, expected %s%s", where, value->string,
                   cJSON_IsArray(value) ? "a list" : "true or false",
                   option->type == MN_OPTION_CHOICE ? "one of " : "",
                   mn_option_range(option, range, sizeof range));
}

/* An object stays one where a text is wanted: a network with its options. */
static mn_status text_of(const mn_option *table, const char *where, const cJSON *value, char **text)
{
    const mn_option *option = mn_option_find(table, value->string);
    if (!cJSON_IsObject(value) || option == NULL || option->type != MN_OPTION_TEXT)
        return mn_option_text(value, where, value->string, text);
    *text = cJSON_PrintUnformatted(value);
    return *text != NULL ? MN_OK
                         : mn_fail(MN_NO_MEMORY, "%s.%s: out of memory", where, value->string);
}

mn_status mn_options_from_json(const mn_option *table, void *values, const char *where,
                               const cJSON *object)
{
    if (object != NULL && !cJSON_IsObject(object))
        return mn_fail(MN_BAD_OPTION, "%s: expected an object of options, {\"name\": value}",
                       where);
    const cJSON *value;
    cJSON_ArrayForEach(value, object)
    {
        char *text;
        MN_TRY(check_kind(table, where, value));
        MN_TRY(text_of(table, where, value, &text));
        const mn_status status = mn_options_set(table, values, where, value->string, text);
        mn_memory_give(text);
        MN_TRY(status);
    }
    return MN_OK;
}

mn_status mn_options_from_text(const mn_option *table, void *values, const char *where,
                               const char *json)
{
    if (json == NULL || json[0] == '\0')
        return MN_OK;
    cJSON *object;
    MN_TRY(mn_json_parse(json, where, &object));
    const mn_status status = mn_options_from_json(table, values, where, object);
    cJSON_Delete(object);
    return status;
}

static cJSON *add_option(cJSON *object, const mn_option *option, const void *at)
{
    const char *text;
    switch (option->type) {
    case MN_OPTION_BOOL: return cJSON_AddBoolToObject(object, option->name, *(const bool *)at);
    case MN_OPTION_INT:
        return cJSON_AddNumberToObject(object, option->name, (double)*(const int64_t *)at);
    case MN_OPTION_REAL: return cJSON_AddNumberToObject(object, option->name, *(const double *)at);
    case MN_OPTION_TEXT:
        text = *(const char *const *)at;
        return cJSON_AddStringToObject(object, option->name, text != NULL ? text : "");
    case MN_OPTION_CHOICE:
        return cJSON_AddStringToObject(object, option->name, option->choices[*(const int64_t *)at]);
    }
    return NULL;
}

cJSON *mn_options_to_json(const mn_option *table, const void *values)
{
    cJSON *object = cJSON_CreateObject();
    for (const mn_option *option = table; option != NULL && option->name != NULL; option++)
        if (add_option(object, option, member_const(option, values)) == NULL) {
            cJSON_Delete(object);
            return NULL;
        }
    return object;
}

const char *mn_options_text(char *text, size_t bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(text, bytes, format, arguments);
    va_end(arguments);
    if ((written < 0 || (size_t)written >= bytes) && bytes > 0)
        snprintf(text, bytes, "?"); /* half of it could be JSON */
    return text;
}
