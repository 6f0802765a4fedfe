/* text.h -- texts in memory of their own, which the caller gives back by mn_memory_give(). */
#ifndef MN_BASE_TEXT_H
#define MN_BASE_TEXT_H

#include <mneme/status.h>
#include <stdarg.h>
#include <stddef.h>

/* NULL where memory ran out, for all of these. */
char *mn_text_copy(const char *text);
char *mn_text_copy_of(const char *text, size_t most); /* its first bytes, if it has that many */
char *mn_text_format(const char *format, ...) MN_PRINTF(1, 2);
char *mn_text_format_list(const char *format, va_list arguments) MN_PRINTF(1, 0);

#endif
