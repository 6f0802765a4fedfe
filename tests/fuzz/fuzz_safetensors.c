/* Whatever bytes a safetensors file holds, reading it ends in MN_OK or in one line of why not.
 *
 * An ordinary test replays the corpus; fuzz_idx.c says how to look for new inputs with libFuzzer.
 */
#include "store/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* A wrong answer must end the process: that is what a fuzzer looks for. */
static void demand(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "%s: %s\n", what, mn_error());
    abort();
}

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
    const int memory = memfd_create("safetensors", MFD_CLOEXEC);
    demand(memory >= 0 && write(memory, bytes, count) == (ssize_t)count, "no file to write to");
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    mn_safetensors *file;
    const mn_status status = mn_safetensors_open(path, &file);
    demand((status == MN_OK) == (file != NULL), "a failure that leaves memory behind");
    demand(status == MN_OK || mn_error()[0] != '\0', "a failure without a message");
    for (int64_t i = 0; file != NULL && i < mn_safetensors_count(file); i++)
        read_tensor(file, i);
    mn_safetensors_close(file);
    close(memory);
    return 0;
}

#ifndef MN_LIBFUZZER
int main(int arguments, char **argument)
{
    for (int i = 1; i < arguments; i++) {
        static uint8_t bytes[1 << 20];
        FILE *file = fopen(argument[i], "rb");
        demand(file != NULL, argument[i]);
        const size_t count = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        LLVMFuzzerTestOneInput(bytes, count);
    }
    demand(arguments > 1, "nothing to replay");
    return EXIT_SUCCESS;
}
#endif
