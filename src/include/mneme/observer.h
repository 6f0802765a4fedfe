/* observer.h -- the one way out of the library while it works: progress, log lines, results as
 * they come, and the request to stop.  Every member may be NULL; nothing an observer does can
 * change the numbers of a run. */
#ifndef MNEME_OBSERVER_H
#define MNEME_OBSERVER_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mn_log_level { MN_LOG_DEBUG, MN_LOG_INFO, MN_LOG_WARNING } mn_log_level;

typedef struct mn_progress {
    const char *phase;           /* "train", "evaluate", ... */
    int64_t task, tasks;         /* 0-based, and how many; 0: data are made before the first, with
                                  * `step` of `steps` images done */
    int64_t epoch, epochs;       /* of this phase */
    int64_t step, steps;         /* of this phase */
    int64_t done, total;         /* steps of the whole run */
    double loss;                 /* of the last step; NaN before the first */
    const char *losses; /* "generator 0.7, ...": of each update where steps have several; else "" */
    double images_per_second;    /* stream images over the last second or so; 0 while unknown */
    double seconds, seconds_left; /* since this process started on the run; -1 while unknown */
} mn_progress;

/* After each task's evaluation. */
typedef struct mn_task_report {
    int64_t task, tasks;
    /* (task + 1) accuracies in per cent, as the run file has them: class-IL or domain-IL, or task-IL
     * of a method that is told the task. */
    const double *accuracy;
    double average_accuracy, seconds;
} mn_task_report;

typedef struct mn_observer {
    void *context; /* handed to each function */
    void (*log)(void *context, mn_log_level level, const char *line);
    void (*progress)(void *context, const mn_progress *progress);
    void (*task_done)(void *context, const mn_task_report *report);
    bool (*stop)(void *context); /* asked between steps; true: commit and return MN_INTERRUPTED */
} mn_observer;

/* The function of a strategy, a policy, a network or a data set that is running; `owner` is NULL where
 * none is. */
typedef struct mn_hook_place {
    const char *owner, *hook; /* "my_idea", "loss" */
    int64_t task, step;       /* from 0; -1 before a run has begun */
} mn_hook_place;
/* For a handler of signals, which may call it at any time: who was at work when it came. */
MN_API mn_hook_place mn_hook_running(void);

#ifdef __cplusplus
}
#endif
#endif
