/* print.c -- text for people.  Widths are counted in characters of UTF-8, not in bytes. */
#include "cli/print.h"
#include "base/escape.h"
#include "base/options.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ENTRY_INDENT = 26, WIDEST_TEXT = 100, LEAST_WIDTH = 40 };

bool mn_is_terminal(FILE *stream)
{
    const char *kind = getenv("TERM");
    return isatty(fileno(stream)) == 1 && (kind == NULL || strcmp(kind, "dumb") != 0);
}

bool mn_has_colour(FILE *stream)
{
    const char *refused = getenv("NO_COLOR");
    return mn_is_terminal(stream) && (refused == NULL || refused[0] == '\0');
}

int mn_terminal_width(FILE *stream)
{
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col >= LEAST_WIDTH)
        return size.ws_col;
    return 80;
}

const char *mn_plus_minus(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "±" : "+-";
}

/* Prints words from column `at` on, breaking to column `indent`. */
static void wrap(const char *text, int at, int indent)
{
    int width = mn_terminal_width(stdout);
    if (width > WIDEST_TEXT)
        width = WIDEST_TEXT;
    bool first = true;
    text = mn_shown(text);
    while (*text != '\0') {
        const int length = (int)strcspn(text, " ");
        if (!first && at + 1 + length > width) {
            printf("\n%*s", indent, "");
            at = indent;
            first = true;
        }
        at += printf("%s%.*s", first ? "" : " ", length, text);
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

void mn_print_entry(const char *left, const char *right)
{
    int at = printf("  %s  ", mn_shown(left));
    if (at > ENTRY_INDENT) {
        putchar('\n');
        at = 0;
    }
    printf("%*s", ENTRY_INDENT - at, "");
    wrap(right, ENTRY_INDENT, ENTRY_INDENT);
}

void mn_print_wrapped(const char *text, int indent)
{
    printf("%*s", indent, "");
    wrap(text, indent, indent);
}

/* "1 to 1024", "at least 0", "" where anything goes: shorter than in an error message. */
static const char *short_range(const mn_option *option, char *text, size_t bytes)
{
    const double huge = 1e9; /* nobody needs to read an upper bound beyond it */
    text[0] = '\0';
    if (option->type == MN_OPTION_CHOICE)
        return mn_option_range(option, text, bytes);
    if (option->type != MN_OPTION_INT && option->type != MN_OPTION_REAL)
        return text;
    if (option->most < huge)
        snprintf(text, bytes, "%.15g to %.15g", option->least, option->most);
    else if (option->least > -huge)
        snprintf(text, bytes, "at least %.15g", option->least);
    return text;
}

const char *mn_option_sentence(const mn_option *option, char *text, size_t bytes)
{
    char range[512], standard[128];
    short_range(option, range, sizeof range);
    mn_option_default(option, standard, sizeof standard);
    if (standard[0] == '\0')
        snprintf(text, bytes, "%s", option->help);
    else
        snprintf(text, bytes, "%s (%s%sdefault %s)", option->help, range,
                 range[0] != '\0' ? "; " : "", standard);
    return text;
}

const char *mn_duration(double seconds, char *text, size_t bytes)
{
    const long whole = (long)(seconds + 0.5);
    if (seconds < 0.9995)
        snprintf(text, bytes, "%.0f ms", seconds * 1000);
    else if (seconds < 59.95)
        snprintf(text, bytes, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(text, bytes, "%ld min %02ld s", whole / 60, whole % 60);
    else
        snprintf(text, bytes, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
    return text;
}

const char *mn_bytes(double bytes, char *text, size_t size)
{
    static const char *const units[] = {"KB", "MB", "GB", "TB"};
    if (bytes < 1024) {
        snprintf(text, size, "%.0f bytes", bytes);
        return text;
    }
    size_t unit = 0;
    for (bytes /= 1024; bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        bytes /= 1024;
    snprintf(text, size, "%.1f %s", bytes, units[unit]);
    return text;
}
