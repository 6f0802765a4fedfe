/* interruptions.h -- a timer whose signals interrupt the test. */
#ifndef MN_TESTS_INTERRUPTIONS_H
#define MN_TESTS_INTERRUPTIONS_H

#include "tests/suite.h"

#include <signal.h>
#include <sys/time.h>

static volatile sig_atomic_t interruptions;

static inline void count_interruption(int number)
{
    (void)number;
    interruptions++;
}

/* 0: no more */
static inline void interrupt_every(long microseconds)
{
    struct sigaction action = {.sa_handler = count_interruption};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    const struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

#endif
