/* fuzz.h -- what fuzz targets of readers share: a file from bytes, demands, and the replay of a
 * corpus as an ordinary program. */
#ifndef MN_TESTS_FUZZ_H
#define MN_TESTS_FUZZ_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* A wrong answer must end the process: that is what a fuzzer looks for. */
static inline void demand(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "%s: %s\n", what, mn_error());
    abort();
}

/* A file in memory; `path` leads to it until the descriptor is closed. */
static inline int fuzz_file(const uint8_t *bytes, size_t count, char path[64])
{
    const int file = memfd_create("fuzz", MFD_CLOEXEC);
    demand(file >= 0 && write(file, bytes, count) == (ssize_t)count, "no file to write to");
    snprintf(path, 64, "/proc/self/fd/%d", file);
    return file;
}

static inline void demand_message(mn_status status)
{
    demand(status == MN_OK || mn_error()[0] != '\0', "a failure without a message");
    demand(strchr(mn_error(), '\n') == NULL, "a message of more than one line");
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
        uint8_t *exact = malloc(count > 0 ? count : 1); /* a sanitizer sees its end */
        demand(exact != NULL, "out of memory");
        memcpy(exact, bytes, count);
        LLVMFuzzerTestOneInput(exact, count);
        free(exact);
    }
    demand(arguments > 1, "nothing to replay");
    return EXIT_SUCCESS;
}
#endif
#endif
