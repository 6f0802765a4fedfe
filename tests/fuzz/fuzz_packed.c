/* Whatever bytes a packed data set holds, opening it ends in images or in one line of why not. */
#include "tests/fuzz/fuzz.h"

#include <mneme/data.h>

static void read_images(const mn_dataset *data, const mn_images *part)
{
    uint8_t *image = malloc((size_t)mn_shape_count(mn_dataset_image(data)));
    demand(image != NULL, "out of memory");
    for (int64_t i = 0; i < part->count; i++)
        demand(mn_dataset_pixels(data, part, i, image) == MN_OK, "an image that is not there");
    free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char path[64], options[128];
    uint32_t digest;
    const int file = fuzz_file(bytes, count, path);
    mn_dataset *data = NULL;
    snprintf(options, sizeof options, "{\"size\": 3, \"packed\": \"%s\"}", path);
    const mn_status status = mn_dataset_open("folder", options, NULL, &data);
    demand((status == MN_OK) == (data != NULL), "a data set without success, or the reverse");
    demand_message(status);
    if (status == MN_OK) {
        read_images(data, &data->train);
        read_images(data, &data->test);
        demand_message(mn_dataset_digest(data, &digest));
    }
    mn_dataset_free(data);
    close(file);
    return 0;
}
