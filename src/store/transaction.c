/* transaction.c -- what lands together or not at all. */
#include "store/transaction.h"
#include "store/database.h"
#include "store/log.h"

/* It is prepared before there is anything to take back: memory may have run out by then. */
static const char take_back[] = "ROLLBACK";

mn_status mn_runfile_begin(mn_runfile *file)
{
    sqlite3_stmt *prepared;
    if (file->transaction)
        return mn_fail(MN_OUT_OF_ORDER, "%s: a transaction is open already", file->path);
    MN_TRY(mn_database_prepare(file, take_back, &prepared));
    MN_TRY(mn_database_execute(file, file->access == MN_WRITE ? "BEGIN IMMEDIATE" : "BEGIN",
                               "begin a transaction"));
    file->transaction = true;
    file->failed = false;
    return MN_OK;
}

mn_status mn_runfile_commit(mn_runfile *file)
{
    if (!file->transaction)
        return mn_fail(MN_OUT_OF_ORDER, "%s: commit without begin", file->path);
    if (file->failed || sqlite3_get_autocommit(file->database)) {
        mn_runfile_rollback(file);
        return mn_fail(MN_OUT_OF_ORDER, "%s: a transaction that failed cannot be committed",
                       file->path);
    }
    mn_status status = mn_log_count_commit(file);
    if (status == MN_OK)
        status = mn_database_execute(file, "COMMIT", "commit");
    if (status != MN_OK)
        mn_runfile_rollback(file);
    file->transaction = false;
    return status;
}

bool mn_runfile_in_transaction(const mn_runfile *file)
{
    return file->transaction;
}

void mn_runfile_rollback(mn_runfile *file)
{
    sqlite3_stmt *prepared = NULL;
    for (int i = 0; i < file->statements; i++) {
        sqlite3_reset(file->statement[i].statement);
        if (file->statement[i].sql == take_back)
            prepared = file->statement[i].statement;
    }
    if (!sqlite3_get_autocommit(file->database) && prepared != NULL) {
        (void)sqlite3_step(prepared);
        sqlite3_reset(prepared);
    }
    file->transaction = false;
    file->failed = false;
}
