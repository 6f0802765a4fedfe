/* mnist_family.c -- MNIST and those that took over its four files: MNIST itself, Fashion-MNIST. */
#include "data/read/mnist_family.h"
#include "data/read/idx.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <unistd.h>

enum { PATH_BYTES = 4608 };

/* The path of `file` in `folder`, under whichever of its endings it is there. */
static mn_status find_file(const char *folder, const char *file, char path[PATH_BYTES])
{
    static const char *const endings[] = {".gz", "", ".xz"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(path, PATH_BYTES, "%s/%s%s", folder, file, endings[i]);
        if (access(path, F_OK) == 0)
            return MN_OK;
    }
    return mn_fail(MN_NOT_FOUND, "there is no %s.gz in %s, nor without .gz", file, folder);
}

static mn_status widen_labels(const char *path, const uint8_t *bytes, int64_t count,
                              int64_t classes, int32_t *labels)
{
    for (int64_t i = 0; i < count; i++) {
        labels[i] = bytes[i];
        if (labels[i] >= classes)
            return mn_fail(MN_CORRUPT, "%s: label %d of image %lld is not one of 0 to %lld", path,
                           labels[i], (long long)i, (long long)classes - 1);
    }
    return MN_OK;
}

static mn_status read_labels(const char *path, int64_t classes, mn_images *images)
{
    mn_idx idx;
    MN_TRY(mn_idx_read(path, 1, &idx));
    mn_status status = MN_OK;
    if (idx.size[0] != images->count)
        status = mn_fail(MN_CORRUPT, "%s: has %lld labels for %lld images", path,
                         (long long)idx.size[0], (long long)images->count);
    if (status == MN_OK) {
        images->labels = mn_data_take((size_t)images->count * sizeof *images->labels);
        status = images->labels == NULL
                     ? mn_fail(MN_NO_MEMORY, "%s: out of memory", path)
                     : widen_labels(path, idx.bytes, images->count, classes, images->labels);
    }
    mn_memory_give(idx.bytes);
    return status;
}

/* Reads "train" or "t10k"; the first part read decides the size of an image. */
static mn_status read_part(const char *folder, const char *part, mn_dataset *dataset,
                           mn_images *images)
{
    char file[64], image_path[PATH_BYTES], label_path[PATH_BYTES];
    snprintf(file, sizeof file, "%s-images-idx3-ubyte", part);
    MN_TRY(find_file(folder, file, image_path));
    snprintf(file, sizeof file, "%s-labels-idx1-ubyte", part);
    MN_TRY(find_file(folder, file, label_path));
    mn_idx idx;
    MN_TRY(mn_idx_read(image_path, 3, &idx));
    images->count = idx.size[0];
    images->pixels = idx.bytes;
    if (dataset->height == 0) {
        dataset->height = idx.size[1];
        dataset->width = idx.size[2];
    }
    if (idx.size[1] != dataset->height || idx.size[2] != dataset->width)
        return mn_fail(MN_CORRUPT, "%s: images of %lldx%lld, but the training images are %lldx%lld",
                       image_path, (long long)idx.size[1], (long long)idx.size[2],
                       (long long)dataset->height, (long long)dataset->width);
    return read_labels(label_path, dataset->classes, images);
}

mn_status mn_mnist_family_read(const char *folder, int64_t classes, const char *const *class_names,
                               mn_dataset *dataset)
{
    dataset->channels = 1;
    dataset->height = dataset->width = 0;
    dataset->classes = classes;
    dataset->class_names = class_names;
    MN_TRY(read_part(folder, "train", dataset, &dataset->train));
    return read_part(folder, "t10k", dataset, &dataset->test);
}

static mn_status read_fashion(const void *options, const char *folder, mn_dataset *dataset)
{
    static const char *const names[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                        "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                        "Bag",         "Ankle boot"};
    (void)options;
    return mn_mnist_family_read(folder, 10, names, dataset);
}

static mn_status read_mnist(const void *options, const char *folder, mn_dataset *dataset)
{
    (void)options;
    return mn_mnist_family_read(folder, 10, NULL, dataset);
}

MN_DATASET(fashion_mnist) = {
    MN_DATASET_HEADER,
    .name = "fashion-mnist",
    .summary = "Zalando's articles of clothing: 60 000 + 10 000 grey images of 28x28, 10 classes",
    .cite = "Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017 (arXiv 1708.07747)",
    .obtain = "apt-get install dataset-fashion-mnist",
    .read = read_fashion,
};

MN_DATASET(mnist) = {
    MN_DATASET_HEADER,
    .name = "mnist",
    .summary = "handwritten digits: 60 000 + 10 000 grey images of 28x28, 10 classes",
    .cite = "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document "
            "recognition, Proc. IEEE 1998",
    .obtain = "put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
              "t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz into "
              "~/.local/share/mneme/mnist",
    .read = read_mnist,
};
