/* team.c -- libgomp starts threads in the first region that is parallel, and ends the process where
 * the system refuses one.  So as many are started here first, all at a time, and the first region
 * is entered before a run has anything to lose.  Later regions find libgomp's threads waiting. */
#include "base/team.h"
#include "base/reserve.h"

#include <mneme/memory.h>
#include <omp.h>
#include <pthread.h>
#include <string.h>

static void *wait_for_the_others(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

static mn_status try_threads(int count)
{
    pthread_t *thread = mn_memory_take((size_t)count, sizeof *thread);
    if (thread == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %d threads", count);
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    int started = 0, refused = 0;
    pthread_mutex_lock(&gate);
    while (started < count && refused == 0) {
        refused = pthread_create(&thread[started], NULL, wait_for_the_others, &gate);
        started += refused == 0;
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    mn_memory_give(thread);
    if (refused == 0)
        return MN_OK;
    return mn_fail(MN_NO_MEMORY,
                   "threads: the system starts %d of %d (%s): too little memory, or too many "
                   "processes; use fewer threads",
                   started + 1, count + 1, strerror(refused));
}

mn_status mn_team_begin(int threads)
{
    omp_set_num_threads(threads);
    if (threads < 2)
        return MN_OK;
    MN_TRY(try_threads(threads - 1));
    MN_TRY(mn_reserve_ask((size_t)threads * MN_RESERVE_REGION));
    int here = 0; /* a compiler may leave out a region that does nothing */
#pragma omp parallel
#pragma omp atomic
    here++;
    return here > 0 ? MN_OK : mn_fail(MN_BACKEND_FAILED, "no thread computes");
}
