/* plot_text.c -- curves in the terminal.
 *
 * A character of braille is 2 x 4 dots, so that 60 columns resolve 120 steps.  A character has one
 * colour: the last line's that passes it.  Without colours a letter stands where a line ends, and
 * before its name, which is enough to tell lines apart. */
#include "cli/show/plot_text.h"
#include "base/escape.h"
#include "cli/complain.h"
#include "cli/print.h"
#include "cli/show/plot_name.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS = 14,
    AXIS = 7,
    BESIDE = 16,
    LEAST_COLUMNS = 30,
    MOST_COLUMNS = 100,
    SHOWN_TASKS = 8,
    LETTERS = 26
};
/* Of the 256 of terminals: near Okabe and Ito's. */
static const int colours[] = {32, 166, 36, 175, 214, 74, 250, 136};
enum { COLOURS = sizeof colours / sizeof colours[0] };

typedef struct canvas {
    int columns;
    double low, high, last; /* the axes: accuracy, and tasks from 0 or 1 */
    double first;
    uint8_t *dots; /* (ROWS, columns) */
    char *end;     /* (ROWS, columns) a letter, or 0 */
    int *line;     /* (ROWS, columns) which line's colour */
    bool coloured;
} canvas;

bool mn_plot_in_braille(void)
{
    return strcmp(mn_plus_minus(), "±") == 0;
}

static void canvas_clear(canvas *c)
{
    const size_t cells = (size_t)(ROWS * c->columns);
    memset(c->dots, 0, cells);
    memset(c->end, 0, cells);
    memset(c->line, 0, cells * sizeof *c->line);
}

static int across(const canvas *c, double when)
{
    const double part = c->last > c->first ? (when - c->first) / (c->last - c->first) : 0.5;
    return (int)lround(part * (2 * c->columns - 1));
}

static int down(const canvas *c, double value)
{
    const double part = (c->high - value) / (c->high - c->low);
    return (int)lround(fmin(fmax(part, -10), 10) * (4 * ROWS - 1)); /* what is far off is off */
}

static void dot(canvas *c, int x, int y, int line)
{
    static const uint8_t bits[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    if (x < 0 || x >= 2 * c->columns || y < 0 || y >= 4 * ROWS)
        return;
    const int cell = y / 4 * c->columns + x / 2;
    c->dots[cell] |= bits[y % 4][x % 2];
    c->line[cell] = line;
}

/* A straight line between two points; a joint run's, a bound, is dotted. */
static void segment(canvas *c, const mn_mean_point *from, const mn_mean_point *to, int line,
                    bool dotted)
{
    const int x = across(c, from->when), y = down(c, from->mean);
    const int wide = across(c, to->when) - x, high = down(c, to->mean) - y;
    const int steps = abs(wide) > abs(high) ? abs(wide) : abs(high);
    for (int i = 0; i <= steps; i++)
        if (!dotted || i % 4 == 0)
            dot(c, x + (steps > 0 ? wide * i / steps : 0), y + (steps > 0 ? high * i / steps : 0),
                line);
}

static void curve(canvas *c, const mn_mean_point *points, int64_t count, int line, bool dotted)
{
    for (int64_t i = 0; i < count; i++)
        segment(c, &points[i > 0 ? i - 1 : 0], &points[i], line, dotted);
    if (count == 0)
        return;
    const int row = down(c, points[count - 1].mean) / 4;
    int column = across(c, points[count - 1].when) / 2;
    if (row < 0 || row >= ROWS || column < 0 || column >= c->columns)
        return;
    while (column > 0 && c->end[row * c->columns + column] != 0) /* another line ends there */
        column--;
    c->end[row * c->columns + column] = (char)('a' + line % LETTERS);
    c->line[row * c->columns + column] = line;
}

static void begin_colour(const canvas *c, int line)
{
    if (c->coloured)
        printf("\033[38;5;%dm", colours[line % COLOURS]);
}

static void end_colour(const canvas *c)
{
    if (c->coloured)
        printf("\033[0m");
}

static void print_cell(const canvas *c, int cell)
{
    const unsigned dots = c->dots[cell];
    if (dots == 0 && c->end[cell] == 0) {
        putchar(' ');
        return;
    }
    begin_colour(c, c->line[cell]);
    if (c->end[cell] != 0)
        putchar(c->end[cell]);
    else /* U+2800 and on, in UTF-8 */
        printf("\xe2%c%c", (int)(0xa0 | dots >> 6), (int)(0x80 | (dots & 63)));
    end_colour(c);
}

static void canvas_print(const canvas *c)
{
    for (int row = 0; row < ROWS; row++) {
        const bool named = row == 0 || row == ROWS - 1 || row == ROWS / 2;
        const double value =
            c->high - (c->high - c->low) * (row == ROWS - 1 ? 1 : (double)row / (double)ROWS);
        if (named)
            printf("%5.4g ┤", value);
        else
            printf("%5s │", "");
        for (int column = 0; column < c->columns; column++)
            print_cell(c, row * c->columns + column);
        putchar('\n');
    }
    printf("%5s └", "");
    for (int column = 0; column < c->columns; column++)
        printf("─");
    printf("\n%5s  %-*.4g%.4g tasks learned\n", "", c->columns - 4, c->first, c->last);
}

static void print_name(const canvas *c, int line, const char *name)
{
    printf("%5s ", "");
    begin_colour(c, line);
    printf("%c ", 'a' + line % LETTERS);
    end_colour(c);
    printf("%s\n", mn_shown(name));
}

static mn_status print_averages(const mn_runs *runs, const mn_text_style *style, canvas *c)
{
    canvas_clear(c);
    for (int group = 0; group < runs->group_count; group++) {
        mn_mean_point *points;
        int64_t count;
        MN_TRY(mn_group_averages(runs, group, style->scope, &points, &count));
        curve(c, points, count, group, strcmp(runs->group[group].run->strategy, "joint") == 0);
        mn_memory_give(points);
    }
    if (style->titled)
        printf("average %s accuracy over the tasks seen, in per cent\n",
               mn_scope_name(style->scope));
    canvas_print(c);
    for (int group = 0; group < runs->group_count; group++) {
        char *name = mn_plot_name(runs, group);
        print_name(c, group, name);
        mn_memory_give(name);
    }
    return MN_OK;
}

/* Which of the tasks is the i-th of those shown: the first, the last, and some between. */
static int64_t shown_task(int64_t tasks, int64_t shown, int64_t i)
{
    return shown > 1 ? i * (tasks - 1) / (shown - 1) : 0;
}

/* Which letter is which task, in as many lines as the width asks for. */
static void print_task_letters(const canvas *c, int64_t tasks, int64_t shown)
{
    enum { NAME = 16 }; /* of "a on task 1024  " */
    const int64_t in_line = (c->columns + BESIDE) / NAME;
    for (int64_t i = 0; i < shown; i++) {
        if (i % in_line == 0)
            printf("%s%5s ", i > 0 ? "\n" : "", "");
        begin_colour(c, (int)i);
        printf("%c", (int)('a' + i));
        end_colour(c);
        printf(" on task %-*lld", NAME - 10, (long long)shown_task(tasks, shown, i) + 1);
    }
    putchar('\n');
}

static mn_status print_tasks(const mn_runs *runs, const mn_text_style *style, int group, canvas *c)
{
    const int64_t tasks = runs->group[group].run->tasks;
    const int64_t shown = tasks < SHOWN_TASKS ? tasks : SHOWN_TASKS;
    canvas_clear(c);
    char *name = mn_plot_name(runs, group);
    printf("\n%s: %s accuracy on each task%s\n", mn_shown(name), mn_scope_name(style->scope),
           shown < tasks ? ", of some" : "");
    mn_memory_give(name);
    for (int64_t i = 0; i < shown; i++) {
        mn_mean_point *points;
        int64_t count;
        MN_TRY(mn_group_curve(runs, group, style->scope, shown_task(tasks, shown, i), &points,
                              &count));
        curve(c, points, count, (int)i, false);
        mn_memory_give(points);
    }
    canvas_print(c);
    print_task_letters(c, tasks, shown);
    return MN_OK;
}

/* Of one task there are only evaluations inside it, after part of it. */
static double first_of(const mn_runs *runs)
{
    for (int group = 0; group < runs->group_count; group++)
        if (runs->group[group].run->tasks > 1)
            return 1;
    return 0;
}

static double longest(const mn_runs *runs)
{
    double tasks = 1;
    for (int group = 0; group < runs->group_count; group++)
        tasks = fmax(tasks, (double)runs->group[group].run->tasks);
    return tasks;
}

mn_status mn_plot_text(const mn_runs *runs, const mn_text_style *style)
{
    const int room = mn_terminal_width(stdout) - AXIS - BESIDE;
    canvas c = {.columns = room < LEAST_COLUMNS  ? LEAST_COLUMNS
                           : room > MOST_COLUMNS ? MOST_COLUMNS
                                                 : room,
                .low = style->low,
                .high = style->high,
                .first = first_of(runs),
                .last = longest(runs),
                .coloured = mn_has_colour(stdout)};
    const size_t cells = (size_t)(ROWS * c.columns);
    c.dots = mn_or_die(mn_memory_take(cells, 1));
    c.end = mn_or_die(mn_memory_take(cells, 1));
    c.line = mn_or_die(mn_memory_take(cells, sizeof *c.line));
    mn_status status = print_averages(runs, style, &c);
    for (int group = 0; group < runs->group_count && status == MN_OK; group++)
        status = print_tasks(runs, style, group, &c);
    mn_memory_give(c.dots);
    mn_memory_give(c.end);
    mn_memory_give(c.line);
    return status;
}
