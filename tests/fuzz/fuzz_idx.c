/* Whatever bytes an IDX file holds, reading it ends in MN_OK or in one line of why not.
 *
 * An ordinary test replays the corpus.  To look for new inputs with libFuzzer:
 *   CC=clang meson setup build-fuzz -Db_sanitize=address,undefined -Db_lundef=false \
 *     -Dc_args=-fsanitize=fuzzer-no-link
 *   ninja -C build-fuzz tests/fuzz/fuzz_idx_live && build-fuzz/tests/fuzz/fuzz_idx_live CORPUS
 */
#include "data/read/idx.h"
#include "tests/fuzz/fuzz.h"

static void read_as(const char *path, int rank)
{
    mn_idx idx;
    const mn_status status = mn_idx_read(path, rank, &idx);
    demand(status == MN_OK || idx.bytes == NULL, "a failure that leaves memory behind");
    demand_message(status);
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
    char path[64];
    const int file = fuzz_file(bytes, count, path);
    read_as(path, 3);
    read_as(path, 1);
    close(file);
    return 0;
}
