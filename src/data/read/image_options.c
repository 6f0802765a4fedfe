/* image_options.c -- any size, for every data set, whatever its reader knows of sizes.
 *
 * A reader reads what is there.  That images are made another size, and when, is decided here once,
 * behind its back: its option table is joined with the one below, and its struct of options with
 * another that follows it. */
#include "data/read/image_options.h"
#include "base/numbers.h"
#include "data/read/pictures.h"
#include "data/read/reader.h"
#include "data/read/sized.h"

#include <mneme/memory.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SIZE = 4096 };
static const int64_t most_in_memory = (int64_t)2 << 30; /* bytes, where nobody says */

static const char *const resizes[] = {"area", "bilinear", NULL};              /* as mn_resize */
static const char *const fits[] = {"crop", "stretch", NULL};                  /* as mn_fit */
static const char *const decodes[] = {"auto", "before", "when_needed", NULL}; /* as mn_decode */
static const mn_option options_table[] = {
    MN_TEXT(mn_image_options, size, "0",
            "make all images so high and wide, 96, or of that height and width, 96,128; 0: as they "
            "are, which must be one size"),
    MN_CHOICE(
        mn_image_options, resize, 0, resizes,
        "how: area averages what lies under a pixel; bilinear is PIL's, and torchvision's with "
        "antialias, also for making images larger"),
    MN_CHOICE(mn_image_options, fit, 0, fits,
              "cut the middle of the new shape out of an image, or squeeze it"),
    MN_CHOICE(
        mn_image_options, decode, MN_DECODE_AUTO, decodes,
        "decode and resize all images before the run, into memory, or each when it is needed; "
        "auto: before, where all take at most 2 GiB",
        MN_CHANGES_NO_RESULT),
    MN_TEXT(mn_image_options, packed, "",
            "file that 'mneme data pack' made of these data, which is read in their place",
            MN_CHANGES_NO_RESULT),
    MN_END,
};

const mn_option *mn_dataset_options(void)
{
    return options_table;
}

/* --- joined with the reader's own ------------------------------------------------------------- */

typedef struct joined {
    struct joined *next;
    const mn_option *of; /* the reader's */
    size_t own_bytes;
    mn_option table[];
} joined;

static size_t own_bytes(const mn_dataset_type *type)
{
    const size_t unit = sizeof(max_align_t);
    return (type->options_size + unit - 1) / unit * unit;
}

static bool has(const mn_option *table, const char *name)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return true;
    return false;
}

static joined *join(const mn_dataset_type *type)
{
    size_t count = 0;
    while (type->options != NULL && type->options[count].name != NULL)
        count++;
    joined *made = mn_memory_take(
        sizeof *made + (count + sizeof options_table / sizeof options_table[0]) * sizeof(mn_option),
        1);
    if (made == NULL)
        return NULL;
    made->of = type->options;
    made->own_bytes = own_bytes(type);
    if (count > 0)
        memcpy(made->table, type->options, count * sizeof(mn_option));
    for (const mn_option *option = options_table; option->name != NULL; option++)
        if (!has(type->options, option->name)) {
            made->table[count] = *option;
            made->table[count++].offset += made->own_bytes;
        }
    made->table[count] = (mn_option)MN_END;
    return made;
}

mn_status mn_dataset_table(const mn_dataset_type *type, const mn_option **table, size_t *bytes)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static joined *all;
    pthread_mutex_lock(&lock);
    joined *found = all;
    while (found != NULL && (found->of != type->options || found->own_bytes != own_bytes(type)))
        found = found->next;
    if (found == NULL && (found = join(type)) != NULL) {
        found->next = all;
        all = found;
    }
    pthread_mutex_unlock(&lock);
    if (found == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the options of '%s'", type->name);
    *table = found->table;
    *bytes = own_bytes(type) + sizeof(mn_image_options);
    return MN_OK;
}

const mn_image_options *mn_image_options_in(const mn_dataset_type *type, const void *values)
{
    return (const void *)((const char *)values + own_bytes(type));
}

/* --- applied ---------------------------------------------------------------------------------- */

/* "96" is 96,96; 0 asks for nothing. */
static mn_status read_size(const char *where, const char *text, int64_t size[2])
{
    int64_t count;
    MN_TRY(mn_list_wholes(where, text, 0, MOST_SIZE, 2, size, &count));
    if (count < 2)
        size[1] = size[0] = count < 1 ? 0 : size[0];
    return (size[0] > 0) == (size[1] > 0)
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "%s: '%s' has a side of 0; give height and width, as 96,128", where, text);
}

static mn_status note_idle(const mn_image_options *o, const int64_t size[2], mn_dataset *dataset)
{
    static const char unsized[] = "without a size images stay as they are",
                      ready[] = "the images are read as they are, into memory";
    MN_TRY(mn_note_idle(dataset, size[0] == 0 && o->resize != 0, "resize", unsized));
    MN_TRY(mn_note_idle(dataset, size[0] == 0 && o->fit != 0, "fit", unsized));
    return mn_note_idle(dataset, dataset->source == NULL && o->decode == MN_DECODE_WHEN_NEEDED,
                        "decode", ready);
}

static mn_status check_sized(const mn_dataset *dataset, const int64_t size[2])
{
    if (size[0] == 0 || (dataset->scale == NULL && dataset->height > 1))
        return MN_OK;
    return mn_fail(MN_BAD_OPTION, "dataset.size: is for images, but '%s' holds %s; leave it out",
                   dataset->name, dataset->scale != NULL ? "measurements" : "rows of one line");
}

mn_status mn_images_apply(const mn_image_options *options, mn_dataset *dataset)
{
    int64_t size[2];
    MN_TRY(read_size("dataset.size", options->size, size));
    const mn_resize resize = (mn_resize)options->resize;
    const mn_fit fit = (mn_fit)options->fit;
    if (dataset->source != NULL) {
        MN_TRY(mn_pictures_size(dataset, size[0], size[1], resize, fit));
    } else {
        MN_TRY(check_sized(dataset, size));
        if (size[0] > 0 && (size[0] != dataset->height || size[1] != dataset->width))
            MN_TRY(mn_sized_new(dataset, size[0], size[1], resize, fit));
    }
    MN_TRY(note_idle(options, size, dataset));
    const bool before =
        options->decode == MN_DECODE_BEFORE ||
        (options->decode == MN_DECODE_AUTO && mn_source_bytes(dataset) <= most_in_memory);
    return dataset->source != NULL && before ? mn_source_read_all(dataset) : MN_OK;
}
