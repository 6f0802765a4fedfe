/* Whatever bytes an .npy or .npz holds, reading it ends in values or in one line of why not. */
#include "data/read/npy.h"
#include "tests/fuzz/fuzz.h"

#include "data/read/array.h"

#include <mneme/data.h>

static void read_values(const mn_array *array)
{
    double sum = 0;
    int64_t count = 1;
    for (int i = 0; i < array->rank; i++)
        count *= array->size[i];
    demand(count == array->count, "a count that is not that of the shape");
    for (int64_t i = 0; i < array->count; i++)
        sum += mn_array_value(array, i) > 0;
    demand(sum >= 0, "a count below zero");
}

static void read_data(const char *path)
{
    char options[256];
    mn_dataset *data = NULL;
    snprintf(options, sizeof options, "{\"path\": \"%s\", \"x_train\": \"x\", \"y_train\": \"y\"}",
             path);
    const mn_status status = mn_dataset_open("npy", options, NULL, &data);
    demand((status == MN_OK) == (data != NULL), "a data set without success, or the reverse");
    demand_message(status);
    mn_dataset_free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char path[64];
    const int file = fuzz_file(bytes, count, path);
    mn_array array;
    const mn_status status = mn_npy_read(path, &array);
    demand((status == MN_OK) == (array.block != NULL), "values without success, or the reverse");
    demand_message(status);
    if (status == MN_OK)
        read_values(&array);
    mn_array_free(&array);
    read_data(path);
    close(file);
    return 0;
}
