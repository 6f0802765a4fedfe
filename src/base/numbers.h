/* numbers.h -- the one reader of numbers and lists as people write them: in options, in tables, on
 * the command line.  What checks a number is what reads it. */
#ifndef MN_BASE_NUMBERS_H
#define MN_BASE_NUMBERS_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decimal number up to the end of the text: a sign, digits with a point among them, an exponent.
 * No hexadecimal, no infinity, no NaN, no spaces, and nothing that a double cannot hold. */
bool mn_number_real(const char *text, double *value);
/* The same, and whole: 100, 1e2, 20.0. */
bool mn_number_whole(const char *text, int64_t *value);

enum { MN_NUMBER_TEXT = 32 };
/* The shortest text that is read as this very number: 0.1, not 0.10000000000000001. */
void mn_number_text(double value, char text[MN_NUMBER_TEXT]);

/* A list is items with commas between, "50,10,10", or groups of such with semicolons between,
 * "cat,dog;bird".  An item may stand in quotes, as in a table: "a ""b"", c".  Spaces around items
 * are no part of them.  A walk begins with {.rest = text}. */
typedef struct mn_list {
    const char *rest;
    char item[512];
    int64_t group;               /* of the item, counted from 0 */
    bool begun, broken, grouped; /* broken: the text is no list; grouped: a semicolon was seen */
} mn_list;

/* The next item; false after the last, and where the text is no list. */
bool mn_list_next(mn_list *list);
/* Writes an item as a list has it, in quotes where it needs them, into 2 * strlen(item) + 3 bytes;
 * returns where the zero byte is. */
char *mn_list_quote(const char *item, char *to);
/* A list with one more item, quoted: `list`, NULL where there is none yet, is taken over.  NULL,
 * and `list` left to the caller, where memory ran out. */
char *mn_list_append(char *list, const char *item);

/* All of a list of whole numbers from `least` to `most`, not more than `room` of them; `where`
 * ("stream.task_classes") begins the message. */
mn_status mn_list_wholes(const char *where, const char *text, int64_t least, int64_t most,
                         int64_t room, int64_t *numbers, int64_t *count);

#endif
