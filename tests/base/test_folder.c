/* Making the folders above a path. */
#include "base/folder.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <stdbool.h>
#include <sys/stat.h>

static char path[256];

static const char *within(const char *rest)
{
    snprintf(path, sizeof path, "%s/%s", scratch_folder, rest);
    return path;
}

static bool is_folder(const char *rest)
{
    struct stat found;
    return stat(within(rest), &found) == 0 && S_ISDIR(found.st_mode);
}

START_TEST(all_folders_above_are_made_and_the_last_part_is_not)
{
    scratch_new();
    for (int again = 0; again < 2; again++) /* what is there already is fine */
        ck_assert_ok(mn_folder_make_above(within("a/b/run.mneme")));
    ck_assert(is_folder("a/b") && !is_folder("a/b/run.mneme"));
    ck_assert_ok(mn_folder_make_above(within("a//c/")));
    ck_assert(is_folder("a/c"));
    rmdir(within("a/b"));
    rmdir(within("a/c"));
    rmdir(within("a"));
    scratch_remove();
}
END_TEST

START_TEST(a_path_without_folders_needs_none)
{
    ck_assert_ok(mn_folder_make_above("run.mneme"));
    ck_assert_ok(mn_folder_make_above("/run.mneme"));
    ck_assert_ok(mn_folder_make_above(""));
    ck_assert_int_ne(access("run.mneme", F_OK), 0);
}
END_TEST

START_TEST(a_file_in_the_way_is_named)
{
    scratch_new();
    FILE *file = fopen(within("file"), "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_fails(mn_folder_make_above(within("file/run.mneme")), MN_BAD_OPTION,
                    "file' is there and is no folder");
    ck_assert_fails(mn_folder_make_above(within("file/deeper/run.mneme")), MN_BAD_OPTION,
                    "file' is there and is no folder");
    scratch_remove();
}
END_TEST

static void put(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(a_file_takes_a_name_but_not_that_of_a_pipe)
{
    scratch_new();
    char beside[sizeof path], text[16];
    snprintf(beside, sizeof beside, "%s", within("new.part"));
    put(within("new"), "old");
    put(beside, "young");
    ck_assert_ok(mn_folder_take_name(beside, within("new")));
    FILE *file = fopen(within("new"), "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    fclose(file);
    ck_assert_str_eq(text, "young");
    put(beside, "third");
    ck_assert_int_eq(mkfifo(within("pipe"), 0600), 0);
    ck_assert_fails(mn_folder_take_name(beside, within("pipe")), MN_BAD_OPTION,
                    "pipe is no ordinary file and is not replaced");
    unlink(beside);
    ck_assert_fails(mn_folder_take_name(beside, within("new")), MN_IO_FAILED,
                    "new: cannot be written: No such file");
    scratch_remove();
}
END_TEST

MN_SUITE("folder", a_file_takes_a_name_but_not_that_of_a_pipe,
         all_folders_above_are_made_and_the_last_part_is_not, a_path_without_folders_needs_none,
         a_file_in_the_way_is_named)
