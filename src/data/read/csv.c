/* csv.c -- a user's own data as a table of text: pixels or features in columns, and a label.
 *
 * The whole file is taken into memory and cut up in place: commas and line ends become zero bytes,
 * so that a field is a C string and no copy is made. */
#include "base/text.h"
#include "data/read/file.h"
#include "data/read/reader.h"
#include "data/read/split.h"
#include "data/read/values.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 1 << 20 };
static const size_t MOST_BYTES = (size_t)1 << 36;

typedef struct csv_options {
    const char *path, *train, *test, *label;
    int64_t channels, height, width;
    double white;
    MN_SPLIT_MEMBERS;
} csv_options;

static const mn_option options_table[] = {
    MN_TEXT(csv_options, path, "", "the file, or the folder of the files below"),
    MN_TEXT(csv_options, train, "train.csv", "file of the training rows"),
    MN_TEXT(csv_options, test, "test.csv",
            "file of the test rows; where it is not there, test_fraction applies"),
    MN_TEXT(csv_options, label, "last", "the column of the label: first, last, or its name"),
    MN_INT(csv_options, channels, 1, 1, 4, "of an image; its columns are channel by channel"),
    MN_INT(csv_options, height, 0, 0, 4096, "of an image; 0: the columns are features"),
    MN_INT(csv_options, width, 0, 0, 4096, "of an image"),
    MN_REAL(csv_options, white, 255, 1e-9, 1e9, "the value of a white pixel; black is 0"),
    MN_SPLIT_OPTIONS(csv_options),
    MN_END,
};

typedef struct table {
    char *text;
    const char *path;
    int64_t columns, rows, label; /* label: its column */
    bool header;
    float *values;      /* (rows, columns - 1) */
    const char **names; /* (rows) labels as they are written, inside text */
} table;

static void table_free(table *t)
{
    mn_memory_give(t->text);
    mn_memory_give(t->values);
    mn_memory_give(t->names);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* The end of the line at `line`, which is cut there; *next is the line after it. */
static void cut_line(char *line, char **next)
{
    char *end = strchr(line, '\n');
    *next = end != NULL ? end + 1 : line + strlen(line);
    if (end == NULL)
        end = *next;
    if (end > line && end[-1] == '\r')
        end--;
    *end = '\0';
}

/* Cuts the next field off, without spaces and quotes around it; NULL after the last. */
static char *next_field(char **rest)
{
    char *field = strsep(rest, ",");
    if (field == NULL)
        return NULL;
    field += strspn(field, " \t");
    size_t length = strlen(field);
    while (length > 0 && strchr(" \t", field[length - 1]) != NULL)
        field[--length] = '\0';
    if (length >= 2 && field[0] == '"' && field[length - 1] == '"') {
        field[length - 1] = '\0';
        field++;
    }
    return field;
}

static bool is_number(const char *field, float *value)
{
    char *end;
    *value = strtof(field, &end);
    return end != field && *end == '\0';
}

/* The layout read from the first line: how many columns, which holds the label, and whether it is a
 * header, which is so when something beside the label is no number.  `line` is a copy. */
static mn_status read_first(const csv_options *o, table *t, char *line)
{
    const bool first = strcmp(o->label, "first") == 0, last = strcmp(o->label, "last") == 0;
    float value;
    int64_t named = -1, texts = 0;
    bool text = false, first_is_text = false; /* text: of the last column, in the end */
    for (char *field; (field = next_field(&line)) != NULL; t->columns++) {
        if (t->columns == MOST_COLUMNS)
            return mn_fail(MN_UNSUPPORTED, "%s: has more than %d columns", t->path, MOST_COLUMNS);
        if (!first && !last && strcmp(field, o->label) == 0)
            named = t->columns;
        text = !is_number(field, &value);
        texts += text;
        first_is_text = t->columns == 0 ? text : first_is_text;
    }
    if (t->columns < 2)
        return mn_fail(MN_BAD_OPTION,
                       "%s: its first line has no commas; expected values and a label with commas "
                       "between",
                       t->path);
    if (named < 0 && !first && !last)
        return mn_fail(MN_BAD_OPTION, "%s: no column is called '%s' in its first line", t->path,
                       o->label);
    t->label = named >= 0 ? named : first ? 0 : t->columns - 1;
    t->header = named >= 0 || texts > (first ? first_is_text : text);
    return MN_OK;
}

static mn_status read_line(table *t, char *line, long long number, int64_t row)
{
    const int64_t width = t->columns - 1;
    int64_t column = 0, place = 0;
    for (char *field; (field = next_field(&line)) != NULL; column++) {
        if (column == t->columns)
            return mn_fail(MN_CORRUPT, "%s: line %lld has more than %lld columns", t->path, number,
                           (long long)t->columns);
        if (column == t->label)
            t->names[row] = field;
        else if (!is_number(field, &t->values[row * width + place++]))
            return mn_fail(MN_CORRUPT, "%s: line %lld, column %lld: '%.40s' is no number", t->path,
                           number, (long long)column + 1, field);
    }
    if (column < t->columns)
        return mn_fail(MN_CORRUPT, "%s: line %lld has %lld columns, expected %lld", t->path, number,
                       (long long)column, (long long)t->columns);
    return t->names[row][0] != '\0'
               ? MN_OK
               : mn_fail(MN_CORRUPT, "%s: line %lld has no label", t->path, number);
}

/* --- the table -------------------------------------------------------------------------------- */

static mn_status read_rows(table *t)
{
    int64_t lines = 1;
    for (const char *c = t->text; (c = strchr(c, '\n')) != NULL; c++)
        lines++;
    int64_t values;
    if (!__builtin_mul_overflow(lines, t->columns - 1, &values) && values < INT64_MAX / 8) {
        t->values = mn_memory_take((size_t)values, sizeof *t->values);
        t->names = mn_memory_take_zeroed((size_t)lines, sizeof *t->names);
    }
    if (t->values == NULL || t->names == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for %lld lines", t->path, (long long)lines);
    char *line = t->text, *next;
    for (long long number = 1; *line != '\0'; number++, line = next) {
        cut_line(line, &next);
        if ((number == 1 && t->header) || *line == '\0')
            continue;
        MN_TRY(read_line(t, line, number, t->rows));
        t->rows++;
    }
    return t->rows > 0 ? MN_OK : mn_fail(MN_CORRUPT, "%s: holds no rows", t->path);
}

static mn_status read_text(const char *path, table *t)
{
    mn_data_file *file;
    uint8_t *bytes;
    size_t count;
    MN_TRY(mn_data_file_open(path, &file));
    const mn_status status = mn_data_file_whole(file, MOST_BYTES, &bytes, &count);
    mn_data_file_close(file);
    MN_TRY(status);
    t->text = (char *)bytes;
    if (strlen(t->text) == count)
        return MN_OK;
    return mn_fail(MN_CORRUPT, "%s: is no text: there is a zero byte in it", path);
}

static mn_status table_read(const csv_options *o, const char *path, table *t)
{
    *t = (table){.path = path};
    MN_TRY(read_text(path, t));
    const size_t length = strcspn(t->text, "\r\n");
    char *first = mn_text_copy_of(t->text, length);
    if (first == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory", path);
    const mn_status status = read_first(o, t, first);
    mn_memory_give(first);
    MN_TRY(status);
    return read_rows(t);
}

/* --- labels ----------------------------------------------------------------------------------- */

static bool is_whole(const char *text)
{
    text += *text == '-';
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 18;
}

/* Whole numbers by size, before everything else by its bytes. */
static int by_label(const void *a, const void *b)
{
    const char *one = *(const char *const *)a, *other = *(const char *const *)b;
    if (!is_whole(one) || !is_whole(other))
        return is_whole(one) != is_whole(other) ? is_whole(other) - is_whole(one)
                                                : strcmp(one, other);
    const long long first = atoll(one), second = atoll(other);
    return first != second ? (first > second) - (first < second) : strcmp(one, other);
}

static mn_status name_classes(const table *t, mn_dataset *dataset)
{
    const char **sorted = mn_memory_take((size_t)t->rows, sizeof *sorted);
    if (sorted == NULL)
        return mn_fail(MN_NO_MEMORY, "%s: out of memory for its labels", t->path);
    memcpy(sorted, t->names, (size_t)t->rows * sizeof *sorted);
    qsort(sorted, (size_t)t->rows, sizeof *sorted, by_label);
    int64_t classes = 0;
    for (int64_t i = 0; i < t->rows; i++)
        if (i == 0 || strcmp(sorted[i], sorted[classes - 1]) != 0)
            sorted[classes++] = sorted[i];
    const mn_status status =
        classes <= MN_MAX_CLASSES
            ? mn_dataset_name_classes(dataset, classes, sorted)
            : mn_fail(MN_UNSUPPORTED,
                      "%s: has %lld different labels; at most %d are supported; is label the right "
                      "column?",
                      t->path, (long long)classes, MN_MAX_CLASSES);
    mn_memory_give(sorted);
    return status;
}

static mn_status read_labels(const table *t, const mn_dataset *dataset, mn_images *images)
{
    for (int64_t i = 0; i < t->rows; i++) {
        const char *const *found =
            bsearch(&t->names[i], dataset->class_names, (size_t)dataset->classes,
                    sizeof *dataset->class_names, by_label);
        if (found == NULL)
            return mn_fail(MN_CORRUPT,
                           "%s: row %lld has the label '%.40s', which no training row has", t->path,
                           (long long)i + 1, t->names[i]);
        images->labels[i] = (int32_t)(found - dataset->class_names);
    }
    return MN_OK;
}

/* --- the data set ------------------------------------------------------------------------------
 */

static double value_at(const void *from, int64_t i)
{
    return (double)((const table *)from)->values[i];
}

static mn_status set_shape(const csv_options *o, const table *t, mn_dataset *dataset)
{
    const int64_t width = t->columns - 1;
    dataset->channels = dataset->height = 1;
    dataset->width = width;
    if (o->height == 0 && o->width == 0)
        return MN_OK;
    dataset->channels = o->channels;
    dataset->height = o->height;
    dataset->width = o->width;
    if (o->channels * o->height * o->width != width)
        return mn_fail(MN_BAD_OPTION,
                       "%s: has %lld columns beside the label; images of %lldx%lldx%lld need %lld",
                       t->path, (long long)width, (long long)o->channels, (long long)o->height,
                       (long long)o->width, (long long)(o->channels * o->height * o->width));
    return MN_OK;
}

static mn_status build(const csv_options *o, const table *train, const table *test,
                       mn_dataset *dataset)
{
    MN_TRY(set_shape(o, train, dataset));
    if (test->rows > 0 && test->columns != train->columns)
        return mn_fail(MN_BAD_SHAPE, "%s: has %lld columns, but %s has %lld", test->path,
                       (long long)test->columns, train->path, (long long)train->columns);
    MN_TRY(name_classes(train, dataset));
    const table *tables[] = {train, test};
    mn_images *parts[] = {&dataset->train, &dataset->test};
    for (int i = 0; i < 2 && tables[i]->rows > 0; i++) {
        parts[i]->count = tables[i]->rows;
        MN_TRY(mn_images_allocate(parts[i], parts[i]->count, dataset->channels, dataset->height,
                                  dataset->width));
        MN_TRY(read_labels(tables[i], dataset, parts[i]));
    }
    const mn_values of_train = {train->rows, value_at, train, train->path};
    const mn_values of_test = {test->rows, value_at, test, test->path};
    if (o->height == 0)
        MN_TRY(mn_values_measure(&of_train, &of_test, dataset));
    else {
        MN_TRY(mn_values_to_pixels(&of_train, o->white, dataset, &dataset->train));
        MN_TRY(mn_values_to_pixels(&of_test, o->white, dataset, &dataset->test));
    }
    return test->rows > 0 ? MN_OK : mn_split_test_off(dataset, o->test_fraction, o->split_seed);
}

static mn_status read_csv(const void *options, const char *folder, mn_dataset *dataset)
{
    const csv_options *o = options;
    char path[MN_DATA_PATH], file[2][MN_DATA_PATH + 256];
    MN_TRY(mn_data_find("csv.path", folder, o->path, path));
    const bool is_folder = mn_is_folder(path);
    snprintf(file[0], sizeof file[0], "%s%s%s", path, is_folder ? "/" : "",
             is_folder ? o->train : "");
    snprintf(file[1], sizeof file[1], "%s/%s", path, o->test);
    table train, test = {.rows = 0};
    mn_status status = table_read(o, file[0], &train);
    if (status == MN_OK && is_folder)
        status = table_read(o, file[1], &test);
    if (status == MN_NOT_FOUND && train.rows > 0 && strcmp(o->test, "test.csv") == 0)
        status = MN_OK; /* none was promised: a part of the training rows will do */
    if (status == MN_OK)
        status = build(o, &train, &test, dataset);
    table_free(&train);
    table_free(&test);
    return status;
}

MN_DATASET(csv) = {
    MN_DATASET_HEADER,
    .name = "csv",
    .summary = "your own table of text: pixels or features in columns, and a label",
    .options = options_table,
    .options_size = sizeof(csv_options),
    .read = read_csv,
};
