/* status.c -- the one line that explains the last failure, kept per thread. */
#define MN_DEFINES_FAIL
#include "base/status.h"
#include "base/escape.h"

#include <mneme/status.h>
#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_BYTES = 1024 };

static _Thread_local char message[MESSAGE_BYTES];

const char *mn_status_text(mn_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        MN_STATUS_MAP(X)
#undef X
    };
    size_t i = (size_t)status;
    return i < sizeof texts / sizeof texts[0] ? texts[i] : "unknown status";
}

mn_status mn_fail(mn_status status, const char *format, ...)
{
    char text[MESSAGE_BYTES]; /* the arguments may include mn_error() itself */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mn_visible(text, message, sizeof message); /* one line, whatever found its way into it */
    return status;
}

mn_status mn_fail_in(mn_status status, const char *format, ...)
{
    char prefix[MESSAGE_BYTES / 4];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    return mn_fail(status, "%s: %s", prefix, message);
}

void mn_error_forget(void)
{
    message[0] = '\0';
}

const char *mn_error(void)
{
    return message;
}
