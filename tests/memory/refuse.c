/* A module that is loaded before the program's libraries (LD_PRELOAD) and refuses memory to all of
 * them: mneme's own code, oneDNN, OpenBLAS, SQLite, libgomp and the C library.
 *
 * Environment:
 *   MN_REFUSE=N      the N-th piece of memory that is asked for from main() on is refused, once;
 *                    MN_REFUSE=N+ refuses it and all that follow
 *   MN_REFUSE_ABOVE=B  refuses what would bring the memory that is out above B bytes
 *   MN_REFUSE_LOG=F  F is written: one line "asked N" when the program ends, one line
 *                    "refused N BYTES OBJECT ..." with the callers of a piece that is refused
 *   MN_REFUSE_WHO=1  F has a line "piece N OBJECT CHAIN OUT" for each piece; CHAIN is a number of
 *                    the callers, so that pieces asked for on one way through the program have one;
 *                    OUT are the bytes that are out with it, and " most" follows where they are
 * more than ever before
 *
 * Counting begins with main(), for what the loader and libraries' constructors do is not the
 * program's.  Memory comes from the C library's own functions, so that its free() takes it back. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

enum { MOST_FRAMES = 24 };

static atomic_bool counting;
static atomic_long asked, out, most_out; /* pieces; bytes now, and at most so far */
static long above;                       /* bytes; 0: no limit */
static long refused_at;
static bool refused_on, refused_before, tells_who;
static int log_file = -1;
static pid_t started_in; /* processes that the program forks do not count */
static _Thread_local bool inside;

typedef struct place {
    const void *address;
    const char *object; /* file name of what holds the address */
    size_t offset;      /* in the object, which is loaded elsewhere each time */
    bool asks;          /* neither this module nor the C and C++ libraries */
} place;

static place look_up(const void *address)
{
    Dl_info self, info;
    if (dladdr((const void *)(size_t)&look_up, &self) == 0 || dladdr(address, &info) == 0)
        return (place){address, "unknown", 0, false};
    const char *slash = strrchr(info.dli_fname, '/');
    const char *object = slash != NULL ? slash + 1 : info.dli_fname;
    return (place){address, object, (size_t)((const char *)address - (const char *)info.dli_fbase),
                   info.dli_fbase != self.dli_fbase && strncmp(object, "libc.", 5) != 0 &&
                       strncmp(object, "libstdc++", 9) != 0};
}

/* The loader searches long; a program asks from a few thousand places. */
static const place *place_of(const void *address)
{
    static _Thread_local place known[1 << 12];
    place *entry = &known[((size_t)address * 2654435761U >> 8) % (1 << 12)];
    if (entry->address != address)
        *entry = look_up(address);
    return entry;
}

/* Callers from the first that asks on. */
static int find_callers(place places[MOST_FRAMES])
{
    void *frames[MOST_FRAMES];
    const int count = backtrace(frames, MOST_FRAMES);
    int found = 0;
    for (int i = 0; i < count; i++) {
        const place *one = place_of(frames[i]);
        if (found > 0 || one->asks)
            places[found++] = *one;
    }
    return found;
}

static void log_piece(long n, long would_be)
{
    place places[MOST_FRAMES];
    const int count = find_callers(places);
    unsigned long chain = 5381;
    for (int i = 0; i < count; i++)
        chain = chain * 33 + (unsigned long)places[i].offset;
    dprintf(log_file, "piece %ld %s %lx %ld%s\n", n, count > 0 ? places[0].object : "unknown",
            chain, would_be, would_be > most_out ? " most" : "");
}

static void log_refused(long n, size_t bytes)
{
    place places[MOST_FRAMES];
    const int count = find_callers(places);
    dprintf(log_file, "refused %ld %zu", n, bytes);
    for (int i = 0; i < count; i++)
        dprintf(log_file, " %s+0x%zx", places[i].object, places[i].offset);
    dprintf(log_file, "\n");
}

/* `had`: bytes of the piece that is to be changed in size. */
static bool is_refused(size_t bytes, long had)
{
    if (!counting || inside || getpid() != started_in)
        return false;
    inside = true;
    const int number = errno;
    const long n = ++asked;
    const long would_be = out + (long)bytes - had;
    const bool chosen = refused_at > 0 && (n == refused_at || (refused_on && n > refused_at));
    const bool refused = chosen || (above > 0 && would_be > above && (long)bytes > had);
    if (tells_who && log_file >= 0)
        log_piece(n, would_be);
    if (would_be > most_out)
        most_out = would_be;
    if (refused && (above > 0 ? !refused_before : n == refused_at) && log_file >= 0)
        log_refused(n, bytes);
    refused_before = refused_before || refused;
    errno = refused ? ENOMEM : number;
    inside = false;
    return refused;
}

/* Counts a piece that was taken. */
static void *counted(void *taken)
{
    if (taken != NULL)
        out += (long)malloc_usable_size(taken);
    return taken;
}

void *malloc(size_t bytes)
{
    return is_refused(bytes, 0) ? NULL : counted(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return is_refused(count * bytes, 0) ? NULL : counted(__libc_calloc(count, bytes));
}

void *realloc(void *memory, size_t bytes)
{
    const long had = memory != NULL ? (long)malloc_usable_size(memory) : 0;
    if (is_refused(bytes, had))
        return NULL;
    void *taken = __libc_realloc(memory, bytes);
    if (taken != NULL || bytes == 0)
        out -= had;
    return counted(taken);
}

void free(void *memory)
{
    if (memory != NULL)
        out -= (long)malloc_usable_size(memory);
    __libc_free(memory);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return is_refused(bytes, 0) ? NULL : counted(__libc_memalign(alignment, bytes));
}

void *memalign(size_t alignment, size_t bytes)
{
    return is_refused(bytes, 0) ? NULL : counted(__libc_memalign(alignment, bytes));
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    void *taken = is_refused(bytes, 0) ? NULL : counted(__libc_memalign(alignment, bytes));
    if (taken == NULL)
        return ENOMEM;
    *memory = taken;
    return 0;
}

/* What mneme asks the system for, and gives back at once; nothing is counted as out. */
void *mmap(void *where, size_t bytes, int rights, int kind, int file, off_t first)
{
    if ((kind & MAP_ANONYMOUS) != 0 && is_refused(bytes, 0))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, where, bytes, rights, kind, file, first);
}

/* --- from main() to its end --- */

static void end_counting(void)
{
    if (!atomic_exchange(&counting, false) || log_file < 0 || getpid() != started_in)
        return;
    dprintf(log_file, "asked %ld\n", (long)asked);
}

static void begin_counting(void)
{
    void *frames[1];
    const char *refuse = getenv("MN_REFUSE"), *log = getenv("MN_REFUSE_LOG");
    char *end = NULL;
    const char *limit = getenv("MN_REFUSE_ABOVE");
    refused_at = refuse != NULL ? strtol(refuse, &end, 10) : 0;
    above = limit != NULL ? strtol(limit, NULL, 10) : 0;
    refused_on = end != NULL && *end == '+';
    tells_who = getenv("MN_REFUSE_WHO") != NULL;
    if (log != NULL)
        log_file = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    (void)backtrace(frames, 1); /* loads what it needs while nothing is refused */
    started_in = getpid();
    unsetenv("LD_PRELOAD"); /* programs that the program starts have all the memory there is */
    counting = true;
}

static int (*program)(int, char **, char **);

static int counted_program(int count, char **arguments, char **environment)
{
    begin_counting();
    const int code = program(count, arguments, environment);
    end_counting();
    return code;
}

typedef int start_main(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                       void (*)(void), void *);

int __libc_start_main(int (*run)(int, char **, char **), int count, char **arguments,
                      void (*begin)(void), void (*end)(void), void (*loaded_end)(void),
                      void *stack_end);

int __libc_start_main(int (*run)(int, char **, char **), int count, char **arguments,
                      void (*begin)(void), void (*end)(void), void (*loaded_end)(void),
                      void *stack_end)
{
    start_main *next;
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    memcpy(&next, &found, sizeof next);
    program = run;
    return next(counted_program, count, arguments, begin, end, loaded_end, stack_end);
}
