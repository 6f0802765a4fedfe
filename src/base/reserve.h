/* reserve.h -- memory that is kept back for libraries of C++, which end the process without it. */
#ifndef MN_BASE_RESERVE_H
#define MN_BASE_RESERVE_H

#include <mneme/status.h>

/* To be asked before such a library is called: MN_NO_MEMORY where the reserve is spent and cannot
 * be had again. */
mn_status mn_reserve_hold(void);

#endif
