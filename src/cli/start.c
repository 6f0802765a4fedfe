/* start.c -- one core, and not for ever, while the libraries begin.
 *
 * OpenBLAS starts a thread for every core that it sees as it is loaded, and takes 128 MB of
 * addresses for each; mneme uses none of them.  OpenMP's threads spin for many milliseconds before
 * they sleep, as if the machine were theirs alone, unless there are more of them than cores as it
 * was loaded. Both read variables of the environment, but before main() can set them: what stands
 * in .preinit_array runs earlier still, when the C library has no environment yet.  So the process
 * is bound to the core that it is on, and set free when all libraries have begun.
 *
 * Where addresses are limited (ulimit -v), some versions of OpenBLAS ask for their 128 MB again and
 * again as they are loaded.  So a clock of the processor's time runs until all have begun.
 *
 * This is of the program alone.  A host that loads the library sets OPENBLAS_NUM_THREADS=1 and
 * OMP_WAIT_POLICY=passive in the environment that it is started with. */
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { BITS = 8 * sizeof(long), WORDS = 8192 / BITS };

static unsigned long allowed[WORDS]; /* a bit a core */
static long bytes;                   /* of them that the system uses; 0: nothing was changed */

/* Sanitizers have not begun either, and theirs are the functions for texts. */
#define BEFORE_ALL __attribute__((no_sanitize("address", "thread", "undefined")))

BEFORE_ALL static bool begins_with(const char *text, const char *beginning)
{
    while (*beginning != '\0' && *text == *beginning)
        text++, beginning++;
    return *beginning == '\0';
}

/* Whoever says where OpenMP's threads belong means the cores that there are. */
BEFORE_ALL static bool places_threads(char *const *variables)
{
    for (; *variables != NULL; variables++)
        if (begins_with(*variables, "OMP_PLACES=") || begins_with(*variables, "OMP_PROC_BIND=") ||
            begins_with(*variables, "GOMP_CPU_AFFINITY="))
            return true;
    return false;
}

BEFORE_ALL static void bind_to_one_core(char *const *variables)
{
    static unsigned long one[WORDS];
    unsigned core = 0;
    const long found = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed);
    if (found <= 0 || places_threads(variables) || syscall(SYS_getcpu, &core, NULL, NULL) != 0 ||
        core >= WORDS * BITS)
        return;
    one[core / BITS] = 1ul << core % BITS;
    if (syscall(SYS_sched_setaffinity, 0, found, one) == 0)
        bytes = found;
}

enum { SECONDS_TO_BEGIN = 2 };
static bool limited;

BEFORE_ALL static void give_up(int number)
{
    static const char line[] =
        "mneme: too little memory for a library: OpenBLAS asks for 128 MB of addresses again and "
        "again as it is loaded; allow more, as with ulimit -v 300000\n";
    (void)number;
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
    _exit(1);
}

/* Sanitizers take terabytes of addresses, and their sigaction() is not there yet. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MAY_RUN = 0 };
#else
enum { MAY_RUN = 1 };
#endif

BEFORE_ALL static void run_a_clock(void)
{
    if (!MAY_RUN)
        return;
    static const struct itimerval clock = {{0, 0}, {SECONDS_TO_BEGIN, 0}};
    static struct sigaction action = {.sa_handler = give_up};
    struct rlimit addresses;
    if (syscall(SYS_getrlimit, RLIMIT_AS, &addresses) != 0 || addresses.rlim_cur == RLIM_INFINITY)
        return;
    limited = sigaction(SIGPROF, &action, NULL) == 0 &&
              syscall(SYS_setitimer, ITIMER_PROF, &clock, NULL) == 0;
}

BEFORE_ALL static void begin(int argument_count, char **arguments, char **variables)
{
    (void)argument_count, (void)arguments;
    bind_to_one_core(variables);
    run_a_clock();
}

/* One pointer: a sanitizer puts zeros behind an array, and they would be called. */
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **,
                                                                            char **) = begin;

/* The program's own constructors run after those of all its libraries. */
__attribute__((constructor)) static void set_free(void)
{
    static const struct itimerval none;
    if (bytes > 0)
        (void)syscall(SYS_sched_setaffinity, 0, bytes, allowed);
    if (!limited)
        return;
    (void)setitimer(ITIMER_PROF, &none, NULL);
    (void)signal(SIGPROF, SIG_DFL);
}
