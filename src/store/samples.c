/* samples.c -- images that stand for what was remembered of a class, a row each. */
#include "store/samples.h"
#include "store/database.h"

mn_status mn_runfile_put_sample(mn_runfile *file, int64_t after_task, int32_t label, int64_t place,
                                const uint8_t *image, size_t bytes)
{
    sqlite3_stmt *statement;
    MN_TRY(mn_database_prepare(
        file, "REPLACE INTO sample VALUES (?1, ?2, ?3, row_crc(?1, ?2, ?3, ?4), ?4)", &statement));
    sqlite3_bind_int64(statement, 1, after_task);
    sqlite3_bind_int64(statement, 2, label);
    sqlite3_bind_int64(statement, 3, place);
    sqlite3_bind_blob64(statement, 4, image, bytes, SQLITE_STATIC);
    return mn_database_run(file, statement, "write a sample");
}

static mn_status hand_sample(mn_runfile *file, sqlite3_stmt *row, mn_sample_reader each,
                             void *context)
{
    const mn_sample sample = {
        .label = sqlite3_column_int(row, 0),
        .after_task = sqlite3_column_int64(row, 1),
        .place = sqlite3_column_int64(row, 2),
        .image = sqlite3_column_blob(row, 4),
        .bytes = (size_t)sqlite3_column_bytes(row, 4),
    };
    if (sqlite3_column_int(row, 3) != 1)
        return mn_fail(MN_CORRUPT, "%s: a sample of class %d is damaged; use a copy of the file",
                       file->path, sample.label);
    return each(context, &sample);
}

/* Files written before there were samples are read like any other. */
static mn_status has_samples(mn_runfile *file, bool *has)
{
    sqlite3_stmt *statement;
    MN_TRY(
        mn_database_prepare(file, "SELECT 1 FROM sqlite_schema WHERE name = 'sample'", &statement));
    MN_TRY(mn_database_step(file, statement, has, "read the samples"));
    sqlite3_reset(statement);
    return MN_OK;
}

mn_status mn_runfile_read_samples(mn_runfile *file, mn_sample_reader each, void *context)
{
    sqlite3_stmt *statement;
    bool has;
    MN_TRY(has_samples(file, &has));
    if (!has)
        return MN_OK;
    MN_TRY(mn_database_prepare(file,
                               "SELECT label, after_task, place, "
                               "crc = row_crc(after_task, label, place, image), image "
                               "FROM sample ORDER BY label, after_task, place",
                               &statement));
    for (;;) {
        bool row;
        MN_TRY(mn_database_step(file, statement, &row, "read the samples"));
        if (!row)
            return MN_OK;
        const mn_status status = hand_sample(file, statement, each, context);
        if (status != MN_OK) {
            sqlite3_reset(statement);
            return status;
        }
    }
}
