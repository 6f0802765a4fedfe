/* cifar.c -- CIFAR-10 and CIFAR-100 in their binary version, and smaller sets in the same format.
 *
 * An archive is read once, front to back, and its members go to their places as they come: a
 * compressed tar cannot be asked for one of them. */
#include "data/read/cifar.h"
#include "data/read/file.h"
#include "data/read/reader.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, PATH_BYTES = 4608 };

static int64_t images_of(const mn_cifar_layout *layout, int file)
{
    return file < layout->files - 1 ? layout->train_images : layout->test_images;
}

/* --- records --- */

static mn_status check_labels(const mn_cifar_layout *layout, const char *path, int64_t image,
                              const uint8_t *labels)
{
    for (int i = 0; i < layout->labels; i++)
        if (labels[i] >= layout->classes[i])
            return mn_fail(MN_CORRUPT, "%s: label %d of image %lld is not one of 0 to %lld", path,
                           labels[i], (long long)image, (long long)layout->classes[i] - 1);
    return MN_OK;
}

/* Fills pixels and labels with `count` records; the file must end after them. */
static mn_status read_records(mn_data_file *file, const char *path, const mn_cifar_layout *layout,
                              int64_t count, int label, uint8_t *pixels, int32_t *label_of)
{
    uint8_t labels[MN_CIFAR_MOST_LABELS];
    const size_t heads = (size_t)layout->labels;
    for (int64_t i = 0; i < count; i++) {
        size_t head, body;
        MN_TRY(mn_data_file_read(file, labels, heads, &head));
        MN_TRY(mn_data_file_read(file, pixels + i * PIXELS, PIXELS, &body));
        if (head < heads || body < PIXELS)
            return mn_fail(MN_CORRUPT, "%s: ends in image %lld of %lld; get it again", path,
                           (long long)i, (long long)count);
        MN_TRY(check_labels(layout, path, i, labels));
        label_of[i] = labels[label];
    }
    size_t extra; /* this read also makes the decoder compare its checksum */
    MN_TRY(mn_data_file_read(file, labels, 1, &extra));
    return extra == 0 ? MN_OK
                      : mn_fail(MN_CORRUPT, "%s: goes on after the %lld images it should have",
                                path, (long long)count);
}

/* Reads the layout's file number `which` to its place. */
static mn_status read_file(mn_data_file *file, const char *path, const mn_cifar_layout *layout,
                           int which, int label, mn_dataset *dataset)
{
    const bool test = which == layout->files - 1;
    const mn_images *images = test ? &dataset->test : &dataset->train;
    const int64_t first = test ? 0 : which * layout->train_images;
    return read_records(file, path, layout, images_of(layout, which), label,
                        images->pixels + first * PIXELS, images->labels + first);
}

/* --- where the files are --- */

/* The path of `file` in `folder`, under whichever of its endings it is there. */
static bool find_file(const char *folder, const char *file, char path[PATH_BYTES])
{
    static const char *const endings[] = {"", ".xz", ".gz", ".zst"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const int length = snprintf(path, PATH_BYTES, "%s/%s%s", folder, file, endings[i]);
        if (length < PATH_BYTES && access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static bool find_archive(const char *folder, const char *archive, char path[PATH_BYTES])
{
    static const char *const endings[] = {".tar.gz",  ".tgz", ".tar.xz", ".tar.bz2",
                                          ".tar.zst", ".tar", ".zip"};
    for (size_t i = 0; archive != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        const int length = snprintf(path, PATH_BYTES, "%s/%s%s", folder, archive, endings[i]);
        if (length < PATH_BYTES && access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static mn_status read_folder(const mn_cifar_layout *layout, const char *folder, int label,
                             mn_dataset *dataset)
{
    for (int i = 0; i < layout->files; i++) {
        char path[PATH_BYTES];
        if (!find_file(folder, layout->file[i], path))
            return mn_fail(MN_NOT_FOUND, "there is no %s in %s", layout->file[i], folder);
        mn_data_file *file;
        MN_TRY(mn_data_file_open(path, &file));
        const mn_status status = read_file(file, path, layout, i, label, dataset);
        mn_data_file_close(file);
        MN_TRY(status);
    }
    return MN_OK;
}

/* The layout's file that a member of an archive is, -1: none. */
static int file_named(const mn_cifar_layout *layout, const char *member)
{
    const char *slash = strrchr(member, '/'), *name = slash != NULL ? slash + 1 : member;
    for (int i = 0; i < layout->files; i++)
        if (strcmp(layout->file[i], name) == 0)
            return i;
    return -1;
}

static mn_status read_members(mn_data_file *archive, const char *path,
                              const mn_cifar_layout *layout, int label, mn_dataset *dataset)
{
    bool found[MN_CIFAR_MOST_FILES] = {false};
    for (const char *member;;) {
        MN_TRY(mn_data_archive_next(archive, &member));
        if (member == NULL)
            break;
        const int which = file_named(layout, member);
        if (which < 0)
            continue;
        char inside[PATH_BYTES + 64];
        snprintf(inside, sizeof inside, "%s: %s", path, layout->file[which]);
        MN_TRY(read_file(archive, inside, layout, which, label, dataset));
        found[which] = true;
    }
    for (int i = 0; i < layout->files; i++)
        if (!found[i])
            return mn_fail(MN_CORRUPT, "%s: holds no %s; is it the binary version?", path,
                           layout->file[i]);
    return MN_OK;
}

static mn_status read_archive(const mn_cifar_layout *layout, const char *path, int label,
                              mn_dataset *dataset)
{
    mn_data_file *archive;
    MN_TRY(mn_data_archive_open(path, &archive));
    const mn_status status = read_members(archive, path, layout, label, dataset);
    mn_data_file_close(archive);
    return status;
}

static mn_status find_and_read(const mn_cifar_layout *layout, const char *folder, int label,
                               mn_dataset *dataset)
{
    char path[PATH_BYTES], inner[PATH_BYTES];
    if (find_file(folder, layout->file[0], path))
        return read_folder(layout, folder, label, dataset);
    if (layout->folder != NULL) {
        snprintf(inner, sizeof inner, "%.4000s/%s", folder, layout->folder);
        if (find_file(inner, layout->file[0], path))
            return read_folder(layout, inner, label, dataset);
    }
    if (find_archive(folder, layout->archive, path))
        return read_archive(layout, path, label, dataset);
    if (layout->archive == NULL)
        return mn_fail(MN_NOT_FOUND, "there is no %s in %s", layout->file[0], folder);
    return mn_fail(MN_NOT_FOUND, "there is neither %s nor %s.tar.gz in %s", layout->file[0],
                   layout->archive, folder);
}

mn_status mn_cifar_read(const mn_cifar_layout *layout, const char *folder, int label,
                        mn_dataset *dataset)
{
    dataset->channels = 3;
    dataset->height = dataset->width = SIDE;
    dataset->classes = layout->classes[label];
    dataset->train.count = (layout->files - 1) * layout->train_images;
    dataset->test.count = layout->test_images;
    MN_TRY(mn_images_allocate(&dataset->train, MN_ROW_U8, dataset->train.count, 3, SIDE, SIDE));
    MN_TRY(mn_images_allocate(&dataset->test, MN_ROW_U8, dataset->test.count, 3, SIDE, SIDE));
    return find_and_read(layout, folder, label, dataset);
}

/* --- the data sets ------------------------------------------------------------------------------
 */

static mn_status read_cifar10(const void *options, const char *folder, mn_dataset *dataset)
{
    static const mn_cifar_layout layout = {
        .folder = "cifar-10-batches-bin",
        .archive = "cifar-10-binary",
        .file = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                 "data_batch_5.bin", "test_batch.bin"},
        .files = 6,
        .train_images = 10000,
        .test_images = 10000,
        .labels = 1,
        .classes = {10},
    };
    (void)options;
    dataset->class_names = mn_cifar10_names;
    return mn_cifar_read(&layout, folder, 0, dataset);
}

static mn_status read_cifar10_small(const void *options, const char *folder, mn_dataset *dataset)
{
    static const mn_cifar_layout layout = {
        .file = {"train.bin", "test.bin"},
        .files = 2,
        .train_images = 10000,
        .test_images = 2000,
        .labels = 1,
        .classes = {10},
    };
    (void)options;
    dataset->class_names = mn_cifar10_names;
    return mn_cifar_read(&layout, folder, 0, dataset);
}

typedef struct cifar100_options {
    int64_t labels;
} cifar100_options;

static const char *const label_kinds[] = {"coarse", "fine", NULL}; /* in the order of the bytes */
static const mn_option cifar100_table[] = {
    MN_CHOICE(cifar100_options, labels, 1, label_kinds, "100 fine classes, or 20 coarse ones"),
    MN_END,
};

static mn_status read_hundred(const mn_cifar_layout *layout, const void *options,
                              const char *folder, mn_dataset *dataset)
{
    const cifar100_options *o = options;
    dataset->class_names = o->labels == 0 ? mn_cifar20_names : mn_cifar100_names;
    return mn_cifar_read(layout, folder, (int)o->labels, dataset);
}

static mn_status read_cifar100(const void *options, const char *folder, mn_dataset *dataset)
{
    static const mn_cifar_layout layout = {
        .folder = "cifar-100-binary",
        .archive = "cifar-100-binary",
        .file = {"train.bin", "test.bin"},
        .files = 2,
        .train_images = 50000,
        .test_images = 10000,
        .labels = 2,
        .classes = {20, 100},
    };
    return read_hundred(&layout, options, folder, dataset);
}

static mn_status read_cifar100_small(const void *options, const char *folder, mn_dataset *dataset)
{
    static const mn_cifar_layout layout = {
        .file = {"train.bin", "test.bin"},
        .files = 2,
        .train_images = 20000,
        .test_images = 5000,
        .labels = 2,
        .classes = {20, 100},
    };
    return read_hundred(&layout, options, folder, dataset);
}

static const char cite[] =
    "Krizhevsky, Learning multiple layers of features from tiny images, 2009";

MN_DATASET(cifar10) = {
    MN_DATASET_HEADER,
    .name = "cifar10",
    .summary = "50 000 + 10 000 colour photographs of 32x32, 10 classes",
    .cite = cite,
    .obtain = "put cifar-10-binary.tar.gz (the binary version, from "
              "https://www.cs.toronto.edu/~kriz/cifar.html), packed or unpacked, into "
              "~/.local/share/mneme/cifar10",
    .read = read_cifar10,
};

MN_DATASET(cifar10_small) = {
    MN_DATASET_HEADER,
    .name = "cifar10-small",
    .summary = "a fifth of CIFAR-10: 1000 + 200 images of each of its 10 classes",
    .cite = cite,
    .obtain = "put train.bin and test.bin, 10 000 and 2000 records of CIFAR-10's binary version, "
              "plain or .xz, into ~/.local/share/mneme/cifar10-small",
    .read = read_cifar10_small,
};

MN_DATASET(cifar100) = {
    MN_DATASET_HEADER,
    .name = "cifar100",
    .summary = "50 000 + 10 000 colour photographs of 32x32, 100 fine or 20 coarse classes",
    .cite = cite,
    .options = cifar100_table,
    .options_size = sizeof(cifar100_options),
    .obtain = "put cifar-100-binary.tar.gz (the binary version, from "
              "https://www.cs.toronto.edu/~kriz/cifar.html), packed or unpacked, into "
              "~/.local/share/mneme/cifar100",
    .read = read_cifar100,
};

MN_DATASET(cifar100_small) = {
    MN_DATASET_HEADER,
    .name = "cifar100-small",
    .summary = "two fifths of CIFAR-100: 200 + 50 images of each of its 100 classes",
    .cite = cite,
    .options = cifar100_table,
    .options_size = sizeof(cifar100_options),
    .obtain = "put train.bin and test.bin, 20 000 and 5000 records of CIFAR-100's binary version, "
              "plain or .xz, into ~/.local/share/mneme/cifar100-small",
    .read = read_cifar100_small,
};
