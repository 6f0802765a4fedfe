/* cores.c -- the processor: its name, and its cores.
 *
 * Two threads of one core share its arithmetic units: they count as one.  A container that may use
 * two cores' worth of time sees all cores of its host: more threads than two would wait for time.
 */
#include "base/cores.h"

#include <limits.h>
#include <mneme/memory.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MOST_CORES = 1 << 16, LONGEST_PATH = 4096 };

/* The first of the threads that share this one's core; itself where the system does not say. */
static int first_sibling(int cpu)
{
    char path[96];
    int first = cpu;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return cpu;
    if (fscanf(file, "%d", &first) != 1)
        first = cpu;
    fclose(file);
    return first;
}

/* Cores of the affinity mask; machines may have more of them than fit into a cpu_set_t. */
static int cores_of_mask(void)
{
    for (int most = CPU_SETSIZE; most <= MOST_CORES; most *= 4) {
        const size_t bytes = (size_t)most / CHAR_BIT;
        cpu_set_t *allowed = mn_memory_take_zeroed(1, bytes);
        cpu_set_t *firsts = mn_memory_take_zeroed(1, bytes);
        const bool known =
            allowed != NULL && firsts != NULL && sched_getaffinity(0, bytes, allowed) == 0;
        for (int cpu = 0; known && cpu < most; cpu++)
            if (CPU_ISSET_S((size_t)cpu, bytes, allowed)) {
                const int first = first_sibling(cpu);
                CPU_SET_S((size_t)(first >= 0 && first < most ? first : cpu), bytes, firsts);
            }
        const int cores = known ? CPU_COUNT_S(bytes, firsts) : 0;
        mn_memory_give(allowed);
        mn_memory_give(firsts);
        if (known)
            return cores;
    }
    return 1;
}

/* --- control groups --- */

/* The first numbers of a small file; "max" is none.  Returns how many there are. */
static int read_numbers(const char *folder, const char *name, long long *first, long long *second)
{
    char path[LONGEST_PATH];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    const int found = fscanf(file, "%lld %lld", first, second);
    fclose(file);
    return found;
}

/* Of the group in a folder: version 2 has both numbers in one file, version 1 in two. */
static int cores_of_folder(const char *folder)
{
    long long quota = -1, period = 0, none;
    if (read_numbers(folder, "cpu.max", &quota, &period) != 2 &&
        (read_numbers(folder, "cpu.cfs_quota_us", &quota, &none) != 1 ||
         read_numbers(folder, "cpu.cfs_period_us", &period, &none) != 1))
        return INT_MAX;
    if (quota <= 0 || period <= 0 || quota / period >= INT_MAX)
        return INT_MAX;
    return (int)((quota + period - 1) / period);
}

/* The least of a group's and of all above it.  Inside a container the path may be the host's, and
 * only the folder where groups are mounted is the container's own. */
static int cores_of_group(const char *mounted, char *path)
{
    char folder[LONGEST_PATH];
    int least = INT_MAX;
    for (;;) {
        if (snprintf(folder, sizeof folder, "%s%s", mounted, path) < (int)sizeof folder) {
            const int cores = cores_of_folder(folder);
            least = cores < least ? cores : least;
        }
        char *slash = strrchr(path, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* Whether a list like "cpu,cpuacct" has the controller of processor time. */
static bool controls_time(const char *controllers)
{
    for (const char *at = controllers; at != NULL; at = strchr(at, ','))
        if (strncmp(at += *at == ',', "cpu", 3) == 0 && (at[3] == '\0' || at[3] == ','))
            return true;
    return false;
}

int mn_cores_of_groups(const char *groups, const char *root)
{
    char line[LONGEST_PATH], mounted[LONGEST_PATH];
    int least = INT_MAX;
    FILE *file = fopen(groups, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'); /* "4:cpu,cpuacct:/group", "0::/group" */
        char *path = controllers != NULL ? strchr(++controllers, ':') : NULL;
        if (path == NULL)
            continue;
        *path++ = '\0';
        const bool second = controllers[0] == '\0';
        if (!second && !controls_time(controllers))
            continue;
        snprintf(mounted, sizeof mounted, "%s%s%s", root, second ? "" : "/", controllers);
        const int cores = cores_of_group(mounted, path);
        least = cores < least ? cores : least;
    }
    if (file != NULL)
        fclose(file);
    return least;
}

int mn_physical_cores(void)
{
    const int allowed = cores_of_mask();
    const int paid = mn_cores_of_groups("/proc/self/cgroup", "/sys/fs/cgroup");
    const int cores = paid < allowed ? paid : allowed;
    return cores > 0 ? cores : 1;
}

void mn_processor_name(char *name, size_t bytes)
{
    snprintf(name, bytes, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(name, bytes, "%s", colon + 2);
        break;
    }
    if (file != NULL)
        fclose(file);
}
