/* plot.c -- forgetting curves: a script for gnuplot with the numbers in it.
 *
 * One wide panel compares the groups by their average accuracy after each task; below it, each
 * group has a panel with one line a task, so that ten tasks of five strategies stay readable.
 * Colours of groups are Okabe and Ito's, of tasks a part of viridis: both can be told apart by
 * colour-blind people.  Each group has a mark and a dash of its own too, for those who print in
 * black, and so that more groups than colours stay apart; joint training, a bound, is dotted and
 * has none.
 *
 * Everything is placed in units of 1/120 inch, of which a screen's figure is 1200 wide.  Where the
 * paper's width is given, or a name is too long to stand beside, legends stand below the panels. */
#include "cli/show/plot.h"
#include "base/escape.h"
#include "base/folder.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/print.h"
#include "cli/show/gnuplot.h"
#include "cli/show/plot_data.h"
#include "cli/show/plot_name.h"
#include "cli/show/plot_text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SCREEN = 1200,
    LEGEND_LINE = 22,
    TASK_LEGEND = 70,
    NARROW = 500, /* a width with room for two small panels side by side */
    LEGEND_LEAST = 150,
    LEGEND_MOST = 480,
    WIDE_TICS = 20, /* the most of them in a panel */
    NARROW_TICS = 10,
    MOST_LEGEND = 10, /* tasks; beyond it a scale of colours is easier to read */
    TEXT_ROWS = 22,
};

static const char *const group_colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                            "#E69F00", "#56B4E9", "#000000", "#B8860B"};
enum { GROUP_COLOURS = sizeof group_colours / sizeof group_colours[0] };
/* gnuplot's numbers.  There are as many marks as no number of colours or dashes divides. */
static const int group_marks[] = {7, 5, 9, 11, 13, 15, 6, 4, 8, 10, 12};
enum { GROUP_MARKS = sizeof group_marks / sizeof group_marks[0] };
static const char *const group_dashes[] = {"solid", "'--'", "'-.'", "'-..'", "'_-'"};
enum { GROUP_DASHES = sizeof group_dashes / sizeof group_dashes[0] };

typedef struct drawing {
    const mn_runs *runs;
    mn_scope scope;
    const mn_plot_style *style;
    FILE *script;
    bool text;       /* in the terminal */
    bool svg, below; /* below: legends */
    int width, top, row, left, gap,
        line;          /* units; top, row: heights of the first panel and others */
    int legend, tail;  /* heights of the legends below; 0: they stand beside */
    int columns, rows; /* of small panels */
    int right;         /* pixels: where panels end and legends begin */
    int64_t tasks;     /* of the longest stream */
    bool inside;       /* there are evaluations inside the first task */
} drawing;

mn_scope mn_plot_scope(const mn_runs *runs)
{
    return mn_runs_have(runs, MN_CLASS_IL)    ? MN_CLASS_IL
           : mn_runs_have(runs, MN_DOMAIN_IL) ? MN_DOMAIN_IL
                                              : MN_TASK_IL;
}

/* --- numbers --- */

/* tasks learned, mean, mean - deviation, mean + deviation */
static mn_status write_averages(const drawing *d, int group)
{
    mn_mean_point *points;
    int64_t count;
    MN_TRY(mn_group_averages(d->runs, group, d->scope, &points, &count));
    fprintf(d->script, "$average%d << END\n", group);
    for (int64_t i = 0; i < count; i++) {
        const mn_mean_point *p = &points[i];
        const double around = isnan(p->deviation) ? 0 : p->deviation;
        fprintf(d->script, "%g %.4f %.4f %.4f\n", p->when, p->mean, p->mean - around,
                p->mean + around);
    }
    fprintf(d->script, "END\n");
    mn_memory_give(points);
    return MN_OK;
}

/* A block a task, two empty lines apart: tasks learned, mean accuracy, task, mean less and more the
 * deviation. */
static mn_status write_curves(drawing *d, int group)
{
    fprintf(d->script, "$curves%d << END\n", group);
    for (int64_t on = 0; on < d->runs->group[group].run->tasks; on++) {
        mn_mean_point *points;
        int64_t count;
        MN_TRY(mn_group_curve(d->runs, group, d->scope, on, &points, &count));
        for (int64_t i = 0; i < count; i++) {
            d->inside = d->inside || points[i].when < 1;
            const double around = isnan(points[i].deviation) ? 0 : points[i].deviation;
            fprintf(d->script, "%g %.4f %lld %.4f %.4f\n", points[i].when, points[i].mean,
                    (long long)on + 1, points[i].mean - around, points[i].mean + around);
        }
        fprintf(d->script, "\n\n");
        mn_memory_give(points);
    }
    fprintf(d->script, "END\n");
    return MN_OK;
}

/* --- script --- */

static void write_name(const drawing *d, int group)
{
    char *name = mn_plot_name(d->runs, group);
    mn_write_gnuplot(d->script, name, d->svg);
    mn_memory_give(name);
}

/* The room that the longest name needs in a legend. */
static int longest_name(const mn_runs *runs)
{
    const double character = 8.6; /* units, about */
    int wanted = LEGEND_LEAST;
    for (int group = 0; group < runs->group_count; group++) {
        char *name = mn_plot_name(runs, group);
        const int needed = 80 + (int)(character * (double)strlen(name));
        if (needed > wanted)
            wanted = needed;
        mn_memory_give(name);
    }
    return wanted;
}

/* Where everything stands. */
static void lay_out(drawing *d)
{
    const double units = 120 / 25.4; /* of a millimetre */
    const double millimetres = d->style->millimetres;
    const int wanted = longest_name(d->runs), groups = (int)d->runs->group_count;
    const bool screen = millimetres == 0;
    d->width = screen ? SCREEN : (int)lround(millimetres * units);
    d->below = !screen || wanted > LEGEND_MOST;
    d->top = screen ? 430 : 300;
    d->row = screen ? 330 : 220;
    d->left = screen ? 90 : 62;
    d->gap = screen ? 50 : 30;
    d->line = screen ? LEGEND_LINE : 17;
    const int most = d->width < NARROW ? 2 : 3;
    d->columns = groups < most ? groups : most;
    d->rows = (groups + d->columns - 1) / d->columns;
    d->right = d->below ? d->width - 20 : d->width - wanted;
    d->legend = d->below ? (groups + 1) * d->line + 10 : 0;
    d->tail = d->below ? TASK_LEGEND : 0;
}

static int height_of(const drawing *d)
{
    return d->top + d->legend + d->row * d->rows + d->tail;
}

/* What is drawn goes to standard output: no path stands in the script. */
static void write_terminal(const drawing *d, const char *path)
{
    const double dots = 300, per_inch = 120, css = 96;
    const int height = height_of(d);
    const bool screen = d->style->millimetres == 0;
    if (d->text) {
        const bool colour = mn_has_colour(stdout);
        fprintf(d->script, "set terminal dumb noenhanced size %d,%d %s\n",
                mn_terminal_width(stdout), TEXT_ROWS, colour ? "ansi" : "mono");
    } else if (d->svg) {
        const double scale = screen ? 1 : css / per_inch;
        fprintf(d->script,
                "set terminal svg noenhanced size %.0f,%.0f font 'Helvetica,%s' "
                "background 'white'\n",
                d->width * scale, height * scale, screen ? "15" : "10.7");
    } else if (mn_path_ends_in(path, ".png")) {
        const double scale = screen ? 1 : dots / per_inch;
        fprintf(d->script, "set terminal pngcairo noenhanced size %.0f,%.0f font 'Sans,%s'%s\n",
                d->width * scale, height * scale, screen ? "12" : "8",
                screen ? "" : " fontscale 3.125 linewidth 1.8 pointscale 1.8");
    } else {
        fprintf(d->script, "set terminal pdfcairo noenhanced size %.2f,%.2f font 'Sans,%s'%s\n",
                d->width / per_inch, height / per_inch, screen ? "9" : "8",
                screen ? "" : " fontscale 0.75 linewidth 0.7 pointscale 0.6");
    }
}

/* Tasks are whole; as many of them are named as there is room for. */
static void write_tics(const drawing *d, int64_t most)
{
    const int64_t every = d->tasks <= most        ? 1
                          : d->tasks <= 2 * most  ? 2
                          : d->tasks <= 5 * most  ? 5
                          : d->tasks <= 20 * most ? 20
                                                  : 100;
    fprintf(d->script, "set xtics %lld,%lld\n", (long long)every, (long long)every);
}

static void write_axes(const drawing *d)
{
    FILE *script = d->script;
    const bool whole = d->style->low == d->style->high; /* nobody asked for a part */
    fprintf(script, "set encoding utf8\nset yrange [%g:%g]\nset xrange [%.1f:%.1f]\n",
            whole ? 0 : d->style->low, whole ? 100 : d->style->high, d->inside ? 0 : 0.8,
            (double)d->tasks + 0.2);
    write_tics(d, WIDE_TICS);
    if (d->text) {
        fprintf(script, "set key outside right\n");
        return;
    }
    fprintf(script,
            "set border 3 lc rgb '#444444'\nset tics nomirror out scale 0.6\n"
            "set grid ytics lc rgb '#dddddd' lt 1 lw 1\n"
            "set palette defined (0 '#440154', 1 '#414487', 2 '#2a788e', 3 '#22a884', "
            "4 '#7ad151')\n"
            "set cbrange [1:%lld]\nunset colorbox\nset multiplot\n",
            (long long)(d->tasks > 1 ? d->tasks : 2));
}

/* Margins of a panel in parts of the whole drawing, from units; y counts from the top. */
static void write_place(const drawing *d, int left, int right, int top, int bottom)
{
    const double height = height_of(d), width = d->width;
    fprintf(d->script,
            "set lmargin at screen %.4f\nset rmargin at screen %.4f\n"
            "set tmargin at screen %.4f\nset bmargin at screen %.4f\n",
            left / width, right / width, 1 - top / height, 1 - bottom / height);
}

/* Beside the panel that is drawn next, or below, from `top` on. */
static void write_key(const drawing *d, int top)
{
    if (d->text)
        fprintf(d->script, "set key outside right\n");
    else if (d->below)
        fprintf(d->script,
                "set key at screen %.4f,screen %.4f left top Left reverse maxrows %d "
                "samplen 3 spacing 1\n",
                (d->left - 20) / (double)d->width, 1 - top / (double)height_of(d),
                top < d->top + d->legend ? (int)d->runs->group_count + 1 : 3);
    else
        fprintf(d->script, "set key at screen %.4f,graph 1 left top Left reverse spacing 1.2\n",
                (d->right + 20) / (double)d->width);
}

/* The mean of a group in the panel that compares them. */
static void write_line(const drawing *d, int group, const char *colour)
{
    fprintf(d->script, "$average%d using 1:2 ", group);
    if (d->text)
        fprintf(d->script, "with linespoints pt %d title ", group + 1);
    else if (strcmp(d->runs->group[group].run->strategy, "joint") == 0)
        fprintf(d->script, "with lines lc rgb '#555555' lw 2 dashtype '.' title ");
    else
        fprintf(d->script, "with linespoints lc rgb '%s' lw 2 dashtype %s pt %d ps 0.9 title ",
                colour, group_dashes[group % GROUP_DASHES], group_marks[group % GROUP_MARKS]);
}

static void write_average_panel(const drawing *d)
{
    FILE *script = d->script;
    bool banded = false;
    if (!d->text)
        write_place(d, d->left, d->right, d->style->untitled ? 15 : 40, d->top - 60);
    const char *benchmark = mn_plot_several_benchmarks(d->runs) ? "several benchmarks"
                                                                : d->runs->group[0].run->benchmark;
    char *title = d->text || d->width < NARROW
                      ? mn_text("average %s accuracy so far", mn_scope_name(d->scope))
                      : mn_text("%s: average %s accuracy over the tasks seen", benchmark,
                                mn_scope_name(d->scope));
    fprintf(script, "set title ");
    mn_write_gnuplot(script, d->style->untitled ? "" : title, d->svg);
    mn_memory_give(title);
    fprintf(script, "\nset xlabel 'tasks learned'\nset ylabel 'accuracy (%%)' offset 1\n");
    write_key(d, d->top);
    fprintf(script, "plot ");
    for (int group = 0; group < d->runs->group_count; group++) {
        const char *colour = group_colours[group % GROUP_COLOURS];
        if (!d->text && d->runs->group[group].members > 1)
            fprintf(script,
                    "$average%d using 1:3:4 with filledcurves fc rgb '%s' fs transparent solid "
                    "0.15 noborder notitle, ",
                    group, colour);
        write_line(d, group, colour);
        write_name(d, group);
        banded = banded || d->runs->group[group].members > 1;
        fprintf(script, "%s", group + 1 < d->runs->group_count ? ", \\\n  " : "");
    }
    if (banded && !d->text)
        fprintf(script, ", \\\n  keyentry with filledcurves fc rgb '#888888' fs solid 0.3 noborder "
                        "title 'band: mean ± 1 sample sd'");
    fprintf(script, "\n");
}

/* The tasks' colours, beside the first row of small panels or below the last: a legend, or a scale
 * when there are too many of them. */
static void write_task_legend(const drawing *d, int group)
{
    const double height = height_of(d), width = d->width;
    const int top = d->top + d->legend;
    fprintf(d->script, "unset colorbox\nunset key\n");
    if (d->text || (group == 0 && d->tasks <= MOST_LEGEND))
        write_key(d, d->below ? top + d->row * d->rows : top);
    else if (group == 0 && d->below)
        fprintf(d->script,
                "set colorbox horizontal user origin screen %.4f,%.4f size screen %.4f,%.4f\n"
                "set cblabel 'accuracy on task'\nset cbtics %d\n",
                d->left / width, 45 / height, (d->right - d->left) / width, 12 / height,
                d->tasks > 50 ? 20 : 5);
    else if (group == 0)
        fprintf(d->script,
                "set colorbox user origin screen %.4f,%.4f size screen 0.012,%.4f\n"
                "set cblabel 'accuracy on task' offset 1\nset cbtics %d\n",
                (d->right + 25) / width, 1 - (top + d->row - 70) / height, (d->row - 115) / height,
                d->tasks > 50 ? 20 : 5);
}

/* A task's colour of the palette above. */
static unsigned colour_of(const drawing *d, int64_t on)
{
    static const unsigned stops[] = {0x440154, 0x414487, 0x2a788e, 0x22a884, 0x7ad151};
    const double at = d->tasks > 1 ? 4 * (double)on / (double)(d->tasks - 1) : 0;
    const int from = at >= 4 ? 3 : (int)at;
    unsigned colour = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        const double a = stops[from] >> shift & 255, b = stops[from + 1] >> shift & 255;
        colour |= (unsigned)lround(a + (b - a) * (at - from)) << shift;
    }
    return colour;
}

static void write_curve(const drawing *d, int group, int64_t on)
{
    const int64_t tasks = d->runs->group[group].run->tasks;
    if (!d->text && d->runs->group[group].members > 1)
        fprintf(d->script,
                "$curves%d index %lld using 1:4:5 with filledcurves fc rgb '#%06x' fs transparent "
                "solid 0.12 noborder notitle, \\\n  ",
                group, (long long)on, colour_of(d, on));
    fprintf(d->script, "$curves%d index %lld using 1:2", group, (long long)on);
    if (d->text)
        fprintf(d->script, " with linespoints pt %lld", (long long)on + 1);
    else
        fprintf(d->script, ":3 with linespoints lc palette lw 2 pt 7 ps %s",
                d->tasks > NARROW_TICS ? "0.3" : "0.6");
    fprintf(d->script, " title 'on task %lld'%s", (long long)on + 1,
            on + 1 < tasks ? ", \\\n  " : "\n");
}

static void write_curve_panel(const drawing *d, int group)
{
    FILE *script = d->script;
    const int column = group % d->columns, row = group / d->columns;
    const int width = (d->right - d->left - d->gap * (d->columns - 1)) / d->columns;
    const int left = d->left + (width + d->gap) * column;
    const int top = d->top + d->legend + d->row * row;
    if (!d->text)
        write_place(d, left, left + width, top + 45, top + d->row - 70);
    fprintf(script, "set title ");
    write_name(d, group);
    fprintf(script, "\nset xlabel 'tasks learned'\n");
    fprintf(script, "%s\n",
            d->text || column == 0 ? "set ylabel 'accuracy (%)' offset 1" : "unset ylabel");
    write_task_legend(d, group);
    write_tics(d, d->style->millimetres > 0 ? NARROW_TICS / 2 : NARROW_TICS);
    fprintf(script, "plot ");
    for (int64_t on = 0; on < d->runs->group[group].run->tasks; on++)
        write_curve(d, group, on);
}

static mn_status write_script(drawing *d, const char *path)
{
    write_terminal(d, path);
    for (int group = 0; group < d->runs->group_count; group++) {
        MN_TRY(write_averages(d, group));
        MN_TRY(write_curves(d, group));
    }
    write_axes(d);
    write_average_panel(d);
    for (int group = 0; group < d->runs->group_count; group++)
        write_curve_panel(d, group);
    if (!d->text)
        fprintf(d->script, "unset multiplot\n");
    return MN_OK;
}

static mn_status check_path(const char *path)
{
    static const char *const endings[] = {".svg", ".png", ".pdf"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (mn_path_ends_in(path, endings[i]))
            return MN_OK;
    return mn_fail(MN_BAD_OPTION, "%s: the name of a figure ends in .svg, .png or .pdf", path);
}

/* Draws into a file beside `path` and moves it there; NULL: in the terminal. */
static mn_status draw_to(const char *path, const char *script, size_t bytes)
{
    if (path == NULL)
        return mn_gnuplot_run(script, bytes, STDOUT_FILENO);
    char *part = mn_text("%s.%ld.part", path, (long)getpid());
    const int out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    mn_status status = out >= 0 ? mn_gnuplot_run(script, bytes, out) : MN_IO_FAILED;
    if (out < 0 || close(out) != 0)
        status = mn_fail(MN_IO_FAILED, "%s cannot be written: %s", path, strerror(errno));
    if (status == MN_OK)
        status = mn_folder_take_name(part, path);
    if (out >= 0 && status != MN_OK)
        (void)unlink(part);
    mn_memory_give(part);
    return status;
}

mn_status mn_plot_draw(const mn_runs *runs, const mn_plot_style *style, const char *path)
{
    const mn_scope scope = style->scope;
    drawing d = {.runs = runs,
                 .scope = scope,
                 .style = style,
                 .text = path == NULL,
                 .svg = path != NULL && mn_path_ends_in(path, ".svg")};
    lay_out(&d);
    bool measured = false;
    for (int i = 0; i < runs->count; i++) {
        measured =
            measured || (runs->run[i].finished > 0 && mn_results_has(runs->run[i].results, scope));
        if (runs->run[i].tasks > d.tasks)
            d.tasks = runs->run[i].tasks;
    }
    if (path != NULL)
        MN_TRY(check_path(path));
    if (!measured)
        return mn_fail(MN_NOT_FOUND, "nothing to draw: no run has measured %s accuracy yet",
                       mn_scope_name(scope));
    if (path == NULL && mn_plot_in_braille())
        return mn_plot_text(runs,
                            &(mn_text_style){.scope = scope,
                                             .low = style->low,
                                             .high = style->low == style->high ? 100 : style->high,
                                             .titled = !style->untitled});
    char *text = NULL;
    size_t bytes = 0;
    d.script = mn_or_die(open_memstream(&text, &bytes));
    mn_status status = write_script(&d, path);
    fclose(d.script);
    if (status == MN_OK)
        status = draw_to(path, text, bytes);
    if (status == MN_OK && path != NULL)
        status = mn_plot_write_data(runs, style->scope, path);
    mn_memory_give(text); /* of open_memstream() */
    return status;
}
