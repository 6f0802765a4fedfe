/* maps.h -- how what goes into a network's norms, and what is in its attentions, comes among the
 * maps of a forward. */
#ifndef MN_NN_MAPS_H
#define MN_NN_MAPS_H

#include <mneme/network.h>

/* A list that is being made; both NULL: none yet. */
typedef struct mn_maps {
    const mn_map *newest;
    mn_map *oldest;
} mn_maps;

/* Adds x, which goes into the norm that this statistic belongs to. */
void mn_maps_into_norm(mn_maps *maps, mn_var *x, const char *statistic, const mn_tensor *mean,
                       const mn_tensor *variance);
/* Adds x (B heads, rows, columns) as (B, heads, rows, columns), under the name of the attention
 * that has this parameter, and the role's. */
void mn_maps_of_attention(mn_maps *maps, mn_var *x, mn_map_role role, const char *parameter,
                          int64_t heads);
/* Puts a list in front of the maps that the forward has. */
void mn_maps_join(mn_forwarded *forwarded, const mn_maps *more);

#endif
