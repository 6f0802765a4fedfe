/* table.c -- tables, and the one place that writes them in each language.
 *
 * A cell remembers what it was made of, so that alignment, CSV's columns and JSON's numbers follow
 * from the contents and no caller states them. */
#include "cli/show/table.h"
#include "base/escape.h"
#include "base/names.h"
#include "base/text.h"
#include "cli/complain.h"
#include "cli/json.h"
#include "cli/print.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

typedef enum cell_kind { TEXT, NUMBER, MEAN, RANGE } cell_kind;

typedef struct cell {
    cell_kind kind;
    char *text;      /* of TEXT, as it was given */
    double value[2]; /* the number; mean and deviation; low and high.  NaN: there is none */
    int decimals;
    bool sign;
} cell;

struct mn_table {
    char *title; /* NULL: none */
    int columns;
    int count, room;
    cell *cells; /* (count), row after row */
};

/* --- where tables go --- */

static const char *const forms[] = {
    [MN_FORM_TABLE] = "table", [MN_FORM_MARKDOWN] = "markdown", [MN_FORM_LATEX] = "latex",
    [MN_FORM_CSV] = "csv",     [MN_FORM_JSON] = "json",         NULL};

mn_status mn_writer_read(const mn_arguments *arguments, mn_writer *writer)
{
    const char *name = mn_arguments_value(arguments, "format");
    const bool json = mn_arguments_has(arguments, "json");
    *writer = (mn_writer){.form = json ? MN_FORM_JSON : MN_FORM_TABLE, .stream = stdout};
    if (name == NULL)
        return MN_OK;
    if (json && strcmp(name, "json") != 0)
        return mn_fail(MN_BAD_OPTION, "--json and --format %s ask for two forms; give one of them",
                       name);
    for (mn_form form = MN_FORM_TABLE; forms[form] != NULL; form++)
        if (strcmp(forms[form], name) == 0) {
            writer->form = form;
            return MN_OK;
        }
    const char *nearest = mn_nearest(name, forms);
    return mn_fail(MN_BAD_OPTION, "--format: '%s' is not table, markdown, latex, csv or json%s%s%s",
                   name, nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                   nearest != NULL ? "'?" : "");
}

void mn_say(const mn_writer *writer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (writer->form == MN_FORM_TABLE)
        vfprintf(writer->stream, format, arguments);
    va_end(arguments);
}

/* --- what is in them --- */

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
    mn_memory_give(table->title);
    mn_memory_give(table);
}

static void add(mn_table *table, cell c)
{
    if (table->count == table->room) {
        table->room = 2 * table->room + 16;
        table->cells = mn_or_die(mn_memory_resize(table->cells, (size_t)table->room, sizeof c));
    }
    table->cells[table->count++] = c;
}

void mn_table_title(mn_table *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    mn_memory_give(table->title);
    table->title = mn_or_die(mn_text_format_list(format, arguments));
    va_end(arguments);
}

void mn_table_text(mn_table *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(table, (cell){.text = mn_or_die(mn_text_format_list(format, arguments))});
    va_end(arguments);
}

void mn_table_number(mn_table *table, double value, int decimals)
{
    add(table, (cell){.kind = NUMBER, .value = {value, (double)NAN}, .decimals = decimals});
}

void mn_table_none(mn_table *table)
{
    mn_table_number(table, (double)NAN, 0);
}

void mn_table_mean(mn_table *table, double mean, double deviation, int decimals)
{
    add(table, (cell){.kind = MEAN, .value = {mean, deviation}, .decimals = decimals});
}

void mn_table_range(mn_table *table, double low, double high, bool sign, int decimals)
{
    add(table, (cell){.kind = RANGE, .value = {low, high}, .decimals = decimals, .sign = sign});
}

/* --- for people --- */

static char *number_text(double value, int decimals, bool sign)
{
    return sign ? mn_text("%+.*f", decimals, value) : mn_text("%.*f", decimals, value);
}

/* Two numbers with a word between them; one where the second is missing.  For the caller to free.
 */
static char *pair_text(const cell *c, const char *between)
{
    char *first = number_text(c->value[0], c->decimals, c->sign);
    if (isnan(c->value[1]))
        return first;
    char *second = number_text(c->value[1], c->decimals, c->sign);
    char *both = mn_text("%s%s%s", first, between, second);
    mn_memory_give(first);
    mn_memory_give(second);
    return both;
}

/* What a person reads; for the caller to free. */
static char *cell_text(const cell *c)
{
    if (c->kind == TEXT)
        return mn_text("%s", mn_shown(c->text));
    if (isnan(c->value[0]))
        return mn_text("-");
    if (c->kind == NUMBER)
        return number_text(c->value[0], c->decimals, false);
    char between[16];
    snprintf(between, sizeof between, " %s ", c->kind == RANGE ? "to" : mn_plus_minus());
    return pair_text(c, between);
}

/* Characters, not bytes: continuation bytes of UTF-8 are not counted. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0u) != 0x80u;
    return width;
}

static bool is_heading(const mn_table *table, int i)
{
    return i < table->columns;
}

/* A heading alone is text. */
static bool is_of_numbers(const mn_table *table, int column)
{
    for (int i = column + table->columns; i < table->count; i += table->columns)
        if (table->cells[i].kind == TEXT)
            return false;
    return table->count > table->columns;
}

static bool ends_row(const mn_table *table, int i)
{
    return (i + 1) % table->columns == 0 || i + 1 == table->count;
}

static void write_aligned(const mn_table *table, FILE *stream)
{
    const size_t room = (size_t)table->count + 1, columns = (size_t)table->columns;
    char **texts = mn_or_die(mn_memory_take_zeroed(room, sizeof *texts));
    int *widths = mn_or_die(mn_memory_take_zeroed(columns, sizeof *widths));
    bool *numbers = mn_or_die(mn_memory_take_zeroed(columns, sizeof *numbers));
    for (int column = 0; column < table->columns; column++)
        numbers[column] = is_of_numbers(table, column);
    for (int i = 0; i < table->count; i++) {
        texts[i] = cell_text(&table->cells[i]);
        const int width = width_of(texts[i]);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (int i = 0; i < table->count; i++) {
        const int column = i % table->columns;
        const int padding = widths[column] - width_of(texts[i]);
        const bool last = ends_row(table, i);
        if (numbers[column])
            fprintf(stream, "%*s%s", padding, "", texts[i]);
        else
            fprintf(stream, "%s%*s", texts[i], last ? 0 : padding, "");
        fputs(last ? "\n" : "  ", stream);
        mn_memory_give(texts[i]);
    }
    mn_memory_give(texts);
    mn_memory_give(widths);
    mn_memory_give(numbers);
}

/* --- for papers --- */

static void write_markdown(const mn_table *table, FILE *stream)
{
    for (int i = 0; i < table->count; i++) {
        char *text = cell_text(&table->cells[i]);
        fputs(i % table->columns == 0 ? "| " : " | ", stream);
        if (table->cells[i].kind == TEXT)
            mn_write_markdown(stream, text);
        else
            fputs(text, stream);
        mn_memory_give(text);
        if (ends_row(table, i))
            fputs(" |\n", stream);
        if (i + 1 == table->columns)
            for (int column = 0; column < table->columns; column++)
                fprintf(stream, "|%s%s", is_of_numbers(table, column) ? "---:" : ":---",
                        column + 1 == table->columns ? "|\n" : "");
    }
}

static void write_latex_cell(const cell *c, FILE *stream)
{
    if (c->kind == TEXT) {
        mn_write_latex(stream, c->text);
        return;
    }
    if (isnan(c->value[0])) {
        fputs("--", stream);
        return;
    }
    char *text = pair_text(c, c->kind == RANGE ? "$ to $" : " \\pm ");
    fprintf(stream, "$%s$", text);
    mn_memory_give(text);
}

static void write_latex(const mn_table *table, FILE *stream)
{
    fputs("\\begin{tabular}{", stream);
    for (int column = 0; column < table->columns; column++)
        putc(is_of_numbers(table, column) ? 'r' : 'l', stream);
    fputs("}\n\\toprule\n", stream);
    for (int i = 0; i < table->count; i++) {
        fputs(i % table->columns == 0 ? "" : " & ", stream);
        write_latex_cell(&table->cells[i], stream);
        fputs(ends_row(table, i) ? " \\\\\n" : "", stream);
        fputs(i + 1 == table->columns ? "\\midrule\n" : "", stream);
    }
    fputs("\\bottomrule\n\\end{tabular}\n", stream);
}

/* --- for programs --- */

/* What the numbers of a column are, where they are more than one. */
static cell_kind pairs_of(const mn_table *table, int column)
{
    for (int i = column + table->columns; i < table->count; i += table->columns)
        if (table->cells[i].kind == MEAN || table->cells[i].kind == RANGE)
            return table->cells[i].kind;
    return TEXT;
}

static void write_csv_number(double value, FILE *stream)
{
    if (!isnan(value))
        fprintf(stream, "%.10g", value);
}

static void write_csv_heading(const cell *c, cell_kind pairs, FILE *stream)
{
    const char *const before = pairs == RANGE ? " low" : "";
    char *name = mn_text("%s%s", c->text, before);
    mn_write_csv(stream, name);
    mn_memory_give(name);
    if (pairs == TEXT)
        return;
    name = mn_text("%s%s", c->text, pairs == RANGE ? " high" : " std");
    putc(',', stream);
    mn_write_csv(stream, name);
    mn_memory_give(name);
}

static void write_csv(const mn_table *table, FILE *stream)
{
    const size_t columns = (size_t)table->columns;
    cell_kind *pairs_in = mn_or_die(mn_memory_take_zeroed(columns, sizeof *pairs_in));
    for (int column = 0; column < table->columns; column++)
        pairs_in[column] = pairs_of(table, column);
    for (int i = 0; i < table->count; i++) {
        const cell *c = &table->cells[i];
        const int column = i % table->columns;
        const cell_kind pairs = pairs_in[column];
        if (column == 0 && table->title != NULL) {
            mn_write_csv(stream, is_heading(table, i) ? "table" : table->title);
            putc(',', stream);
        }
        if (is_heading(table, i))
            write_csv_heading(c, pairs, stream);
        else if (c->kind == TEXT)
            mn_write_csv(stream, c->text);
        else
            write_csv_number(c->value[0], stream);
        if (!is_heading(table, i) && pairs != TEXT) {
            putc(',', stream);
            write_csv_number(c->kind == TEXT ? (double)NAN : c->value[1], stream);
        }
        putc(ends_row(table, i) ? '\n' : ',', stream);
    }
    mn_memory_give(pairs_in);
}

static cJSON *cell_json(const cell *c)
{
    if (c->kind == TEXT)
        return cJSON_CreateString(c->text);
    if (c->kind == NUMBER || isnan(c->value[0]))
        return mn_json_number(c->value[0]);
    cJSON *pair = mn_json_object();
    cJSON_AddItemToObject(pair, c->kind == MEAN ? "mean" : "low", mn_json_number(c->value[0]));
    cJSON_AddItemToObject(pair, c->kind == MEAN ? "deviation" : "high",
                          mn_json_number(c->value[1]));
    return pair;
}

static void write_json(const mn_table *table)
{
    cJSON *rows = mn_json_array(), *row = NULL;
    for (int i = table->columns; i < table->count; i++) {
        if (i % table->columns == 0)
            cJSON_AddItemToArray(rows, row = mn_json_object());
        cJSON_AddItemToObject(row, table->cells[i % table->columns].text,
                              cell_json(&table->cells[i]));
    }
    mn_json_print(rows);
    cJSON_Delete(rows);
}

static void write_title(const mn_table *table, const mn_writer *writer)
{
    if (table->title == NULL)
        return;
    if (writer->form == MN_FORM_MARKDOWN) {
        fputs("**", writer->stream);
        mn_write_markdown(writer->stream, table->title);
        fputs("**\n\n", writer->stream);
    } else if (writer->form == MN_FORM_LATEX || writer->form == MN_FORM_TABLE) {
        fprintf(writer->stream, "%s%s\n", writer->form == MN_FORM_LATEX ? "% " : "",
                mn_shown(table->title));
    }
}

void mn_table_print(const mn_table *table, mn_writer *writer)
{
    if (writer->tables++ > 0 && writer->form != MN_FORM_TABLE)
        putc('\n', writer->stream);
    write_title(table, writer);
    switch (writer->form) {
    case MN_FORM_TABLE: write_aligned(table, writer->stream); break;
    case MN_FORM_MARKDOWN: write_markdown(table, writer->stream); break;
    case MN_FORM_LATEX: write_latex(table, writer->stream); break;
    case MN_FORM_CSV: write_csv(table, writer->stream); break;
    case MN_FORM_JSON: write_json(table); break;
    }
}
