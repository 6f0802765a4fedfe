/* maps.c -- intermediate maps of a forward, asked for by name.
 *
 * They are a list on the tape's arena: they die with the values that they name, and a network may
 * have any number of them. */
#include "autograd/memory.h"

#include <mneme/network.h>
#include <stdio.h>
#include <string.h>

struct mn_map {
    const mn_map *before;
    mn_var *value;
    char name[];
};

void mn_network_map_add(mn_forwarded *forwarded, const char *name, mn_var *x)
{
    if (x == NULL)
        return;
    mn_map *map = mn_tape_take(mn_tape_of(x), sizeof *map + strlen(name) + 1);
    if (map == NULL)
        return; /* the tape has failed with it */
    map->before = forwarded->maps;
    map->value = x;
    memcpy(map->name, name, strlen(name) + 1);
    forwarded->maps = map;
}

/* "layer1, layer2, layer3", as many as fit. */
static void list_names(const mn_map *maps, char *text, size_t size)
{
    if (maps->before != NULL)
        list_names(maps->before, text, size);
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", maps->name);
}

mn_var *mn_network_map(const mn_forwarded *forwarded, const char *name)
{
    for (const mn_map *map = forwarded->maps; map != NULL; map = map->before)
        if (strcmp(map->name, name) == 0)
            return map->value;
    char names[256] = "";
    if (forwarded->maps != NULL)
        list_names(forwarded->maps, names, sizeof names);
    return mn_tape_refuse(mn_tape_of(forwarded->logits), "network",
                          mn_fail(MN_NOT_FOUND, "no map '%s'; this network has %s", name,
                                  forwarded->maps != NULL ? names : "none"));
}
