/* escape.h -- text of unknown origin in the language of an output.
 *
 * Names of benchmarks, classes, strategies and files come from files and flags, and may hold any
 * byte.  Every output writes them through the function of its language, so that text stays text: it
 * moves no cursor, runs no command and computes no formula. */
#ifndef MN_BASE_ESCAPE_H
#define MN_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* For terminals, messages, tables and labels.  Control characters, and marks that turn the
 * direction of writing, become visible ("\n", "\x1b", "\u202e"), as do bytes that are no UTF-8
 * ("\xff"); all other characters stay.  Text that is visible already stays as it is. */

/* In `out`, which it returns: as much as fits, in whole characters, ended by a zero. */
const char *mn_visible(const char *text, char *out, size_t bytes);
/* The text itself where it needs no change; else a copy that lives as long as the process. */
const char *mn_shown(const char *text);

/* A string of gnuplot's, with its quotes.  All but letters and spaces is written as the
 * number of a byte, so that nothing of the text means anything to gnuplot.  (Single quotes do not
 * do: of a text that begins with a quote gnuplot 5.4 takes the rest for a command.)  `svg`: for
 * that terminal, which passes on what looks like a reference to a character. */
void mn_write_gnuplot(FILE *out, const char *text, bool svg);
/* A field of CSV, quoted where RFC 4180 wants it.  Line ends and tabs stay, all else is visible.
 * Text that a spreadsheet would compute (it begins with = + - @, a tab or a line end, and is
 * neither a number nor a sign alone) gets an apostrophe in front. */
void mn_write_csv(FILE *out, const char *text);
/* Text within a line of Markdown, a table's cell among them: all punctuation that may mean
 * something is escaped. */
void mn_write_markdown(FILE *out, const char *text);
/* Text of LaTeX, outside of mathematics: what is a command, a comment or a column there is written
 * as the command that prints it. */
void mn_write_latex(FILE *out, const char *text);
/* A JSON document as cJSON prints it, which leaves some characters in strings as they are: those
 * become JSON's \u escapes, and a byte that is no UTF-8 the text "\xff". */
void mn_write_json(FILE *out, const char *json);

#endif
