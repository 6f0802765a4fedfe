/* Whatever bytes a safetensors file holds, reading it ends in MN_OK or in one line of why not.
 *
 * An ordinary test replays the corpus; fuzz_idx.c says how to look for new inputs with libFuzzer.
 */
#include "tensor/file/safetensors.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

static void read_tensor(const mn_safetensors *file, int64_t i)
{
    const mn_safetensor *tensor = mn_safetensors_at(file, i);
    char text[64];
    float *values;
    demand(strlen(tensor->name) < SIZE_MAX && mn_shape_text(tensor->shape, text) == text, "a name");
    const mn_status status = mn_safetensors_floats(file, i, &values);
    demand((status == MN_OK) == (values != NULL), "values without success, or the reverse");
    demand(status == MN_OK || !tensor->floating || status == MN_BAD_VALUE, "floats are refused");
    for (int64_t j = 0; status == MN_OK && j < mn_shape_count(tensor->shape); j++)
        demand(isfinite(values[j]), "a value that is no number");
    demand(mn_safetensors_equal(file, i, i), "a tensor that differs from itself");
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char path[64];
    const int memory = fuzz_file(bytes, count, path);
    mn_safetensors *file;
    const mn_status status = mn_safetensors_open(path, &file);
    demand((status == MN_OK) == (file != NULL), "a failure that leaves memory behind");
    demand_message(status);
    for (int64_t i = 0; file != NULL && i < mn_safetensors_count(file); i++)
        read_tensor(file, i);
    mn_safetensors_close(file);
    close(memory);
    return 0;
}
