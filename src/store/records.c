/* records.c -- the small rows of a run file: settings, kept numbers, tasks, evaluations, scalars,
 * the cursor.  Every one replaces the row of the same key, so a resumed run may write it again. */
#include "store/records.h"
#include "base/text.h"
#include "store/database.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

static void bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
    sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

/* SQLite has no NaN: it becomes NULL. */
static void bind_real(sqlite3_stmt *statement, int parameter, double value)
{
    if (isnan(value))
        sqlite3_bind_null(statement, parameter);
    else
        sqlite3_bind_double(statement, parameter, value);
}

static void bind_ints(sqlite3_stmt *statement, int first, int count, const int64_t *values)
{
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(statement, first + i, values[i]);
}

mn_status mn_runfile_set(mn_runfile *file, const char *key, const char *value)
{
    sqlite3_stmt *statement;
    MN_TRY(
        mn_database_prepare(file, "REPLACE INTO run VALUES (?1, ?2, row_crc(?1, ?2))", &statement));
    bind_text(statement, 1, key);
    bind_text(statement, 2, value);
    return mn_database_run(file, statement, "write a setting");
}

mn_status mn_runfile_find(mn_runfile *file, const char *key, char **value)
{
    sqlite3_stmt *statement;
    bool row;
    *value = NULL;
    MN_TRY(mn_database_prepare(file, "SELECT value FROM run WHERE key = ?1", &statement));
    bind_text(statement, 1, key);
    MN_TRY(mn_database_step(file, statement, &row, "read a setting"));
    if (!row)
        return MN_OK;
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    *value = text == NULL ? NULL : mn_text_copy(text);
    sqlite3_reset(statement);
    return *value != NULL ? MN_OK
                          : mn_fail(MN_NO_MEMORY, "%s: out of memory for '%s'", file->path, key);
}

mn_status mn_runfile_is_done(mn_runfile *file, bool *done)
{
    char *is;
    MN_TRY(mn_runfile_find(file, "status", &is));
    *done = is != NULL && strcmp(is, "done") == 0;
    mn_memory_give(is);
    return MN_OK;
}

static const char put_kept[] = "REPLACE INTO kept VALUES (?1, ?2, row_crc(?1, ?2))";
static const char get_kept[] = "SELECT value, crc = row_crc(name, value) FROM kept WHERE name = ?1";

mn_status mn_runfile_put_int(mn_runfile *file, const char *name, int64_t value)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file, put_kept, &statement));
    bind_text(statement, 1, name);
    sqlite3_bind_int64(statement, 2, value);
    return mn_database_run(file, statement, "write a kept number");
}

mn_status mn_runfile_put_real(mn_runfile *file, const char *name, double value)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file, put_kept, &statement));
    bind_text(statement, 1, name);
    bind_real(statement, 2, value);
    return mn_database_run(file, statement, "write a kept number");
}

static mn_status find_kept(mn_runfile *file, const char *name, sqlite3_stmt **statement)
{
    bool row;
    MN_TRY(mn_database_prepare(file, get_kept, statement));
    bind_text(*statement, 1, name);
    MN_TRY(mn_database_step(file, *statement, &row, "read a kept number"));
    if (!row)
        return mn_fail(MN_NOT_FOUND, "%s: no number '%s' was kept", file->path, name);
    if (sqlite3_column_int(*statement, 1) == 1)
        return MN_OK;
    sqlite3_reset(*statement);
    return mn_fail(MN_CORRUPT, "%s: the kept number '%s' is damaged", file->path, name);
}

mn_status mn_runfile_get_int(mn_runfile *file, const char *name, int64_t *value)
{
    sqlite3_stmt *statement;
    MN_TRY(find_kept(file, name, &statement));
    const bool whole = sqlite3_column_type(statement, 0) == SQLITE_INTEGER;
    if (whole)
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return whole ? MN_OK
                 : mn_fail(MN_BAD_VALUE, "%s: '%s' was kept as a real number, not a whole one",
                           file->path, name);
}

mn_status mn_runfile_get_real(mn_runfile *file, const char *name, double *value)
{
    sqlite3_stmt *statement;
    MN_TRY(find_kept(file, name, &statement));
    const int type = sqlite3_column_type(statement, 0);
    if (type != SQLITE_INTEGER)
        *value = type == SQLITE_NULL ? (double)NAN : sqlite3_column_double(statement, 0);
    sqlite3_reset(statement);
    return type != SQLITE_INTEGER
               ? MN_OK
               : mn_fail(MN_BAD_VALUE, "%s: '%s' was kept as a whole number, not a real one",
                         file->path, name);
}

mn_status mn_runfile_put_network(mn_runfile *file, const char *owner, const char *name,
                                 const char *type, int64_t classes, const char *options)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file,
                               "REPLACE INTO network VALUES (?1, ?2, ?3, ?4, ?5, "
                               "row_crc(?1, ?2, ?3, ?4, ?5))",
                               &statement));
    bind_text(statement, 1, owner);
    bind_text(statement, 2, name);
    bind_text(statement, 3, type);
    sqlite3_bind_int64(statement, 4, classes);
    bind_text(statement, 5, options);
    return mn_database_run(file, statement, "write a network");
}

mn_status mn_runfile_add_task(mn_runfile *file, int64_t task, int64_t train, int64_t test)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file, "REPLACE INTO task VALUES (?1, ?2, ?3, row_crc(?1, ?2, ?3))",
                               &statement));
    bind_ints(statement, 1, 3, (const int64_t[]){task, train, test});
    return mn_database_run(file, statement, "write a task");
}

mn_status mn_runfile_add_task_class(mn_runfile *file, int64_t task, int64_t label, int64_t original,
                                    const char *name)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(
        file, "REPLACE INTO task_class VALUES (?1, ?2, ?3, ?4, row_crc(?1, ?2, ?3, ?4))",
        &statement));
    bind_ints(statement, 1, 3, (const int64_t[]){task, label, original});
    bind_text(statement, 4, name);
    return mn_database_run(file, statement, "write a class");
}

mn_status mn_runfile_add_evaluation(mn_runfile *file, int64_t step, int64_t after_task,
                                    int64_t on_task, const char *scope, int64_t correct,
                                    int64_t total)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file,
                               "REPLACE INTO evaluation VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                               "row_crc(?1, ?2, ?3, ?4, ?5, ?6))",
                               &statement));
    bind_text(statement, 1, scope);
    bind_ints(statement, 2, 5, (const int64_t[]){after_task, on_task, step, correct, total});
    return mn_database_run(file, statement, "write an evaluation");
}

mn_status mn_runfile_add_scalar(mn_runfile *file, const mn_scalar_place *place, const char *name,
                                double value)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file,
                               "REPLACE INTO scalar VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                               "row_crc(?1, ?2, ?3, ?4, ?5, ?6))",
                               &statement));
    bind_text(statement, 1, name);
    bind_text(statement, 2, place->update != NULL ? place->update : "");
    bind_ints(statement, 3, 2, (const int64_t[]){place->step, place->task});
    bind_text(statement, 5, place->phase);
    bind_real(statement, 6, value);
    return mn_database_run(file, statement, "write a scalar");
}

mn_status mn_runfile_add_probe(mn_runfile *file, const mn_probe_count *probe)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file,
                               "REPLACE INTO probe VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                               "row_crc(?1, ?2, ?3, ?4, ?5, ?6))",
                               &statement));
    bind_text(statement, 1, probe->classifier);
    bind_text(statement, 2, probe->scope);
    bind_ints(statement, 3, 4,
              (const int64_t[]){probe->label, probe->after_task, probe->correct, probe->total});
    return mn_database_run(file, statement, "write a probe");
}

mn_status mn_runfile_set_cursor(mn_runfile *file, const mn_cursor *cursor)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(file,
                               "REPLACE INTO cursor VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, "
                               "row_crc(?1, ?2, ?3, ?4, ?5, ?6, ?7))",
                               &statement));
    const int64_t values[] = {cursor->task,       cursor->stage, cursor->phase,  cursor->length,
                              cursor->phase_step, cursor->step,  cursor->commits};
    bind_ints(statement, 1, 7, values);
    return mn_database_run(file, statement, "write the cursor");
}

mn_status mn_runfile_get_cursor(mn_runfile *file, mn_cursor *cursor)
{
    sqlite3_stmt *statement;
    bool row;
    MN_TRY(
        mn_database_prepare(file,
                            "SELECT task, stage, phase, length, phase_step, step, commits, crc = "
                            "row_crc(task, stage, phase, length, phase_step, step, commits) "
                            "FROM cursor",
                            &statement));
    MN_TRY(mn_database_step(file, statement, &row, "read the cursor"));
    if (!row)
        return mn_fail(MN_NOT_FOUND, "%s: the run has not begun", file->path);
    int64_t value[8];
    for (int i = 0; i < 8; i++)
        value[i] = sqlite3_column_int64(statement, i);
    sqlite3_reset(statement);
    if (value[7] != 1)
        return mn_fail(MN_CORRUPT, "%s: the cursor is damaged", file->path);
    if (value[1] < MN_STAGE_START || value[1] > MN_STAGE_DONE)
        return mn_fail(MN_CORRUPT,
                       "%s: the cursor stands at stage %lld, expected 0 to %d; use the mneme that "
                       "wrote it",
                       file->path, (long long)value[1], MN_STAGE_DONE);
    *cursor = (mn_cursor){.task = value[0],
                          .stage = value[1],
                          .phase = value[2],
                          .length = value[3],
                          .phase_step = value[4],
                          .step = value[5],
                          .commits = value[6]};
    return MN_OK;
}
