/* How fast the rehearsal buffer takes rows and gives them:  bench_buffer [ROWS [MEMORY]]
 *
 * Without arguments: buffers of 500 and 5000 rows in memory.  With them: ROWS rows of CIFAR size,
 * of which MEMORY bytes are in memory and the others in a run file under $TMPDIR, with a commit
 * every 25 000 rows.  (1000000 536870912 needs 4 GB of disk for the file and its log.)  Prints rows
 * a second and the most memory the process has had. */
#include "buffers/storage.h"

#include <mneme/registry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, LOGITS = 10, IMAGE = 3 * 32 * 32, COMMIT_ROWS = 25000 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void demand(mn_status status)
{
    if (status == MN_OK)
        return;
    fprintf(stderr, "bench_buffer: %s\n", mn_error());
    exit(EXIT_FAILURE);
}

/* A batch whose rows differ from all others in a few bytes. */
static const mn_batch *batch_of(int64_t number)
{
    static uint8_t pixels[BATCH * IMAGE];
    static int32_t labels[BATCH], tasks[BATCH];
    static int64_t indices[BATCH];
    static float logits[BATCH * LOGITS];
    static mn_batch batch;
    for (int row = 0; row < BATCH; row++) {
        indices[row] = number * BATCH + row;
        labels[row] = (int32_t)(indices[row] % LOGITS);
        memcpy(pixels + row * IMAGE, &indices[row], sizeof indices[row]);
        logits[row * LOGITS] = (float)number;
    }
    batch = (mn_batch){.count = BATCH,
                       .stream_rows = BATCH,
                       .image = MN_SHAPE(3, 32, 32),
                       .pixels = pixels,
                       .labels = labels,
                       .tasks = tasks,
                       .indices = indices,
                       .columns = 1,
                       .column = {{"logits", LOGITS, logits}}};
    return &batch;
}

static mn_buffer *new_buffer(int64_t rows, int64_t memory, mn_runfile *file)
{
    const mn_buffer_spec spec = {.capacity = rows,
                                 .image = MN_SHAPE(3, 32, 32),
                                 .classes = LOGITS,
                                 .policy = (const void *)mn_find(MN_KIND_POLICY, "reservoir"),
                                 .key = mn_key_of(1, "bench"),
                                 .memory = memory,
                                 .file = file};
    mn_buffer *buffer;
    demand(mn_buffer_new(&spec, &buffer));
    demand(mn_buffer_add_column(buffer, "logits", LOGITS));
    return buffer;
}

static void report(const char *what, int64_t rows, double since)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const double seconds = now() - since;
    printf("  %-28s %10.0f rows/s  %8.2f s  peak %6ld MB\n", what, (double)rows / seconds, seconds,
           usage.ru_maxrss / 1024);
    fflush(stdout);
}

static void commit(mn_buffer *buffer, mn_runfile *file)
{
    if (file == NULL)
        return;
    demand(mn_buffer_save(buffer, file));
    demand(mn_runfile_commit(file));
    mn_buffer_saved(buffer);
    demand(mn_runfile_begin(file));
}

static void offer(mn_buffer *buffer, mn_runfile *file, int64_t first, int64_t batches)
{
    for (int64_t i = 0; i < batches; i++) {
        demand(mn_buffer_offer(buffer, batch_of(first + i)));
        if ((first + i + 1) % (COMMIT_ROWS / BATCH) == 0)
            commit(buffer, file);
    }
    commit(buffer, file);
}

static void draw(mn_buffer *buffer, int64_t batches)
{
    mn_batch_space space = {0};
    int64_t slots[BATCH];
    for (int64_t i = 0; i < batches; i++) {
        const int64_t count =
            mn_buffer_draw(buffer, mn_key_of((uint64_t)i, "bench.draw"), BATCH, slots);
        demand(mn_buffer_gather(buffer, slots, count, &space));
    }
    mn_batch_space_free(&space);
}

static void measure(int64_t rows, int64_t memory, mn_runfile *file, int64_t batches)
{
    printf("%lld rows of %d bytes, in memory: %lld bytes (0: all)\n", (long long)rows,
           IMAGE + 4 * LOGITS, (long long)memory);
    mn_buffer *buffer = new_buffer(rows, memory, file);
    double since = now();
    const int64_t fill = (rows + BATCH - 1) / BATCH;
    offer(buffer, file, 0, fill);
    report("offered until full", fill * BATCH, since);
    since = now();
    offer(buffer, file, fill, batches);
    report("offered to the full buffer", batches * BATCH, since);
    since = now();
    draw(buffer, batches);
    report("drawn", batches * BATCH, since);
    if (file != NULL) {
        since = now();
        demand(mn_runfile_commit(file));
        demand(mn_buffer_load(buffer, file));
        report("loaded", rows, since);
    }
    mn_buffer_free(buffer);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        measure(500, 0, NULL, 20000);
        measure(5000, 0, NULL, 20000);
        return EXIT_SUCCESS;
    }
    char path[512];
    const char *folder = getenv("TMPDIR");
    mn_runfile *file;
    snprintf(path, sizeof path, "%s/bench_buffer-%ld.mneme", folder != NULL ? folder : "/tmp",
             (long)getpid());
    demand(mn_runfile_create(path, &file));
    demand(mn_runfile_begin(file));
    measure(atoll(argv[1]), argc > 2 ? atoll(argv[2]) : 0, file, 2000);
    demand(mn_runfile_close(file));
    unlink(path);
    return EXIT_SUCCESS;
}
