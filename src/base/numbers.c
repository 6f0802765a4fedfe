/* numbers.c -- reading numbers and lists that people write.
 *
 * strtod also takes hexadecimal, infinities, NaN and what stands behind a number.  So the form is
 * checked first, and strtod only ever sees what it and we read alike. */
#include "base/numbers.h"

#include <errno.h>
#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers ---------------------------------------------------------------------------------- */

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Whether the text is a decimal number; *integer: digits alone, with a sign or without. */
static bool is_decimal(const char *text, bool *integer)
{
    text += *text == '-' || *text == '+';
    const size_t before = digits(text);
    text += before;
    *integer = *text == '\0';
    size_t after = 0;
    if (*text == '.') {
        after = digits(++text);
        text += after;
    }
    if (before + after == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        const size_t exponent = digits(text);
        if (exponent == 0)
            return false;
        text += exponent;
    }
    return *text == '\0';
}

bool mn_number_real(const char *text, double *value)
{
    bool integer;
    if (!is_decimal(text, &integer))
        return false;
    *value = strtod(text, NULL);
    return isfinite(*value);
}

bool mn_number_whole(const char *text, int64_t *value)
{
    static const double most_exact = 0x1p53;
    bool integer;
    double real;
    if (!is_decimal(text, &integer))
        return false;
    if (integer) {
        errno = 0;
        *value = strtoll(text, NULL, 10);
        return errno == 0;
    }
    if (!mn_number_real(text, &real) || real != floor(real) || fabs(real) > most_exact)
        return false;
    *value = (int64_t)real;
    return true;
}

void mn_number_text(double value, char text[MN_NUMBER_TEXT])
{
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, MN_NUMBER_TEXT, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            return;
    }
}

/* --- lists ------------------------------------------------------------------------------------ */

static const char spaces[] = " \t";

/* The item in quotes that begins at *from, which is moved behind it. */
static bool take_quoted(const char **from, char *item, size_t bytes)
{
    const char *at = *from + 1;
    size_t used = 0;
    for (; *at != '\0' && (*at != '"' || at[1] == '"'); at++) {
        at += *at == '"';
        if (used + 1 == bytes)
            return false;
        item[used++] = *at;
    }
    item[used] = '\0';
    *from = at + 1;
    return *at == '"';
}

static bool take_plain(const char **from, char *item, size_t bytes)
{
    size_t length = strcspn(*from, ",;\"");
    const char *begin = *from;
    *from += length;
    while (length > 0 && strchr(spaces, begin[length - 1]) != NULL)
        length--;
    if (length == 0 || length >= bytes)
        return false;
    memcpy(item, begin, length);
    item[length] = '\0';
    return true;
}

/* The separator behind the last item is still at list->rest. */
bool mn_list_next(mn_list *list)
{
    const char *at = list->rest;
    if (list->broken || *at == '\0' || (!list->begun && at[strspn(at, spaces)] == '\0'))
        return false;
    if (list->begun && *at == ';') {
        list->group++;
        list->grouped = true;
        if (at[1 + strspn(at + 1, spaces)] == '\0')
            return false; /* "cat,dog;" is a list of one group */
    }
    at += list->begun;
    at += strspn(at, spaces);
    list->begun = true;
    const bool taken = *at == '"' ? take_quoted(&at, list->item, sizeof list->item)
                                  : take_plain(&at, list->item, sizeof list->item);
    if (taken)
        at += strspn(at, spaces);
    list->broken = !taken || (*at != ',' && *at != ';' && *at != '\0');
    list->rest = at;
    return !list->broken;
}

char *mn_list_quote(const char *item, char *to)
{
    const size_t length = strlen(item);
    if (length > 0 && strcspn(item, ",;\"\r\n") == length && strchr(spaces, item[0]) == NULL &&
        strchr(spaces, item[length - 1]) == NULL)
        return stpcpy(to, item);
    *to++ = '"';
    for (const char *c = item; *c != '\0'; c++) {
        if (*c == '"')
            *to++ = '"';
        *to++ = *c;
    }
    return stpcpy(to, "\"");
}

char *mn_list_append(char *list, const char *item)
{
    const size_t before = list != NULL ? strlen(list) : 0;
    char *longer = mn_memory_resize(list, before + 2 * strlen(item) + 4, 1);
    if (longer == NULL)
        return NULL;
    char *end = longer + before;
    if (before > 0)
        *end++ = ',';
    *mn_list_quote(item, end) = '\0';
    return longer;
}

mn_status mn_list_wholes(const char *where, const char *text, int64_t least, int64_t most,
                         int64_t room, int64_t *numbers, int64_t *count)
{
    mn_list list = {.rest = text};
    *count = 0;
    while (mn_list_next(&list)) {
        int64_t number;
        if (*count == room)
            return mn_fail(MN_BAD_OPTION, "%s: '%.60s' lists more than %lld numbers", where, text,
                           (long long)room);
        if (!mn_number_whole(list.item, &number) || number < least || number > most)
            return mn_fail(MN_BAD_OPTION,
                           "%s[%lld]: '%.60s' is not a whole number from %lld to %lld", where,
                           (long long)*count, list.item, (long long)least, (long long)most);
        numbers[(*count)++] = number;
    }
    return !list.broken ? MN_OK
                        : mn_fail(MN_BAD_OPTION,
                                  "%s: '%.60s' is not a list of numbers with commas between, as "
                                  "2,2,1",
                                  where, text);
}
