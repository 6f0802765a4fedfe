/* complain.c -- complaints on standard error, the exit codes that go with them, and memory that
 * runs out. */
#include "cli/complain.h"
#include "base/escape.h"
#include "base/text.h"
#include "cli/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LONGEST_LINE = 4096 };

void mn_complain(const char *format, ...)
{
    const bool colour = mn_has_colour(stderr);
    char text[LONGEST_LINE], line[LONGEST_LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s%s\n",
            colour ? "\033[1;31mmneme:\033[0m " : "mneme: ", mn_visible(text, line, sizeof line));
}

static const char *message_of(mn_status status)
{
    return mn_error()[0] != '\0' ? mn_error() : mn_status_text(status);
}

int mn_exit_of_work(mn_status status)
{
    if (status == MN_OK)
        return MN_EXIT_DONE;
    mn_complain("%s", message_of(status));
    return status == MN_INTERRUPTED  ? MN_EXIT_INTERRUPTED
           : status == MN_BAD_OPTION ? MN_EXIT_USAGE
                                     : MN_EXIT_FAILED;
}

int mn_exit_of_request(mn_status status)
{
    const int code = mn_exit_of_work(status);
    const bool mistaken = status == MN_NOT_FOUND || status == MN_UNSUPPORTED ||
                          status == MN_BAD_VALUE || status == MN_WRONG_VERSION;
    return mistaken ? MN_EXIT_USAGE : code;
}

void mn_ok_or_die(mn_status status)
{
    if (status != MN_OK)
        exit(mn_exit_of_work(status));
}

void *mn_or_die(void *memory)
{
    if (memory == NULL) {
        mn_complain("out of memory");
        exit(MN_EXIT_FAILED);
    }
    return memory;
}

char *mn_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = mn_text_format_list(format, arguments);
    va_end(arguments);
    return mn_or_die(text);
}
