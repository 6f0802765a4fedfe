/* Cores that a process may use: its affinity mask, and the limits of its control groups. */
#include "base/cores.h"
#include "tests/suite.h"

#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

static char root[64], groups[80];

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s/%s", root, folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void make(const char *folder)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", root, folder);
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

/* Cores of a process whose file of groups has this text. */
static int cores(const char *text)
{
    write_text(".", "groups", text);
    return mn_cores_of_groups(groups, root);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about, (void)kind, (void)place;
    return remove(path);
}

static void begin(void)
{
    strcpy(root, "/tmp/mneme-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(groups, sizeof groups, "%s/groups", root);
}

static void end(void)
{
    ck_assert_int_eq(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

START_TEST(a_quota_of_the_second_version_counts)
{
    begin();
    make("pod");
    make("pod/job");
    write_text("pod/job", "cpu.max", "200000 100000\n");
    ck_assert_int_eq(cores("0::/pod/job\n"), 2);
    write_text("pod/job", "cpu.max", "150000 100000\n");
    ck_assert_int_eq(cores("0::/pod/job\n"), 2);
    write_text("pod/job", "cpu.max", "50000 100000\n");
    ck_assert_int_eq(cores("0::/pod/job\n"), 1);
    write_text("pod/job", "cpu.max", "max 100000\n");
    ck_assert_int_eq(cores("0::/pod/job\n"), INT_MAX);
    write_text("pod", "cpu.max", "300000 100000\n"); /* of a group above */
    ck_assert_int_eq(cores("0::/pod/job\n"), 3);
    end();
}
END_TEST

START_TEST(a_quota_of_the_first_version_counts)
{
    begin();
    make("cpu,cpuacct");
    make("cpu,cpuacct/job");
    make("cpuset");
    write_text("cpu,cpuacct/job", "cpu.cfs_quota_us", "400000\n");
    write_text("cpu,cpuacct/job", "cpu.cfs_period_us", "100000\n");
    write_text("cpuset", "cpu.cfs_quota_us", "1\n"); /* of no processor time */
    write_text("cpuset", "cpu.cfs_period_us", "1\n");
    const char *text = "11:cpuset:/\n4:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/\n";
    ck_assert_int_eq(cores(text), 4);
    write_text("cpu,cpuacct/job", "cpu.cfs_quota_us", "-1\n");
    ck_assert_int_eq(cores(text), INT_MAX);
    end();
}
END_TEST

START_TEST(a_container_sees_its_limit_where_groups_are_mounted)
{
    begin();
    write_text(".", "cpu.max", "200000 100000\n");
    ck_assert_int_eq(cores("0::/docker/of/the/host\n"), 2);
    ck_assert_int_eq(cores("0::/\n"), 2);
    ck_assert_int_eq(cores("0::/../..\n"), 2);
    end();
}
END_TEST

START_TEST(without_groups_there_is_no_limit)
{
    begin();
    ck_assert_int_eq(cores(""), INT_MAX);
    ck_assert_int_eq(cores("nonsense\n1:cpu\n::\n"), INT_MAX);
    ck_assert_int_eq(mn_cores_of_groups("/nonexistent", root), INT_MAX);
    end();
}
END_TEST

START_TEST(the_affinity_mask_counts)
{
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &all)) {
            CPU_SET((size_t)cpu, &one);
            break;
        }
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(mn_physical_cores(), 1);
}
END_TEST

MN_SUITE("cores", a_quota_of_the_second_version_counts, a_quota_of_the_first_version_counts,
         a_container_sees_its_limit_where_groups_are_mounted, without_groups_there_is_no_limit,
         the_affinity_mask_counts)
