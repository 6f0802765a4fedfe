/* memory.h -- where all memory of mneme comes from, and where it goes.
 *
 * What "the caller frees" goes to mn_memory_give(), never to free().
 */
#ifndef MNEME_MEMORY_H
#define MNEME_MEMORY_H

#include <mneme/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Uninitialised memory for `count` things of `size` bytes, for any type; never NULL, also for 0
 * bytes, but where memory ran out or the product is larger than a size_t. */
MN_API void *mn_memory_take(size_t count, size_t size);
/* The same, filled with zeros. */
MN_API void *mn_memory_take_zeroed(size_t count, size_t size);
/* `memory`, or NULL for none yet, with its contents in another size.  NULL: memory ran out, and
 * `memory` is as it was. */
MN_API void *mn_memory_resize(void *memory, size_t count, size_t size);
MN_API void mn_memory_give(void *memory); /* NULL is fine */

/* Another source of memory than the C library's: for a host that counts, or for a test that refuses.
 * Threads call both functions at any time. */
typedef struct mn_memory_hooks {
    /* At least `bytes` (never 0) at a multiple of `alignment`, a power of two.  Where `earlier` is
     * not NULL, its contents move there, as far as they fit, and it is given back; it was taken with
     * the same alignment.  NULL: refused, and `earlier` stays. */
    void *(*take)(void *earlier, size_t alignment, size_t bytes);
    void (*give)(void *memory); /* never NULL */
} mn_memory_hooks;

/* From here on mneme, its readers of JSON and of run files take memory from `hooks`, which are
 * copied.  MN_OUT_OF_ORDER once mneme has taken any: a piece goes back to where it came from. */
MN_API mn_status mn_memory_use(const mn_memory_hooks *hooks);

#ifdef __cplusplus
}
#endif
#endif
