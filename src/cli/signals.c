/* signals.c -- a handler that sets one flag; everything else happens outside of it. */
#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

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
    static const int asking[] = {SIGINT, SIGTERM, SIGUSR1,
                                 SIGUSR2}; /* clusters send the last two */
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++)
        (void)sigaction(asking[i], &action, NULL);
    struct sigaction hang_up;
    if (sigaction(SIGHUP, NULL, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN) /* nohup */
        (void)sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGXFSZ, &action, NULL);
    (void)sigaction(SIGPIPE, &action, NULL);
}

bool mn_signals_stop(void *context)
{
    (void)context;
    return stop_wanted != 0;
}

void mn_signals_follow(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it ended before it could be followed */
        _exit(128 + SIGTERM);
}
