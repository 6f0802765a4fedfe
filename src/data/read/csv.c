/* csv.c -- a user's own data as a table of text: pixels or features in columns, and a label. */
#include "base/numbers.h"
#include "data/read/labels.h"
#include "data/read/reader.h"
#include "data/read/split.h"
#include "data/read/table.h"
#include "data/read/values.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct csv_options {
    const char *path, *train, *test, *label, *drop, *delimiter;
    int64_t decimal, header, missing, dtype;
    bool standardise;
    int64_t channels, height, width;
    double white;
    MN_SPLIT_MEMBERS;
} csv_options;

static const char *const decimals[] = {"point", "comma", NULL};
static const char *const headers[] = {"auto", "yes", "no", NULL};       /* as mn_table_header */
static const char *const missings[] = {"refuse", "skip", "mean", NULL}; /* as mn_table_missing */
static const mn_option options_table[] = {
    MN_TEXT(csv_options, path, "",
            "the file of the training rows, or the folder of the files below",
            MN_CHANGES_NO_RESULT),
    MN_TEXT(csv_options, train, "train.csv", "in a folder: file of the training rows"),
    MN_TEXT(csv_options, test, "test.csv",
            "file of the test rows, beside the training rows; where test.csv is not there, "
            "test_fraction applies"),
    MN_TEXT(csv_options, label, "last",
            "the column of the label: its name, or first or last of those that are not dropped"),
    MN_TEXT(
        csv_options, drop, "",
        "columns to leave out, by name or by number from 1, as id,3; none: every column is meant, "
        "also one that only counts the rows"),
    MN_TEXT(csv_options, delimiter, ",", "what stands between cells: one character, tab or space"),
    MN_CHOICE(csv_options, decimal, 0, decimals, "what stands before the fraction of a number"),
    MN_CHOICE(csv_options, header, 0, headers,
              "whether the first line names the columns; auto tells by what is in it"),
    MN_CHOICE(csv_options, missing, 0, missings,
              "rows with an empty cell, NA or NaN: refuse them, skip them, or take the mean of the "
              "column's training rows"),
    MN_ROW_TYPE(csv_options, dtype),
    MN_BOOL(csv_options, standardise, false,
            "features: each column gets mean 0 and deviation 1 over the training rows"),
    MN_INT(csv_options, channels, 1, 1, 4, "of an image; its columns are channel by channel"),
    MN_INT(csv_options, height, 0, 0, 4096, "of an image; 0: the columns are features"),
    MN_INT(csv_options, width, 0, 0, 4096, "of an image"),
    MN_REAL(
        csv_options, white, 255, 1e-9, 1e9,
        "of an image: the number that is white, where black is 0; 255 for bytes, 1 where pixels "
        "are fractions, 16 for scikit-learn's digits"),
    MN_SPLIT_OPTIONS(csv_options),
    MN_END,
};

/* --- labels ----------------------------------------------------------------------------------- */

static mn_status read_labels(const mn_text_table *t, const mn_dataset *dataset, mn_images *images)
{
    for (int64_t i = 0; i < t->rows; i++) {
        images->labels[i] = mn_label_class(dataset, t->labels[i]);
        if (images->labels[i] < 0)
            return mn_fail(MN_CORRUPT,
                           "%s: line %lld has the label '%.40s', which no training row has",
                           t->path, (long long)t->lines[i], t->labels[i]);
    }
    return MN_OK;
}

/* --- columns nobody meant --------------------------------------------------------------------- */

static bool counts_rows(const mn_text_table *t)
{
    enum { FEWEST = 10 }; /* rows from which on it is no accident */
    for (int64_t i = 0; i < t->rows; i++)
        if (t->values[i * t->width] != t->values[0] + (double)i)
            return false;
    return t->rows >= FEWEST && (t->values[0] == 0 || t->values[0] == 1);
}

/* An index, which a data frame writes before its columns, would tell classes apart by their place
 * in the file. */
static mn_status check_index(const csv_options *o, const mn_text_table *t)
{
    static const char unnamed[] = "Unnamed: ";
    if (strcmp(o->drop, "none") == 0)
        return MN_OK;
    for (int64_t c = 0; c < t->columns; c++) {
        const char *name = t->first[c];
        const bool nameless =
            t->header && (name[0] == '\0' || strncmp(name, unnamed, sizeof unnamed - 1) == 0);
        if (t->place[c] < 0 || !(nameless || (t->place[c] == 0 && counts_rows(t))))
            continue;
        return mn_fail(MN_BAD_OPTION,
                       "%s: column %lld %s, as the index of a data frame; leave it out with "
                       "drop=%lld, or keep every column with drop=none",
                       t->path, (long long)c + 1, nameless ? "has no name" : "counts the rows",
                       (long long)c + 1);
    }
    return MN_OK;
}

/* --- what is missing -------------------------------------------------------------------------- */

/* Cells that are missing, in both tables, become the mean of the column's training rows. */
static mn_status fill_missing(const mn_text_table *train, mn_text_table *t)
{
    for (int64_t v = 0; v < train->width; v++) {
        double sum = 0;
        int64_t count = 0;
        for (int64_t i = 0; i < train->rows; i++) {
            const double value = train->values[i * train->width + v];
            count += !isnan(value);
            sum += isnan(value) ? 0 : value;
        }
        for (int64_t i = 0; i < t->rows; i++) {
            double *value = &t->values[i * t->width + v];
            if (isnan(*value) && count == 0)
                return mn_fail(MN_CORRUPT, "%s: no training row has a value in column '%s'",
                               train->path, mn_text_table_name(train, v));
            if (isnan(*value))
                *value = sum / (double)count;
        }
    }
    return MN_OK;
}

static mn_status note_skipped(const mn_text_table *t, mn_dataset *dataset)
{
    return t->skipped == 0
               ? MN_OK
               : mn_dataset_note(dataset, "%s: %lld rows with missing cells are left out", t->path,
                                 (long long)t->skipped);
}

/* --- the data set ----------------------------------------------------------------------------- */

static double value_at(const void *from, int64_t i)
{
    return ((const mn_text_table *)from)->values[i];
}

static mn_status set_shape(const csv_options *o, const mn_text_table *t, mn_dataset *dataset)
{
    dataset->channels = dataset->height = 1;
    dataset->width = t->width;
    if (o->height == 0 && o->width == 0)
        return MN_OK;
    dataset->channels = o->channels;
    dataset->height = o->height;
    dataset->width = o->width;
    if (o->channels * o->height * o->width != t->width)
        return mn_fail(MN_BAD_OPTION,
                       "%s: has %lld columns beside the label; images of %lldx%lldx%lld need %lld",
                       t->path, (long long)t->width, (long long)o->channels, (long long)o->height,
                       (long long)o->width, (long long)(o->channels * o->height * o->width));
    return MN_OK;
}

static mn_status note_idle(const csv_options *o, mn_dataset *dataset)
{
    static const char why[] = "the columns are features, as there is no height and width";
    const bool features = o->height == 0;
    MN_TRY(mn_note_idle(dataset, features && o->channels != 1, "channels", why));
    return mn_note_idle(dataset, features && o->white != 255, "white", why);
}

static mn_status fill_images(const csv_options *o, const mn_text_table *train,
                             const mn_text_table *test, mn_dataset *dataset)
{
    const mn_values of_train = {train->rows, value_at, train, train->path};
    const mn_values of_test = {test->rows, value_at, test, test->path};
    if (o->height == 0 && o->width == 0)
        return mn_values_measure(&of_train, &of_test, o->standardise, dataset);
    MN_TRY(mn_values_to_pixels(&of_train, o->white, dataset, &dataset->train));
    return mn_values_to_pixels(&of_test, o->white, dataset, &dataset->test);
}

static mn_status build(const csv_options *o, mn_text_table *train, mn_text_table *test,
                       mn_dataset *dataset)
{
    MN_TRY(check_index(o, train));
    MN_TRY(set_shape(o, train, dataset));
    MN_TRY(mn_labels_name_classes(train->path, "; is label the right column?", train->labels,
                                  train->rows, dataset));
    MN_TRY(note_idle(o, dataset));
    dataset->type = (mn_row_type)o->dtype;
    MN_TRY(note_skipped(train, dataset));
    MN_TRY(note_skipped(test, dataset));
    if (o->missing == MN_MISSING_MEAN) {
        MN_TRY(fill_missing(train, test));
        MN_TRY(fill_missing(train, train));
    }
    const mn_text_table *tables[] = {train, test};
    mn_images *parts[] = {&dataset->train, &dataset->test};
    for (int i = 0; i < 2 && tables[i]->rows > 0; i++) {
        parts[i]->count = tables[i]->rows;
        MN_TRY(mn_images_allocate(parts[i], dataset->type, parts[i]->count, dataset->channels,
                                  dataset->height, dataset->width));
        MN_TRY(read_labels(tables[i], dataset, parts[i]));
    }
    MN_TRY(fill_images(o, train, test, dataset));
    return (test->rows > 0 ? mn_split_not_needed : mn_split_test_off)(dataset, o->test_fraction,
                                                                      o->split_seed);
}

static mn_status make_form(const csv_options *o, mn_table_form *form)
{
    const char *d = o->delimiter;
    *form = (mn_table_form){.label = o->label,
                            .drop = o->drop,
                            .point = o->decimal == 0 ? '.' : ',',
                            .header = (mn_table_header)o->header,
                            .missing = (mn_table_missing)o->missing};
    form->delimiter = strcmp(d, "tab") == 0 || strcmp(d, "\\t") == 0 ? '\t'
                      : strcmp(d, "space") == 0                      ? ' '
                                                                     : d[0];
    const bool one = strlen(d) == 1 || form->delimiter != d[0];
    if (!one || form->delimiter == '"' || form->delimiter == '\n' || form->delimiter == '\r')
        return mn_fail(MN_BAD_OPTION, "delimiter: '%.20s' is not one character, tab or space", d);
    if (form->delimiter == form->point)
        return mn_fail(MN_BAD_OPTION,
                       "delimiter: '%s' already stands before fractions; with "
                       "decimal=comma, cells have another between them, as ;",
                       d);
    if ((o->height == 0) != (o->width == 0))
        return mn_fail(MN_BAD_OPTION, "height and width: an image has both");
    if (o->dtype != MN_ROW_U8 && o->height > 0)
        return mn_fail(MN_BAD_OPTION, "dtype: is for features, but height and width make images of "
                                      "the columns, which are bytes; leave one of them out");
    return o->standardise && o->height > 0
               ? mn_fail(MN_BAD_OPTION, "standardise: is for features, but height and width make "
                                        "images of the columns; leave it out, and see normalise")
               : MN_OK;
}

/* Where the files are: `test` lies beside a training file that is named alone. */
static mn_status find_files(const csv_options *o, const char *folder, char *train, char *test,
                            size_t bytes)
{
    char path[MN_DATA_PATH];
    MN_TRY(mn_data_find("csv.path", folder, o->path, path));
    const bool is_folder = mn_is_folder(path);
    const char *slash = strrchr(path, '/');
    const int above = is_folder ? (int)strlen(path) : slash != NULL ? (int)(slash - path) : -1;
    if (o->test[0] == '/')
        snprintf(test, bytes, "%s", o->test);
    else
        snprintf(test, bytes, "%.*s%s%s", above < 0 ? 0 : above, path, above < 0 ? "" : "/",
                 o->test);
    snprintf(train, bytes, "%s%s%s", path, is_folder ? "/" : "", is_folder ? o->train : "");
    return MN_OK;
}

static mn_status read_tables(const csv_options *o, const char *files[2], mn_text_table *train,
                             mn_text_table *test, mn_dataset *dataset)
{
    mn_table_form form;
    MN_TRY(make_form(o, &form));
    MN_TRY(mn_text_table_read(&form, files[0], NULL, train));
    if (o->test[0] == '\0' || strcmp(files[0], files[1]) == 0)
        return MN_OK;
    const mn_status status = mn_text_table_read(&form, files[1], train, test);
    if (status != MN_NOT_FOUND || strcmp(o->test, "test.csv") != 0)
        return status; /* another file was named, and is needed */
    return mn_dataset_note(dataset, "there is no %s: %g of each class becomes the test set",
                           files[1], o->test_fraction);
}

static mn_status read_csv(const void *options, const char *folder, mn_dataset *dataset)
{
    enum { BYTES = MN_DATA_PATH + 256 };
    const csv_options *o = options;
    char of_train[BYTES], of_test[BYTES];
    MN_TRY(find_files(o, folder, of_train, of_test, BYTES));
    mn_text_table train = {.rows = 0}, test = {.rows = 0};
    const char *files[] = {of_train, of_test};
    mn_status status = read_tables(o, files, &train, &test, dataset);
    if (status == MN_OK)
        status = build(o, &train, &test, dataset);
    mn_text_table_free(&train);
    mn_text_table_free(&test);
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
