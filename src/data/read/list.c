/* list.c -- a user's own images, listed in a file: their paths and labels.
 *
 * That is how CUB, CORe50, DomainNet, miniImageNet and most benchmarks come: images lie somewhere,
 * and a text says what they are.  As in a folder (folder.c), who needs an image asks for it by
 * number. */
#include "base/text.h"
#include "data/read/file.h"
#include "data/read/labels.h"
#include "data/read/pictures.h"
#include "data/read/reader.h"
#include "data/read/split.h"
#include "data/read/table_cells.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef struct list_options {
    const char *path, *train, *test, *root, *domain;
    int64_t channels;
    MN_SPLIT_MEMBERS;
} list_options;

static const char *const colours[] = {"rgb", "grey", NULL};
static const mn_option options_table[] = {
    MN_TEXT(list_options, path, "",
            "the list: a CSV with columns path, label and, if it has both parts, split (train "
            "or test); or lines `path label`; or the folder of the two lists below",
            MN_CHANGES_NO_RESULT),
    MN_TEXT(list_options, train, "train.txt", "in a folder: the list of training images"),
    MN_TEXT(list_options, test, "test.txt",
            "in a folder: the list of test images; where test.txt is not there, test_fraction "
            "applies"),
    MN_TEXT(list_options, root, "",
            "folder that paths are relative to; empty: that of the list they stand in",
            MN_CHANGES_NO_RESULT),
    MN_TEXT(list_options, domain, "",
            "column that says of which domain an image is; empty: none does"),
    MN_CHOICE(list_options, channels, 0, colours, "in colour, or in shades of grey"),
    MN_SPLIT_OPTIONS(list_options),
    MN_END,
};

enum { MOST_BYTES = 1 << 30, MOST_CELLS = 64, LABEL_BYTES = 256 };

/* One image; all texts are owned. */
typedef struct entry {
    char *path, *label, *domain; /* domain: NULL where no column says it */
    int part;
} entry;

typedef struct listed {
    entry *entry; /* (count) training images first, in the order of the list */
    int64_t count, room, train;
} listed;

static void listed_free(void *files)
{
    listed *all = files;
    for (int64_t i = 0; i < all->count; i++) {
        mn_memory_give(all->entry[i].path);
        mn_memory_give(all->entry[i].label);
        mn_memory_give(all->entry[i].domain);
    }
    mn_memory_give(all->entry);
    mn_memory_give(all);
}

/* --- one list --------------------------------------------------------------------------------- */

/* Which cell of a row is what; -1: there is none. */
typedef struct columns {
    int64_t path, label, split, domain;
    int64_t count; /* of a row's cells */
} columns;

typedef struct reading {
    const char *file, *domain;
    char root[MN_DATA_PATH];
    int part; /* of rows that say nothing */
    mn_cells cells;
    columns at;
    listed *all;
    mn_dataset *dataset;
} reading;

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

/* Whether the first row names columns; what other columns say is not read, and the user told. */
static mn_status read_heading(reading *r, bool *heading)
{
    static const char *const paths[] = {"path", "filename", "file", "image", NULL},
                             *const labels[] = {"label", "class", NULL},
                             *const splits[] = {"split", "part", NULL};
    columns at = {-1, -1, -1, -1, r->cells.count};
    for (int64_t i = 0; i < at.count; i++) {
        if (is_one_of(r->cells.cell[i], paths))
            at.path = i;
        else if (is_one_of(r->cells.cell[i], labels))
            at.label = i;
        else if (is_one_of(r->cells.cell[i], splits))
            at.split = i;
        else if (r->domain[0] != '\0' && strcasecmp(r->cells.cell[i], r->domain) == 0)
            at.domain = i;
    }
    *heading = at.path >= 0 && at.label >= 0;
    r->at = *heading ? at : (columns){0, 1, -1, -1, 2};
    if (at.domain < 0 && r->domain[0] != '\0')
        return mn_fail(MN_BAD_OPTION, "list.domain: %s has no column '%.60s'", r->file, r->domain);
    for (int64_t i = 0; *heading && i < at.count; i++)
        if (i != at.path && i != at.label && i != at.split && i != at.domain)
            MN_TRY(mn_dataset_note(r->dataset, "%s: column '%.60s' is not read", r->file,
                                   r->cells.cell[i]));
    return MN_OK;
}

static mn_status read_part(const reading *r, const char *word, int *part)
{
    static const char *const train[] = {"train", "training", NULL}, *const test[] = {"test", NULL};
    if (is_one_of(word, train))
        *part = MN_TRAIN_PART;
    else if (is_one_of(word, test))
        *part = MN_TEST_PART;
    else
        return mn_fail(MN_BAD_OPTION, "%s: line %lld: split: '%.60s' is neither train nor test",
                       r->file, (long long)r->cells.begin, word);
    return MN_OK;
}

/* Takes over the texts. */
static mn_status add_entry(listed *all, entry added)
{
    if (all->count == all->room) {
        const int64_t room = 2 * all->room + 256;
        entry *larger = mn_memory_resize(all->entry, (size_t)room, sizeof *larger);
        if (larger != NULL) {
            all->entry = larger;
            all->room = room;
        }
    }
    if (all->count == all->room || added.path == NULL || added.label == NULL) {
        mn_memory_give(added.path);
        mn_memory_give(added.label);
        mn_memory_give(added.domain);
        return mn_fail(MN_NO_MEMORY, "out of memory for a list of images");
    }
    all->entry[all->count++] = added;
    return MN_OK;
}

static mn_status read_row(reading *r)
{
    const mn_cells *c = &r->cells;
    const long long line = c->begin;
    if (c->count != r->at.count)
        return mn_fail(MN_CORRUPT,
                       "%s: line %lld: has %lld cells, expected %lld: a path and a label; where "
                       "paths hold spaces, put commas or tabs between cells",
                       r->file, line, (long long)c->count, (long long)r->at.count);
    const char *path = c->cell[r->at.path], *label = c->cell[r->at.label];
    entry added = {.part = r->part};
    if (r->at.split >= 0)
        MN_TRY(read_part(r, c->cell[r->at.split], &added.part));
    if (label[0] == '\0' || strlen(label) >= LABEL_BYTES)
        return mn_fail(MN_CORRUPT, "%s: line %lld: its label is %s", r->file, line,
                       label[0] == '\0' ? "empty" : "too long");
    if (r->at.domain >= 0) {
        const char *domain = c->cell[r->at.domain];
        if (domain[0] == '\0' || strlen(domain) >= LABEL_BYTES)
            return mn_fail(MN_CORRUPT, "%s: line %lld: its domain is %s", r->file, line,
                           domain[0] == '\0' ? "empty" : "too long");
        added.domain = mn_text_copy(domain);
        if (added.domain == NULL)
            return mn_fail(MN_NO_MEMORY, "out of memory for a list of images");
    }
    added.path = path[0] == '/' ? mn_text_copy(path) : mn_text_format("%s/%s", r->root, path);
    added.label = mn_text_copy(label);
    MN_TRY(add_entry(r->all, added));
    return access(added.path, R_OK) == 0
               ? MN_OK
               : mn_fail(MN_NOT_FOUND,
                         "%s: line %lld: %s cannot be read; list.root says where paths "
                         "begin",
                         r->file, line, added.path);
}

/* What stands between cells: a comma, else a tab, else a space. */
static char delimiter_of(const char *text)
{
    const size_t line = strcspn(text, "\r\n");
    return memchr(text, ',', line) != NULL ? ',' : memchr(text, '\t', line) != NULL ? '\t' : ' ';
}

static mn_status read_rows(reading *r, char *text)
{
    bool more = false, first = true;
    mn_cells_begin(r->file, text, delimiter_of(text), &r->cells);
    MN_TRY(mn_cells_next(&r->cells, MOST_CELLS, &more));
    for (; more; first = false) {
        bool heading = false;
        if (first)
            MN_TRY(read_heading(r, &heading));
        if (!heading)
            MN_TRY(read_row(r));
        MN_TRY(mn_cells_next(&r->cells, MOST_CELLS, &more));
    }
    return MN_OK;
}

static mn_status read_list(const list_options *o, const char *file, int part, listed *all,
                           mn_dataset *dataset)
{
    reading r = {.file = file, .domain = o->domain, .part = part, .all = all, .dataset = dataset};
    mn_data_file *opened;
    uint8_t *text;
    size_t bytes;
    const char *slash = strrchr(file, '/');
    snprintf(r.root, sizeof r.root, "%.*s", slash != NULL ? (int)(slash - file) : 1,
             slash != NULL ? file : ".");
    if (o->root[0] != '\0')
        MN_TRY(mn_data_find("list.root", NULL, o->root, r.root));
    MN_TRY(mn_data_file_open(file, &opened));
    mn_status status = mn_data_file_whole(opened, MOST_BYTES, &text, &bytes);
    mn_data_file_close(opened);
    if (status != MN_OK)
        return status;
    status = strlen((const char *)text) == bytes
                 ? read_rows(&r, (char *)text)
                 : mn_fail(MN_CORRUPT, "%s: holds a zero byte; expected a text", file);
    mn_cells_free(&r.cells);
    mn_memory_give(text);
    return status;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Training images come first; the order within a part is the list's. */
static mn_status sort_parts(listed *all)
{
    entry *sorted = mn_memory_take_zeroed((size_t)all->count + 1, sizeof *sorted);
    int64_t at = 0;
    if (sorted == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a list of images");
    for (int part = MN_TRAIN_PART; part < MN_PARTS; part++) {
        for (int64_t i = 0; i < all->count; i++)
            if (all->entry[i].part == part)
                sorted[at++] = all->entry[i];
        all->train = part == MN_TRAIN_PART ? at : all->train;
    }
    mn_memory_give(all->entry);
    all->entry = sorted;
    return MN_OK;
}

static mn_status read_lists(const list_options *o, const char *path, listed *all,
                            mn_dataset *dataset)
{
    char file[MN_DATA_PATH + 512];
    if (!mn_is_folder(path)) {
        MN_TRY(read_list(o, path, MN_TRAIN_PART, all, dataset));
        return sort_parts(all);
    }
    snprintf(file, sizeof file, "%s/%.500s", path, o->train);
    MN_TRY(read_list(o, file, MN_TRAIN_PART, all, dataset));
    snprintf(file, sizeof file, "%s/%.500s", path, o->test);
    if (access(file, F_OK) == 0 || strcmp(o->test, "test.txt") != 0)
        MN_TRY(read_list(o, file, MN_TEST_PART, all, dataset));
    return sort_parts(all);
}

/* The classes are those of the training images. */
static mn_status find_classes(const listed *all, const char *path, mn_dataset *dataset)
{
    const char **labels = mn_memory_take((size_t)all->train + 1, sizeof *labels);
    if (labels == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the labels of a list");
    for (int64_t i = 0; i < all->train; i++)
        labels[i] = all->entry[i].label;
    const mn_status status = mn_labels_name_classes(path, "", labels, all->train, dataset);
    mn_memory_give(labels);
    return status;
}

static mn_status read_labels(const entry *entries, const mn_dataset *dataset, mn_images *images)
{
    for (int64_t i = 0; i < images->count; i++) {
        images->labels[i] = mn_label_class(dataset, entries[i].label);
        if (images->labels[i] < 0)
            return mn_fail(MN_CORRUPT, "%s has the label '%.40s', which no training image has",
                           entries[i].path, entries[i].label);
    }
    return MN_OK;
}

/* Where some images have a domain, all must. */
static mn_status read_domains(const listed *all, mn_dataset *dataset)
{
    const char **domain = mn_memory_take((size_t)all->count + 1, sizeof *domain);
    int64_t named = 0;
    if (domain == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the domains of a list");
    for (int64_t i = 0; i < all->count; i++) {
        domain[i] = all->entry[i].domain;
        named += domain[i] != NULL;
    }
    const mn_status status =
        named == 0 ? MN_OK
        : named < all->count
            ? mn_fail(MN_BAD_OPTION, "%s has no domain, as others have; give both lists the column",
                      all->entry[domain[0] == NULL ? 0 : all->train].path)
            : mn_dataset_number_domains(dataset, "list", domain);
    mn_memory_give(domain);
    return status;
}

static void path_of(const void *files, int64_t number, char path[MN_PICTURE_PATH])
{
    const listed *all = files;
    snprintf(path, MN_PICTURE_PATH, "%s", all->entry[number].path);
}

/* Takes over the list. */
static mn_status take_pictures(const list_options *o, listed *all, mn_dataset *dataset)
{
    const int64_t train = all->train, test = all->count - all->train;
    dataset->channels = o->channels == 0 ? 3 : 1;
    MN_TRY(mn_pictures_new(
        dataset, (mn_picture_files){
                     .files = all, .close = listed_free, .path = path_of, .count = {train, test}}));
    MN_TRY(read_labels(all->entry, dataset, &dataset->train));
    MN_TRY(read_labels(all->entry + train, dataset, &dataset->test));
    MN_TRY(read_domains(all, dataset));
    return (test == 0 ? mn_split_test_off : mn_split_not_needed)(dataset, o->test_fraction,
                                                                 o->split_seed);
}

static mn_status read_options(const void *options, const char *folder, mn_dataset *dataset)
{
    const list_options *o = options;
    char path[MN_DATA_PATH];
    MN_TRY(mn_data_find("list.path", folder, o->path, path));
    listed *all = mn_memory_take_zeroed(1, sizeof *all);
    if (all == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a list of images");
    mn_status status = read_lists(o, path, all, dataset);
    if (status == MN_OK && all->train == 0)
        status = mn_fail(MN_BAD_OPTION, "%s: lists no training image", path);
    if (status == MN_OK)
        status = find_classes(all, path, dataset);
    if (status != MN_OK) {
        listed_free(all);
        return status;
    }
    return take_pictures(o, all, dataset);
}

MN_DATASET(list) = {
    MN_DATASET_HEADER,
    .name = "list",
    .summary = "your own PNG and JPEG images: a list of paths and labels",
    .options = options_table,
    .options_size = sizeof(list_options),
    .read = read_options,
};
