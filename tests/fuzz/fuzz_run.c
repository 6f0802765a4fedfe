/* Whatever bytes a run file has, all that reads it ends with success or one line of why not.
 *
 * Each input is read as it is, and once more with right checksums: a forged file has them. */
#include "store/database.h"
#include "tests/fuzz/fuzz.h"

#include <mneme/groups.h>
#include <mneme/memory.h>
#include <mneme/run.h>
#include <stdlib.h>

enum { MOST_BYTES = 1 << 28 };

/* Columns of row_crc, by table: as src/store/check.c has them. */
static const char *const seals[] = {
    "UPDATE run SET crc = row_crc(key, value)",
    "UPDATE task SET crc = row_crc(task, train, test)",
    "UPDATE task_class SET crc = row_crc(task, label, original, name)",
    "UPDATE test_label SET crc = row_crc(on_task, rows, labels)",
    "UPDATE evaluation SET crc = row_crc(scope, after_task, on_task, step, correct, total)",
    "UPDATE output SET crc = row_crc(after_task, on_task, rows, width, logits)",
    "UPDATE scalar SET crc = row_crc(name, update_name, step, task, phase, value)",
    "UPDATE probe SET crc = row_crc(classifier, scope, label, after_task, correct, total)",
    "UPDATE exemplar SET crc = row_crc(slot, label, task, seen, labelled, source, image)",
    "UPDATE exemplar_column SET crc = row_crc(slot, name, data)",
    "UPDATE sample SET crc = row_crc(after_task, label, place, image)",
    "UPDATE network SET crc = row_crc(owner, name, type, classes, options)",
    "UPDATE tensor SET crc = row_crc(name, owner, part, role, dtype, shape, data)",
    "UPDATE kept SET crc = row_crc(name, value)",
    "UPDATE cursor SET crc = row_crc(task, stage, phase, length, phase_step, step, commits)",
    "UPDATE mark SET crc = row_crc(salt, commits)",
    "DELETE FROM digest",
};

static void seal(const char *path)
{
    sqlite3 *database;
    if (sqlite3_open(path, &database) == SQLITE_OK &&
        mn_database_add_functions(database) == SQLITE_OK) {
        sqlite3_exec(database, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
        for (size_t i = 0; i < sizeof seals / sizeof seals[0]; i++)
            sqlite3_exec(database, seals[i], NULL, NULL, NULL);
    }
    sqlite3_close(database);
}

static bool at_once(void *context)
{
    (void)context;
    return true;
}

static void note(void *context, const char *path, mn_status status)
{
    (void)context, (void)path;
    demand_message(status);
}

static void read_results(const char *path)
{
    mn_results *results;
    const mn_status status = mn_results_open(path, &results);
    demand_message(status);
    if (status != MN_OK)
        return;
    for (int scope = 0; scope < MN_SCOPES; scope++)
        for (int64_t on = 0; on < mn_results_tasks(results); on++) {
            mn_curve_point *points;
            int64_t count;
            demand_message(mn_results_curve(results, (mn_scope)scope, on, &points, &count));
            mn_memory_give(points);
            (void)mn_results_accuracy(results, (mn_scope)scope, on, 0);
            (void)mn_results_task_classes(results, on);
        }
    mn_results_free(results);
}

static void read_runs(const char *path)
{
    mn_runs *runs;
    const char *both[] = {path, path};
    const mn_status status = mn_runs_open(both, 2, &runs);
    demand_message(status);
    if (status != MN_OK)
        return;
    demand_message(mn_runs_check_pairs(runs));
    mn_runs_free(runs);
}

static void read_all(const char *path)
{
    read_results(path);
    read_runs(path);
    demand_message(mn_results_check(&path, 1, note, NULL));
    demand_message(mn_export_weights(path, "/dev/shm/mneme-fuzz.out"));
    demand_message(mn_results_sheet(path, "/dev/shm/mneme-fuzz.out"));
    demand_message(mn_results_samples(path, "/dev/shm/mneme-fuzz.out"));
}

static void *take(void *earlier, size_t alignment, size_t bytes)
{
    void *taken = NULL;
    if (bytes > MOST_BYTES) /* on a file's word alone */
        return NULL;
    if (alignment <= 16)
        return realloc(earlier, bytes);
    if (posix_memalign(&taken, alignment, bytes) != 0)
        return NULL;
    if (earlier != NULL)
        abort(); /* mneme does not move what is aligned */
    return taken;
}

static void limit_memory(void)
{
    static bool limited;
    if (!limited)
        demand(mn_memory_use(&(mn_memory_hooks){take, free}) == MN_OK, "memory is not limited");
    limited = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char path[64], other[80];
    static const char *const beside[] = {"", "-wal", "-shm", "-lock", "-journal"};
    limit_memory();
    snprintf(path, sizeof path, "/dev/shm/mneme-fuzz-%d.mneme", (int)getpid());
    FILE *file = fopen(path, "wb");
    demand(file != NULL && fwrite(bytes, 1, count, file) == count && fclose(file) == 0,
           "no file to write to");
    read_all(path);
    seal(path);
    read_all(path);
    demand_message(mn_resume(path, &(mn_observer){.stop = at_once}));
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        snprintf(other, sizeof other, "%s%s", path, beside[i]);
        (void)unlink(other);
    }
    return 0;
}
