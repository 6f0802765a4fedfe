/* reserve.c -- where C++'s operator new finds no memory, it throws, and what crosses functions of C
 * ends the process.  Before that it calls a handler, if there is one, and tries again.  The handler
 * of this file gives up a reserve once.  What oneDNN began can so be finished, and mneme, which
 * asks for the reserve again before the next call, says that memory ran out.
 *
 * A handler that somebody else has set stays. */
#include "base/reserve.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* oneDNN takes 1 MB for the largest kernels that it writes; untouched memory costs addresses only.
 */
enum { RESERVE_BYTES = 4 << 20 };

typedef void new_handler(void);

static _Atomic(void *) reserve;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static new_handler *(*set_handler)(new_handler *); /* NULL: no library of C++ is loaded */

static void give_up(void)
{
    void *held = atomic_exchange(&reserve, NULL);
    if (held == NULL)
        set_handler(NULL); /* without one, operator new throws */
    free(held);
}

static void find_set_handler(void)
{
    void *found = dlsym(RTLD_DEFAULT, "_ZSt15set_new_handlerPFvvE"); /* std::set_new_handler */
    memcpy(&set_handler, &found, sizeof set_handler);
}

mn_status mn_reserve_hold(void)
{
    pthread_once(&once, find_set_handler);
    if (set_handler == NULL || atomic_load(&reserve) != NULL)
        return MN_OK;
    void *held = malloc(RESERVE_BYTES), *none = NULL;
    if (held == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory: %d MB are kept back for oneDNN",
                       RESERVE_BYTES >> 20);
    if (!atomic_compare_exchange_strong(&reserve, &none, held))
        free(held); /* another thread was faster */
    new_handler *const earlier = set_handler(give_up);
    if (earlier != NULL && earlier != give_up)
        set_handler(earlier);
    return MN_OK;
}

/* Large pieces come from the system, where the C library has them from: no page of them is touched,
 * also where the C library was told to fill what it gives (MALLOC_PERTURB_). */
static bool is_there(size_t bytes)
{
    enum { LARGE = 1 << 20 };
    if (bytes < LARGE) {
        void *volatile memory = malloc(bytes); /* compilers would leave it out */
        free(memory);
        return memory != NULL;
    }
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED)
        munmap(memory, bytes);
    return memory != MAP_FAILED;
}

mn_status mn_reserve_ask(size_t bytes)
{
    return is_there(bytes)
               ? MN_OK
               : mn_fail(MN_NO_MEMORY, "out of memory for %zu bytes of a library", bytes);
}
