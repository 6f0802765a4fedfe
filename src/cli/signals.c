/* signals.c -- a handler that sets one flag; everything else happens outside of it. */
#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stop_wanted, interrupts;

static void ask_to_stop(int number)
{
    stop_wanted = 1;
    if (number == SIGINT && ++interrupts > 1) {
        (void)signal(SIGINT, SIG_DFL);
        (void)raise(SIGINT);
    }
}

void mn_signals_catch(void)
{
    struct sigaction action = {.sa_flags = 0}; /* no SA_RESTART: waiting calls wake up */
    action.sa_handler = ask_to_stop;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGXFSZ, &action, NULL);
    (void)sigaction(SIGPIPE, &action, NULL);
}

bool mn_signals_stop(void *context)
{
    (void)context;
    return stop_wanted != 0;
}
