/* table_columns.c -- which columns a table has, where each goes, and whether the first row names
 * them.
 */
#include "data/read/table_columns.h"
#include "base/names.h"
#include "base/numbers.h"

#include <mneme/memory.h>
#include <string.h>
#include <strings.h>

/* --- cells ------------------------------------------------------------------------------------ */

bool mn_cell_is_missing(const char *cell)
{
    static const char *const marks[] = {"",    "NA",   "N/A",  "n/a",  "#N/A", "<NA>", "NaN",
                                        "nan", "-nan", "null", "NULL", "None", "none", "?"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strcmp(cell, marks[i]) == 0)
            return true;
    return false;
}

bool mn_cell_number(const mn_table_form *form, char *cell, double *value)
{
    char *point = strchr(cell, form->point);
    if (form->point != '.' && strchr(cell, '.') != NULL)
        return false;
    if (point != NULL)
        *point = '.';
    if (mn_number_real(cell, value))
        return true;
    if (point != NULL)
        *point = form->point; /* messages show what was written */
    return false;
}

/* --- columns ---------------------------------------------------------------------------------- */

static int64_t column_named(const mn_text_table *t, const char *name, int64_t from)
{
    for (int64_t c = from; c < t->columns; c++)
        if (strcmp(t->first[c], name) == 0)
            return c;
    return -1;
}

static bool is_dropped_by_list(const mn_text_table *t, const char *drop, int64_t column)
{
    mn_list list = {.rest = drop};
    while (mn_list_next(&list)) {
        int64_t number;
        const bool counted =
            mn_number_whole(list.item, &number) && number >= 1 && number <= t->columns;
        if (counted ? number == column + 1 : strcmp(list.item, t->first[column]) == 0)
            return true;
    }
    return false;
}

/* Every item of the list must be a column. */
static mn_status check_drop(const mn_text_table *t, const char *drop)
{
    mn_list list = {.rest = drop};
    while (mn_list_next(&list)) {
        int64_t number;
        const bool counted =
            mn_number_whole(list.item, &number) && number >= 1 && number <= t->columns;
        if (!counted && column_named(t, list.item, 0) < 0)
            return mn_fail(MN_BAD_OPTION, "%s: drop: there is no column '%s'; it has %lld", t->path,
                           list.item, (long long)t->columns);
    }
    return !list.broken
               ? MN_OK
               : mn_fail(MN_BAD_OPTION, "drop: '%.60s' is not a list of columns, as id,3", drop);
}

static bool keeps_all(const char *drop)
{
    return drop[0] == '\0' || strcmp(drop, "none") == 0;
}

static mn_status no_label(const mn_text_table *t, const char *label)
{
    const char **names = mn_memory_take_zeroed((size_t)t->columns + 1, sizeof *names);
    for (int64_t c = 0; names != NULL && c < t->columns; c++)
        names[c] = t->first[c];
    const char *nearest = names != NULL ? mn_nearest(label, names) : NULL;
    const mn_status status =
        mn_fail(MN_BAD_OPTION, "%s: no column is called '%s' in its first line%s%.60s%s", t->path,
                label, nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                nearest != NULL ? "'?" : "");
    mn_memory_give(names);
    return status;
}

/* Where each column of a table goes that decides itself. */
static mn_status place_columns(const mn_table_form *form, mn_text_table *t)
{
    const bool first = strcmp(form->label, "first") == 0, last = strcmp(form->label, "last") == 0;
    int64_t label = -1;
    if (!keeps_all(form->drop))
        MN_TRY(check_drop(t, form->drop));
    for (int64_t c = 0; c < t->columns; c++) {
        t->place[c] = 0;
        if (!keeps_all(form->drop) && is_dropped_by_list(t, form->drop, c))
            t->place[c] = MN_TABLE_DROPPED;
        else if (last || (label < 0 && (first || strcmp(t->first[c], form->label) == 0)))
            label = c;
    }
    if (label < 0)
        return no_label(t, form->label);
    t->place[label] = MN_TABLE_LABEL;
    for (int64_t c = 0; c < t->columns; c++)
        if (t->place[c] == 0)
            t->place[c] = t->width++;
    t->header = !first && !last;
    if (t->header && form->header == MN_HEADER_NO)
        return mn_fail(MN_BAD_OPTION,
                       "%s: label: '%s' is a name in the first line, which header=no says is none; "
                       "say first or last",
                       t->path, form->label);
    return t->width > 0 ? MN_OK
                        : mn_fail(MN_BAD_OPTION, "%s: has no column beside the label", t->path);
}

const char *mn_text_table_name(const mn_text_table *t, int64_t value)
{
    for (int64_t c = 0; t->header && c < t->columns; c++)
        if (t->place[c] == value)
            return t->first[c];
    return "";
}

/* Whether both headers have the same names at the same places. */
static bool same_header(const mn_text_table *t, const mn_text_table *train)
{
    for (int64_t c = 0; c < t->columns; c++)
        if (t->columns != train->columns || strcmp(t->first[c], train->first[c]) != 0)
            return false;
    return true;
}

/* Whether the first row has the name of the label, or of a value, of the training table's header.
 */
bool mn_header_shares_names(const mn_text_table *t, const mn_text_table *train)
{
    double number;
    for (int64_t c = 0; train->header && c < train->columns; c++)
        if (train->place[c] != MN_TABLE_DROPPED && !mn_number_real(train->first[c], &number) &&
            train->first[c][0] != '\0' && column_named(t, train->first[c], 0) >= 0)
            return true;
    return same_header(t, train) && train->header;
}

/* Columns of another table of the same names go where the training table's went. */
static mn_status match_columns(const mn_table_form *form, const mn_text_table *train,
                               mn_text_table *t)
{
    if (same_header(t, train)) {
        memcpy(t->place, train->place, (size_t)t->columns * sizeof *t->place);
        return MN_OK;
    }
    for (int64_t c = 0; c < train->columns; c++) {
        const char *name = train->first[c];
        const int64_t found = column_named(t, name, 0);
        if (train->place[c] == MN_TABLE_DROPPED)
            continue;
        if (found < 0)
            return mn_fail(MN_BAD_SHAPE, "%s: has no column '%s', which %s has", t->path, name,
                           train->path);
        if (column_named(train, name, 0) != c || column_named(t, name, found + 1) >= 0)
            return mn_fail(MN_BAD_SHAPE,
                           "%s and %s: two columns are called '%s', and the order of columns "
                           "differs; name them apart",
                           train->path, t->path, name);
    }
    for (int64_t c = 0; c < t->columns; c++) {
        const int64_t of_train = column_named(train, t->first[c], 0);
        if (of_train < 0 && !is_dropped_by_list(t, form->drop, c))
            return mn_fail(MN_BAD_SHAPE,
                           "%s: has a column '%s', which %s has not; leave it out with drop",
                           t->path, t->first[c], train->path);
        t->place[c] = of_train >= 0 ? train->place[of_train] : MN_TABLE_DROPPED;
    }
    return MN_OK;
}

mn_status mn_columns_decide(const mn_table_form *form, const mn_text_table *train, mn_text_table *t)
{
    if (train == NULL)
        return place_columns(form, t);
    t->width = train->width;
    t->header = mn_header_shares_names(t, train);
    if (t->header)
        return match_columns(form, train, t);
    if (t->columns != train->columns)
        return mn_fail(MN_BAD_SHAPE, "%s: has %lld columns, but %s has %lld", t->path,
                       (long long)t->columns, train->path, (long long)train->columns);
    memcpy(t->place, train->place, (size_t)t->columns * sizeof *t->place);
    return MN_OK;
}

/* --- is the first row a header? --------------------------------------------------------------- */

static bool is_number(const mn_table_form *form, const char *cell)
{
    char copy[64];
    double value;
    const size_t length = strlen(cell);
    if (length >= sizeof copy)
        return false;
    return mn_cell_number(form, memcpy(copy, cell, length + 1), &value);
}

/* Of all rows but the first. */
static bool labels_are_numbers(const mn_table_form *form, const mn_text_table *t)
{
    for (int64_t i = 1; i < t->rows; i++)
        if (!is_number(form, t->labels[i]))
            return false;
    return t->rows > 1;
}

/* What the column of the label is called where the others are only counted. */
static bool is_label_word(const char *cell)
{
    static const char *const words[] = {"label", "labels", "class", "classes", "target", "y"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(cell, words[i]) == 0)
            return true;
    return false;
}

static bool is_a_label(const mn_text_table *t, const char *cell)
{
    for (int64_t i = 1; i < t->rows; i++)
        if (strcmp(t->labels[i], cell) == 0)
            return true;
    return false;
}

/* Whether the numbers in the first row count the columns of values: 0, 1, 2, ...; `all`: the column
 * of the label among them. */
static bool is_counted(const mn_text_table *t, bool all)
{
    int64_t number, next = 0;
    for (int64_t c = 0; c < t->columns; c++)
        if (t->place[c] >= 0 || (all && t->place[c] == MN_TABLE_LABEL)) {
            const bool whole = mn_number_whole(t->first[c], &number);
            if (all ? !whole || number != c : whole && number != next++)
                return false;
        }
    return true;
}

/* 1.2.3, or 1.5 among numbers with commas: names have letters. */
static bool is_broken_number(const char *cell)
{
    return cell[strspn(cell, "0123456789.,;:+-/% ")] == '\0';
}

/* The first row is a header where its values are no numbers, or where they count the columns,
 * beside a label that no other row has; and where its label alone is no number. */
mn_status mn_header_decide(const mn_table_form *form, mn_text_table *t)
{
    int64_t texts = 0, numbers = 0, text_at = 0;
    bool broken = false;
    const char *label = "";
    for (int64_t c = 0; c < t->columns; c++) {
        if (t->place[c] == MN_TABLE_LABEL)
            label = t->first[c];
        if (t->place[c] < 0 || mn_cell_is_missing(t->first[c]))
            continue;
        const bool number = is_number(form, t->first[c]);
        numbers += number;
        texts += !number;
        text_at = number || broken ? text_at : c;
        broken = broken || (!number && is_broken_number(t->first[c]));
    }
    if (form->header != MN_HEADER_AUTO)
        t->header = form->header == MN_HEADER_YES;
    if (form->header != MN_HEADER_AUTO || t->header)
        return MN_OK;
    const bool own = !is_a_label(t, label);
    if (broken || (texts > 0 && numbers > 0 && !own))
        return mn_fail(MN_CORRUPT,
                       "%s: line 1, column %lld: '%.40s' is no number among numbers; mend it, or "
                       "say with header (yes or no) whether the line names the columns",
                       t->path, (long long)text_at + 1, t->first[text_at]);
    t->header = texts > 0 ||
                (numbers > 0 && !is_number(form, label) && labels_are_numbers(form, t)) ||
                (numbers > 2 && is_counted(t, true)) ||
                ((numbers > 2 || is_label_word(label)) && own && is_counted(t, false));
    return MN_OK;
}
