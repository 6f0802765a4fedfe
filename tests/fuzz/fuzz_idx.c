/* Whatever bytes an IDX file holds, reading it ends in MN_OK or in one line of why not.
 *
 * An ordinary test replays the corpus.  To look for new inputs with libFuzzer:
 *   CC=clang meson setup build-fuzz -Db_sanitize=address,undefined -Db_lundef=false \
 *     -Dc_args=-fsanitize=fuzzer-no-link
 *   ninja -C build-fuzz tests/fuzz/fuzz_idx_live && build-fuzz/tests/fuzz/fuzz_idx_live CORPUS
 */
#include "data/idx.h"

#include <stdbool.h>
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

static void read_as(const char *path, int rank)
{
    mn_idx idx;
    const mn_status status = mn_idx_read(path, rank, &idx);
    demand(status == MN_OK || idx.bytes == NULL, "a failure that leaves memory behind");
    demand(status == MN_OK || mn_error()[0] != '\0', "a failure without a message");
    if (status == MN_OK) { /* every byte announced is there to be read */
        int64_t total = 1, sum = 0;
        for (int i = 0; i < rank; i++)
            total *= idx.size[i];
        for (int64_t i = 0; i < total; i++)
            sum += idx.bytes[i];
        demand(sum >= 0, "a sum of bytes below zero");
    }
    free(idx.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const int file = memfd_create("idx", MFD_CLOEXEC);
    demand(file >= 0 && write(file, bytes, count) == (ssize_t)count, "no file to write to");
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    read_as(path, 3);
    read_as(path, 1);
    close(file);
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
