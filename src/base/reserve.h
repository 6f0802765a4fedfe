/* reserve.h -- memory for libraries that end the process without it.  It is the C library's, where
 * theirs comes from, whatever hooks a host has set. */
#ifndef MN_BASE_RESERVE_H
#define MN_BASE_RESERVE_H

#include <mneme/status.h>
#include <stddef.h>

/* To be asked before a library of C++ is called: MN_NO_MEMORY where the reserve that is kept back
 * for those is spent and cannot be had again. */
mn_status mn_reserve_hold(void);
/* To be asked before a library of C is called that takes at most so many bytes, libarchive or
 * libgomp: MN_NO_MEMORY where they are not there. */
mn_status mn_reserve_ask(size_t bytes);
enum { MN_RESERVE_REGION = 64 * 1024 }; /* what libgomp takes to enter a region that is parallel */

#endif
