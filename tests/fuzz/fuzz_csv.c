/* Whatever bytes a table holds, reading it ends in a data set or in one line of why not. */
#include "data/read/table.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
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

/* The file against itself as the test table: every column goes where it went. */
static void read_table(const char *path)
{
    const mn_table_form form = {.label = "first", .drop = "", .delimiter = ',', .point = '.'};
    mn_text_table train, test;
    const mn_status status = mn_text_table_read(&form, path, NULL, &train);
    demand_message(status);
    if (status == MN_OK) {
        demand_message(mn_text_table_read(&form, path, &train, &test));
        for (int64_t i = 0; i < test.rows * test.width; i++)
            demand(!isnan(test.values[i]), "a value that is missing");
        mn_text_table_free(&test);
    }
    mn_text_table_free(&train);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char path[64];
    const int file = fuzz_file(bytes, count, path);
    read_as(path, "\"label\": \"last\"");
    read_as(path, "\"label\": \"first\", \"height\": 1, \"width\": 2");
    read_as(path, "\"label\": \"kind\"");
    read_as(path, "\"delimiter\": \";\", \"decimal\": \"comma\", \"missing\": \"mean\"");
    read_as(path, "\"missing\": \"skip\", \"drop\": \"1\", \"standardise\": true");
    read_as(path, "\"header\": \"no\", \"drop\": \"none\", \"test\": \"\"");
    read_table(path);
    close(file);
    return 0;
}
