/* signals.c -- a handler that sets one flag; everything else happens outside of it. */
#include "cli/signals.h"

#include <mneme/observer.h>
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

/* --- crashes --- */

/* Only what may be called in a handler: no stdio, no memory, no locks. */
typedef struct line {
    char text[256];
    size_t used;
} line;

static void add(line *l, const char *text)
{
    while (*text != '\0' && l->used < sizeof l->text - 1)
        l->text[l->used++] = *text++;
}

static void add_number(line *l, int64_t number)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0 && at > 0);
    add(l, digits + at);
}

static void name_crash(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
                 {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"}, {0, "a signal"}};
    const mn_hook_place place = mn_hook_running();
    size_t i = 0;
    while (names[i].number != number && names[i].number != 0)
        i++;
    line l = {.used = 0};
    if (place.owner != NULL) {
        add(&l, "mneme: crashed by ");
        add(&l, names[i].name);
        add(&l, " in ");
        add(&l, place.owner);
        add(&l, ": ");
        add(&l, place.hook);
        if (place.task >= 0) {
            add(&l, ", task ");
            add_number(&l, place.task + 1);
            add(&l, ", step ");
            add_number(&l, place.step);
            add(&l, "; the last commit is kept");
        }
        add(&l, "\n");
        const ssize_t written = write(STDERR_FILENO, l.text, l.used);
        (void)written; /* there is nobody left to tell */
    }
    (void)raise(number); /* by now it has its own way again */
}

void mn_signals_name_crashes(void)
{
    static char stack[1 << 16]; /* of its own: the usual one may be what has run out */
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_flags = (int)(SA_RESETHAND | SA_ONSTACK | SA_NODEFER)}, before;
    if (sigaltstack(&own, NULL) != 0)
        return;
    action.sa_handler = name_crash;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        if (sigaction(crashes[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            (void)sigaction(crashes[i], &action, NULL); /* a sanitizer's handler stays */
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
