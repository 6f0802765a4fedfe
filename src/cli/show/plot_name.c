/* plot_name.c -- what a group of runs is called in every kind of figure. */
#include "cli/show/plot_name.h"
#include "cli/complain.h"

#include <mneme/memory.h>
#include <string.h>

bool mn_plot_several_benchmarks(const mn_runs *runs)
{
    for (int group = 1; group < runs->group_count; group++)
        if (strcmp(runs->group[group].run->benchmark, runs->group[0].run->benchmark) != 0)
            return true;
    return false;
}

char *mn_plot_name(const mn_runs *runs, int group)
{
    const mn_group *g = &runs->group[group];
    char *members =
        g->members > 1 ? mn_text(" (n = %lld)", (long long)g->members) : mn_text("%s", "");
    char *name = mn_plot_several_benchmarks(runs)
                     ? mn_text("%s, %s%s", g->run->benchmark, g->label, members)
                     : mn_text("%s%s", g->label, members);
    mn_memory_give(members);
    return name;
}
