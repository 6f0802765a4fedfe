/* Whatever bytes a table holds, reading it ends in a data set or in one line of why not. */
#include "tests/fuzz/fuzz.h"

#include <mneme/data.h>

static void read_as(const char *path, const char *more)
{
    char options[256];
    mn_dataset *data = NULL;
    snprintf(options, sizeof options, "{\"path\": \"%s\", %s}", path, more);
    const mn_status status = mn_dataset_open("csv", options, NULL, &data);
    demand((status == MN_OK) == (data != NULL), "a data set without success, or the reverse");
    demand_message(status);
    for (int64_t class = 0; data != NULL && class < data->classes; class ++)
        demand(data->class_names[class][0] != '\0', "a class without a name");
    mn_dataset_free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char path[64];
    const int file = fuzz_file(bytes, count, path);
    read_as(path, "\"label\": \"last\"");
    read_as(path, "\"label\": \"first\", \"height\": 1, \"width\": 2");
    read_as(path, "\"label\": \"kind\"");
    close(file);
    return 0;
}
