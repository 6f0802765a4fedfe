/* networks.h -- what a run file says of a network: how it is made, and which weights it has. */
#ifndef MN_STORE_NETWORKS_H
#define MN_STORE_NETWORKS_H

#include "store/handle.h"

/* How a network is made anew.  The texts are the caller's to give back. */
typedef struct mn_network_facts {
    char *type, *options; /* options: JSON */
    int64_t classes;      /* outputs */
} mn_network_facts;

/* MN_NOT_FOUND where the run has no such network. */
mn_status mn_runfile_get_network(mn_runfile *file, const char *owner, const char *name,
                                 mn_network_facts *facts);
void mn_network_facts_free(mn_network_facts *facts);

enum { MN_NETWORK_DIGEST = 9 };
/* The CRC-32, in hexadecimal, of the names, shapes and values of its weights and statistics.
 * MN_NOT_FOUND where there are none. */
mn_status mn_runfile_network_digest(mn_runfile *file, const char *owner, const char *name,
                                    char digest[MN_NETWORK_DIGEST]);

#endif
