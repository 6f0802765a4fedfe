/* Whatever bytes a file of records or an archive of them holds, reading it ends in images or in one
 * line of why not. */
#include "tests/fuzz/fuzz.h"

#include "data/read/cifar.h"
#include "data/read/file.h"

/* One file serves as both parts. */
static void read_records(const char *name)
{
    const mn_cifar_layout layout = {.file = {name, name},
                                    .files = 2,
                                    .train_images = 2,
                                    .test_images = 2,
                                    .labels = 2,
                                    .classes = {3, 5}};
    mn_dataset data = {.classes = 0};
    const mn_status status = mn_cifar_read(&layout, "/proc/self/fd", 1, &data);
    demand_message(status);
    for (int i = 0; status == MN_OK && i < 2; i++)
        demand(data.train.labels[i] >= 0 && data.train.labels[i] < 5, "a label out of range");
    free(data.train.pixels);
    free(data.train.labels);
    free(data.test.pixels);
    free(data.test.labels);
}

static void walk(mn_data_file *archive)
{
    for (const char *name;;) {
        const mn_status status = mn_data_archive_next(archive, &name);
        demand_message(status);
        if (status != MN_OK || name == NULL)
            return;
        uint8_t *bytes;
        size_t count;
        if (mn_data_file_whole(archive, 1 << 20, &bytes, &count) == MN_OK) {
            demand(bytes[count] == 0, "no zero byte at the end");
            free(bytes);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char path[64];
    const int file = fuzz_file(bytes, count, path);
    read_records(strrchr(path, '/') + 1);
    mn_data_file *archive;
    const mn_status status = mn_data_archive_open(path, &archive);
    demand_message(status);
    if (status == MN_OK) {
        walk(archive);
        mn_data_file_close(archive);
    }
    close(file);
    return 0;
}
