/* A transaction is taken back, also where no memory is left to do it with. */
#include "store/records.h"
#include "store/runfile.h"
#include "store/transaction.h"
#include "tests/memory/counted.h"
#include "tests/scratch.h"
#include "tests/suite.h"

START_TEST(a_transaction_is_taken_back_without_memory)
{
    mn_runfile *file;
    char *value;
    scratch_new();
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_set(file, "seed", "3"));
    all_refused = true;
    mn_runfile_rollback(file);
    all_refused = false;
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_find(file, "seed", &value));
    ck_assert_ptr_null(value);
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
    scratch_remove();
}
END_TEST

MN_SUITE("rollback", a_transaction_is_taken_back_without_memory)
