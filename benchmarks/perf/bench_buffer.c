/* bench_buffer.c -- how fast the rehearsal buffer takes rows and gives them, as JSON:
 *
 *   bench_buffer ROWS [MEMORY]
 *
 * Rows of CIFAR size with logits.  With MEMORY, so many bytes of them are in memory and the others
 * in a run file under $TMPDIR, with a commit every 25 000 rows (1000000 536870912 needs 4 GB of
 * disk for the file and its log).  `step_us` is what a step of X-DER at batch 32 asks for: two
 * draws of 32 rows, an offer of 32, new logits for 64. */
#include "bench.h"
#include "buffer/draw.h"
#include "buffer/save.h"
#include "buffer/storage.h"
#include "store/runfile.h"

#include <mneme/registry.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 32, LOGITS = 10, IMAGE = 3 * 32 * 32, COMMIT_ROWS = 25000 };

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
    mn_bench_demand(mn_buffer_new(&spec, &buffer));
    mn_bench_demand(mn_buffer_add_column(buffer, "logits", LOGITS));
    return buffer;
}

static void commit(mn_buffer *buffer, mn_runfile *file)
{
    if (file == NULL)
        return;
    mn_bench_demand(mn_buffer_save(buffer, file));
    mn_bench_demand(mn_runfile_commit(file));
    mn_buffer_saved(buffer);
    mn_bench_demand(mn_runfile_begin(file));
}

static void offer(mn_buffer *buffer, mn_runfile *file, int64_t first, int64_t batches)
{
    for (int64_t i = 0; i < batches; i++) {
        mn_bench_demand(mn_buffer_offer(buffer, batch_of(first + i)));
        if ((first + i + 1) % (COMMIT_ROWS / BATCH) == 0)
            commit(buffer, file);
    }
    commit(buffer, file);
}

static void draw(mn_buffer *buffer, const char *purpose, int64_t i, mn_batch_space *space)
{
    int64_t slots[BATCH];
    const int64_t count = mn_buffer_draw(buffer, mn_key_of((uint64_t)i, purpose), BATCH, slots);
    mn_bench_demand(mn_buffer_gather(buffer, slots, count, space));
}

static void update(mn_buffer *buffer, const mn_batch *rows)
{
    const float *logits = rows->column[0].values;
    mn_bench_demand(mn_buffer_update_column(buffer, rows->slots, rows->count, "logits", logits));
}

static void step(mn_buffer *buffer, int64_t i, mn_batch_space *dark, mn_batch_space *labels)
{
    draw(buffer, "bench.dark", i, dark);
    draw(buffer, "bench.labels", i, labels);
    mn_bench_demand(mn_buffer_offer(buffer, batch_of(i)));
    update(buffer, &dark->batch);
    update(buffer, &labels->batch);
}

static double rate(int64_t batches, double since)
{
    return (double)(batches * BATCH) / (mn_bench_now() - since);
}

static void measure(int64_t rows, int64_t memory, mn_runfile *file, int64_t batches)
{
    mn_batch_space dark = {0}, labels = {0};
    mn_buffer *buffer = new_buffer(rows, memory, file);
    const int64_t fill = (rows + BATCH - 1) / BATCH;
    double since = mn_bench_now();
    offer(buffer, file, 0, fill);
    printf("{\"rows\": %lld, \"filled_per_s\": %.0f", (long long)rows, rate(fill, since));
    since = mn_bench_now();
    offer(buffer, file, fill, batches);
    printf(", \"offered_per_s\": %.0f", rate(batches, since));
    since = mn_bench_now();
    for (int64_t i = 0; i < batches; i++)
        draw(buffer, "bench.draw", i, &dark);
    printf(", \"drawn_per_s\": %.0f", rate(batches, since));
    since = mn_bench_now();
    for (int64_t i = 0; i < batches; i++)
        update(buffer, &dark.batch);
    printf(", \"updated_per_s\": %.0f", rate(batches, since));
    since = mn_bench_now();
    for (int64_t i = 0; i < batches; i++)
        step(buffer, fill + batches + i, &dark, &labels);
    printf(", \"step_us\": %.2f", 1e6 * (mn_bench_now() - since) / (double)batches);
    if (file != NULL) {
        commit(buffer, file);
        mn_bench_demand(mn_runfile_commit(file));
        since = mn_bench_now();
        mn_bench_demand(mn_buffer_load(buffer, file));
        printf(", \"load_s\": %.2f", mn_bench_now() - since);
    }
    printf(", \"peak_mb\": %.0f}\n", 1e-6 * (double)mn_bench_peak());
    mn_buffer_free(buffer);
    mn_batch_space_free(&labels);
    mn_batch_space_free(&dark);
}

int main(int argc, char **argv)
{
    const int64_t rows = argc > 1 ? atoll(argv[1]) : 0, memory = argc > 2 ? atoll(argv[2]) : 0;
    if (argc > 3 || rows < 1) {
        fprintf(stderr, "usage: bench_buffer ROWS [MEMORY]\n");
        return 2;
    }
    mn_runfile *file = NULL;
    char path[512];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/bench_buffer-%ld.mneme", folder != NULL ? folder : "/tmp",
             (long)getpid());
    if (memory > 0) {
        mn_bench_demand(mn_runfile_create(path, &file));
        mn_bench_demand(mn_runfile_begin(file));
    }
    measure(rows, memory, file, memory > 0 ? 2000 : 20000);
    if (file != NULL)
        mn_bench_demand(mn_runfile_close(file));
    unlink(path);
    return EXIT_SUCCESS;
}
