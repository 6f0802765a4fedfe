/* clock.c -- the one clock of the house.  Somebody who sets the computer's date moves nothing. */
#include "base/clock.h"

#include <time.h>

double mn_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
