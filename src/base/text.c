/* text.c -- what strdup(), strndup() and asprintf() do, in mneme's memory. */
#include "base/text.h"
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

char *mn_text_copy_of(const char *text, size_t most)
{
    const size_t length = strnlen(text, most);
    char *copy = mn_memory_take(length + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *mn_text_copy(const char *text)
{
    return mn_text_copy_of(text, strlen(text));
}

char *mn_text_format_list(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = length < 0 ? NULL : mn_memory_take((size_t)length + 1, 1);
    if (text != NULL)
        (void)vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

char *mn_text_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = mn_text_format_list(format, arguments);
    va_end(arguments);
    return text;
}
