/* clock.h -- how long something takes. */
#ifndef MN_BASE_CLOCK_H
#define MN_BASE_CLOCK_H

/* Seconds of a clock that only goes forward; only differences mean something. */
double mn_now(void);

#endif
