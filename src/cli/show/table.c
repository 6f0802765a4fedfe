/* table.c -- aligned tables.
 *
 * A cell remembers whether it was added as a number, so that alignment follows from the contents
 * and no caller states it. */
#include "cli/show/table.h"
#include "base/escape.h"
#include "base/text.h"
#include "cli/complain.h"
#include "cli/print.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

typedef struct cell {
    char *text;
    bool number;
} cell;

struct mn_table {
    int columns;
    int count, room;
    cell *cells; /* (count), row after row */
};

mn_table *mn_table_new(int columns)
{
    mn_table *table = mn_or_die(mn_memory_take_zeroed(1, sizeof *table));
    table->columns = columns;
    return table;
}

void mn_table_free(mn_table *table)
{
    if (table == NULL)
        return;
    for (int i = 0; i < table->count; i++)
        mn_memory_give(table->cells[i].text);
    mn_memory_give(table->cells);
    mn_memory_give(table);
}

static void add(mn_table *table, char *text, bool number)
{
    if (table->count == table->room) {
        table->room = 2 * table->room + 16;
        table->cells = mn_or_die(mn_memory_resize(table->cells, (size_t)table->room, sizeof(cell)));
    }
    table->cells[table->count++] = (cell){text, number};
}

void mn_table_text(mn_table *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = mn_text_format_list(format, arguments);
    va_end(arguments);
    add(table, mn_text("%s", mn_shown(mn_or_die(text))), false);
    mn_memory_give(text);
}

void mn_table_number(mn_table *table, double value, int decimals)
{
    add(table, isnan(value) ? mn_text("-") : mn_text("%.*f", decimals, value), true);
}

void mn_table_mean(mn_table *table, double mean, double deviation)
{
    if (isnan(mean))
        add(table, mn_text("-"), true);
    else if (isnan(deviation))
        add(table, mn_text("%.2f", mean), true);
    else
        add(table, mn_text("%.2f %s %.2f", mean, mn_plus_minus(), deviation), true);
}

/* Characters, not bytes: continuation bytes of UTF-8 are not counted. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0u) != 0x80u;
    return width;
}

static void measure(const mn_table *table, int column, int *width, bool *right)
{
    *width = 0;
    *right = table->count > table->columns; /* a heading alone is text */
    for (int i = column; i < table->count; i += table->columns) {
        const int needed = width_of(table->cells[i].text);
        if (needed > *width)
            *width = needed;
        if (i >= table->columns && !table->cells[i].number)
            *right = false;
    }
}

void mn_table_print(const mn_table *table, FILE *stream)
{
    int *widths = mn_or_die(mn_memory_take_zeroed((size_t)table->columns, sizeof *widths));
    bool *right = mn_or_die(mn_memory_take_zeroed((size_t)table->columns, sizeof *right));
    for (int column = 0; column < table->columns; column++)
        measure(table, column, &widths[column], &right[column]);
    for (int i = 0; i < table->count; i++) {
        const int column = i % table->columns;
        const char *text = table->cells[i].text;
        const int padding = widths[column] - width_of(text);
        const bool last = column + 1 == table->columns || i + 1 == table->count;
        if (right[column])
            fprintf(stream, "%*s%s", padding, "", text);
        else
            fprintf(stream, "%s%*s", text, last ? 0 : padding, "");
        fputs(last ? "\n" : "  ", stream);
    }
    mn_memory_give(widths);
    mn_memory_give(right);
}
