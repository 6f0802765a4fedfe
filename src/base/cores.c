/* cores.c -- the processor: its name, and its cores.
 *
 * Two threads of one core share its arithmetic units: they count as one. */
#include "base/cores.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

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

int mn_physical_cores(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 1;
    cpu_set_t firsts;
    CPU_ZERO(&firsts);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &allowed)) {
            const int first = first_sibling(cpu);
            CPU_SET((size_t)(first >= 0 && first < CPU_SETSIZE ? first : cpu), &firsts);
        }
    const int cores = CPU_COUNT(&firsts);
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
