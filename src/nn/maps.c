/* maps.c -- intermediate maps of a forward, asked for by name or by role.
 *
 * They are a list on the tape's arena: they die with the values that they name, and a network may
 * have any number of them. */
#include "nn/maps.h"
#include "autograd/memory.h"

#include <mneme/network.h>
#include <mneme/ops.h>
#include <stdio.h>
#include <string.h>

struct mn_map {
    const mn_map *before;
    mn_var *value;
    mn_map_role role;
    const mn_tensor *mean, *variance;
    char name[];
};

/* NULL when memory ran out, and the tape has failed with it. */
static mn_map *new_map(const char *name, size_t length, const char *what, mn_var *x,
                       mn_map_role role)
{
    const size_t more = strlen(what) + 1;
    mn_map *map = mn_tape_take(mn_tape_of(x), sizeof *map + length + more);
    if (map == NULL)
        return NULL;
    *map = (mn_map){.value = x, .role = role};
    memcpy(map->name, name, length);
    memcpy(map->name + length, what, more);
    return map;
}

static void add(mn_forwarded *forwarded, const char *name, mn_var *x, mn_map_role role)
{
    mn_map *map = x != NULL ? new_map(name, strlen(name), "", x, role) : NULL;
    if (map == NULL)
        return;
    map->before = forwarded->maps;
    forwarded->maps = map;
}

void mn_network_map_add(mn_forwarded *forwarded, const char *name, mn_var *x)
{
    add(forwarded, name, x, MN_MAP_NAMED);
}

void mn_network_map_last(mn_forwarded *forwarded, mn_var *x)
{
    add(forwarded, "", x, MN_MAP_BEFORE_POOLING);
}

/* Of a layer: named as its parameter or statistic up to the last dot, "layer1.0.bn1.running_mean",
 * and what it is.  Kept, or else its layer gives it back as soon as it is used. */
static mn_map *add_of_layer(mn_maps *maps, mn_var *x, mn_map_role role, const char *member,
                            const char *what)
{
    const char *dot = strrchr(member, '.');
    const size_t length = dot != NULL ? (size_t)(dot - member) : strlen(member);
    mn_map *map = x != NULL ? new_map(member, length, what, x, role) : NULL;
    if (map == NULL)
        return NULL;
    map->before = maps->newest;
    maps->newest = map;
    if (maps->oldest == NULL)
        maps->oldest = map;
    return map;
}

void mn_maps_into_norm(mn_maps *maps, mn_var *x, const char *statistic, const mn_tensor *mean,
                       const mn_tensor *variance)
{
    mn_map *map = add_of_layer(maps, x, MN_MAP_INTO_NORM, statistic, "");
    if (map == NULL)
        return;
    map->mean = mean;
    map->variance = variance;
    mn_var_keep(x); /* else its layer gives it back as soon as the norm is made */
}

void mn_maps_of_attention(mn_maps *maps, mn_var *x, mn_map_role role, const char *parameter,
                          int64_t heads)
{
    const mn_shape shape = mn_shape_of(x);
    mn_var *apart =
        mn_reshape(x, MN_SHAPE(shape.size[0] / heads, heads, shape.size[1], shape.size[2]));
    (void)add_of_layer(maps, apart, role, parameter, role == MN_MAP_SCORES ? ".scores" : ".heads");
}

void mn_maps_join(mn_forwarded *forwarded, const mn_maps *more)
{
    if (more->oldest == NULL)
        return;
    more->oldest->before = forwarded->maps;
    forwarded->maps = more->newest;
}

/* "layer1, layer2, layer3", as many as fit. */
static void list_names(const mn_map *maps, char *text, size_t size)
{
    if (maps->before != NULL)
        list_names(maps->before, text, size);
    const size_t used = strlen(text);
    if (maps->name[0] != '\0')
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
                                  names[0] != '\0' ? names : "none"));
}

mn_role_map mn_network_map_of_role(const mn_forwarded *forwarded, mn_map_role role, int i)
{
    static const char *const lacks[] = {
        "has no map before pooling",
        "has no norm with running statistics, or the forward was made without MN_NORM_INPUTS",
        "has no attention, or the forward was made without gradients and without MN_ATTENTIONS",
        "has no attention, or the forward was made without gradients and without MN_ATTENTIONS",
        "has no maps with names"};
    int count = 0, place = i;
    for (const mn_map *map = forwarded->maps; map != NULL; map = map->before)
        count += map->role == role;
    for (const mn_map *map = forwarded->maps; map != NULL && place < count; map = map->before)
        if (map->role == role && ++place == count) /* the list begins with the last */
            return (mn_role_map){map->name, map->value, map->mean, map->variance};
    mn_role_map none = {.name = ""};
    if (i == 0) /* later ones end a loop */
        none.value = mn_tape_refuse(mn_tape_of(forwarded->logits), "network",
                                    mn_fail(MN_UNSUPPORTED, "the network %s", lacks[role]));
    return none;
}
