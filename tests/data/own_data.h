/* own_data.h -- a user's own data in a scratch folder, written and opened by the tests. */
#ifndef MN_TESTS_OWN_DATA_H
#define MN_TESTS_OWN_DATA_H

#include "tests/scratch.h"
#include "tests/suite.h"

#include <mneme/data.h>
#include <stdlib.h>
#include <sys/stat.h>

static mn_dataset *data;

static inline const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch_folder, name);
    return path;
}

/* Makes the scratch folder and those in it. */
static inline void setup(int folders, const char *const *names)
{
    scratch_new();
    for (int i = 0; i < folders; i++)
        ck_assert_int_eq(mkdir(path_of(names[i]), 0777), 0);
}

static inline void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", scratch_folder);
    ck_assert_int_eq(system(command), 0);
}

/* Opens a data set of the scratch folder's `path` ("": itself) with further options as JSON. */
static inline mn_status open_data(const char *type, const char *path, const char *more)
{
    char options[1024];
    snprintf(options, sizeof options, "{\"path\": \"%s/%s\"%s%s}", scratch_folder, path,
             more[0] != '\0' ? ", " : "", more);
    data = NULL;
    return mn_dataset_open(type, options, NULL, &data);
}

/* The same of files that people brought: tests/data/field. */
static inline mn_status open_field(const char *type, const char *path, const char *more)
{
    char options[1024];
    const char *source = getenv("MNEME_SOURCE");
    ck_assert_ptr_nonnull(source);
    snprintf(options, sizeof options, "{\"path\": \"%s/tests/data/field/%s\"%s%s}", source, path,
             more[0] != '\0' ? ", " : "", more);
    data = NULL;
    return mn_dataset_open(type, options, NULL, &data);
}

/* The value that a byte stands for. */
static inline double value_of(const mn_images *images, int64_t row, int64_t place)
{
    const int64_t width = data->channels * data->height * data->width;
    return (double)data->offset[place] +
           (double)data->scale[place] * images->pixels[row * width + place] / 255;
}

static inline void close_data(void)
{
    mn_dataset_free(data);
    data = NULL;
}

static inline void write_file(const char *name, const void *bytes, size_t count)
{
    unlink(path_of(name)); /* a new file; ext4 would wait for the disk where one is cut to zero */
    FILE *out = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, count, out), count);
    fclose(out);
}

static inline void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

#endif
