/* Every query of docs/run-file.md works, and says something about a run. */
#include "store/exemplars.h"
#include "store/records.h"
#include "store/tensors.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include "store/runfile.h"
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const mn_tensor_origin kept_by_test = {"test", "", MN_ROLE_KEPT};

static void write_run(const char *path)
{
    mn_runfile *file;
    mn_tensor *tensor;
    const uint8_t image[4] = {0};
    const float logits[2] = {1, 2};
    ck_assert_ok(mn_runfile_create(path, &file));
    ck_assert_ok(mn_runfile_set(file, "benchmark", "split-fmnist"));
    ck_assert_ok(mn_runfile_set(file, "seconds", "5.3"));
    ck_assert_ok(
        mn_runfile_set(file, "config", "{\"train\": {\"lr\": 0.1, \"buffer_size\": 500}}"));
    for (int task = 0; task < 5; task++) {
        ck_assert_ok(mn_runfile_add_task(file, task, 12000, 2000));
        ck_assert_ok(mn_runfile_add_task_class(file, task, 2 * task, 1, "Trouser"));
        ck_assert_ok(mn_runfile_add_task_class(file, task, 2 * task + 1, 4, "Coat"));
        for (int on = 0; on <= task; on++)
            ck_assert_ok(mn_runfile_add_evaluation(file, 1200 * (task + 1), task, on, "class-il",
                                                   1900, 2000));
    }
    ck_assert_ok(mn_runfile_add_output(file, 4, 0, logits, 1, 2));
    ck_assert_ok(
        mn_runfile_add_scalar(file, &(mn_scalar_place){1, 0, "train", "train"}, "loss", 2.3));
    ck_assert_ok(mn_runfile_put_exemplar(
        file, &(mn_exemplar){.slot = 0, .image = image, .image_bytes = sizeof image}));
    ck_assert_ok(mn_runfile_put_exemplar_column(file, 0, "logits", logits, 2));
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(2), &tensor));
    ck_assert_ok(mn_runfile_put_tensor(file, &kept_by_test, "run/network/fc1.weight", tensor));
    mn_tensor_free(tensor);
    ck_assert_ok(mn_runfile_set_cursor(file, &(mn_cursor){.task = 5}));
    ck_assert_ok(mn_runfile_close(file));
}

/* The last statement of a block must give rows without NULLs in the first. */
static void ask(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    const char *rest = sql;
    while (*rest != '\0' && *rest != '\n') {
        ck_assert_msg(sqlite3_prepare_v2(database, rest, -1, &statement, &rest) == SQLITE_OK,
                      "%s\n%s", sqlite3_errmsg(database), sql);
        const int code = sqlite3_step(statement);
        rest += strspn(rest, "\n");
        if (*rest != '\0') {
            ck_assert_int_eq(code, SQLITE_DONE);
        } else {
            ck_assert_msg(code == SQLITE_ROW, "no rows:\n%s", sql);
            for (int i = 0; i < sqlite3_column_count(statement); i++)
                if (strncmp(sqlite3_column_name(statement, i), "task_", 5) != 0) /* the triangle */
                    ck_assert_msg(sqlite3_column_type(statement, i) != SQLITE_NULL, "%s", sql);
        }
        sqlite3_finalize(statement);
    }
}

START_TEST(the_queries_of_the_page_work)
{
    char page[4096], line[512], sql[2048] = "";
    snprintf(page, sizeof page, "%s/docs/run-file.md", getenv("MNEME_SOURCE"));
    FILE *stream = fopen(page, "r");
    ck_assert_msg(stream != NULL, "no %s", page);
    scratch_new();
    write_run(scratch_path);
    ck_assert_int_eq(chdir(scratch_folder), 0);
    write_run("er.mneme");
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(scratch_path, &database), SQLITE_OK);
    int queries = 0;
    bool inside = false;
    while (fgets(line, sizeof line, stream) != NULL) {
        if (strcmp(line, "```sql\n") == 0) {
            inside = true;
            sql[0] = '\0';
        } else if (inside && strcmp(line, "```\n") == 0) {
            inside = false;
            queries++;
            ask(database, sql);
        } else if (inside) {
            ck_assert_uint_lt(strlen(sql) + strlen(line), sizeof sql);
            strcat(sql, line);
        }
    }
    ck_assert_int_eq(queries, 11);
    fclose(stream);
    sqlite3_close(database);
    scratch_remove();
}
END_TEST

MN_SUITE("run_file_page", the_queries_of_the_page_work)
