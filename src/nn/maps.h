/* maps.h -- how what goes into a network's norms comes among the maps of a forward. */
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
/* Puts a list in front of the maps that the forward has. */
void mn_maps_join(mn_forwarded *forwarded, const mn_maps *more);

#endif
