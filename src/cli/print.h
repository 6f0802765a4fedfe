/* print.h -- text for people: wrapped entries, and what a terminal can show. */
#ifndef MN_CLI_PRINT_H
#define MN_CLI_PRINT_H

#include <mneme/option.h>
#include <stdio.h>

/* "  left      right, wrapped to the width of the terminal". */
void mn_print_entry(const char *left, const char *right);
/* Wrapped text, every line indented. */
void mn_print_wrapped(const char *text, int indent);
/* Help, range and default of an option in one sentence. */
const char *mn_option_sentence(const mn_option *option, char *text, size_t bytes);

/* Columns of the terminal behind `stream`; 80 where there is none. */
int mn_terminal_width(FILE *stream);
/* A terminal that understands escape sequences. */
bool mn_is_terminal(FILE *stream);
/* Like mn_is_terminal, and NO_COLOR is not set. */
bool mn_has_colour(FILE *stream);
/* "±" where the locale can show it, "+-" elsewhere. */
const char *mn_plus_minus(void);
/* "850 ms", "12.3 s", "4 min 05 s", "3 h 20 min". */
const char *mn_duration(double seconds, char *text, size_t bytes);
/* "512 bytes", "3.1 KB", "2.0 MB" (powers of 1024). */
const char *mn_bytes(double bytes, char *text, size_t size);

#endif
