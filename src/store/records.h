/* records.h -- the small rows of a run file. */
#ifndef MN_STORE_RECORDS_H
#define MN_STORE_RECORDS_H

#include "store/handle.h"

/* The run table.  find: the value, caller frees; NULL when absent. */
mn_status mn_runfile_find(mn_runfile *file, const char *key, char **value);
mn_status mn_runfile_set(mn_runfile *file, const char *key, const char *value);
mn_status mn_runfile_is_done(mn_runfile *file, bool *done); /* its status says so */

/* Kept numbers by name ("er/seen"); get: MN_NOT_FOUND when absent. */
mn_status mn_runfile_put_int(mn_runfile *file, const char *name, int64_t value);
mn_status mn_runfile_get_int(mn_runfile *file, const char *name, int64_t *value);
mn_status mn_runfile_put_real(mn_runfile *file, const char *name, double value);
mn_status mn_runfile_get_real(mn_runfile *file, const char *name, double *value);

/* The type that a network has of which only one parameter is there: a strategy's own tensor. */
#define MN_PARAMETERS "parameters"
/* options: JSON. */
mn_status mn_runfile_put_network(mn_runfile *file, const char *owner, const char *name,
                                 const char *type, int64_t classes, const char *options);
/* train, test: images. */
mn_status mn_runfile_add_task(mn_runfile *file, int64_t task, int64_t train, int64_t test);
/* label: by arrival; original: in the data set. */
mn_status mn_runfile_add_task_class(mn_runfile *file, int64_t task, int64_t label, int64_t original,
                                    const char *name);
/* after_task -1: the untrained network.  scope: "class-il", ...; replaces the same key. */
mn_status mn_runfile_add_evaluation(mn_runfile *file, int64_t step, int64_t after_task,
                                    int64_t on_task, const char *scope, int64_t correct,
                                    int64_t total);
/* When a number was noted.  update: of the phase's updates, where a step has several; or NULL. */
typedef struct mn_scalar_place {
    int64_t step, task;
    const char *phase, *update;
} mn_scalar_place;
mn_status mn_runfile_add_scalar(mn_runfile *file, const mn_scalar_place *place, const char *name,
                                double value);
/* How many unlabelled training images of a class another classifier got right. */
typedef struct mn_probe_count {
    const char *classifier, *scope;
    int64_t label, after_task; /* the class by arrival */
    int64_t correct, total;
} mn_probe_count;
mn_status mn_runfile_add_probe(mn_runfile *file, const mn_probe_count *probe);

enum { /* mn_cursor.length, where it is not the phase's own count of epochs or steps */
       MN_LENGTH_UNKNOWN = -1, /* the phase has not been entered */
       MN_LENGTH_OF_RUN = -2,  /* as many steps as the configuration says */
};
/* Where a run stands between commits.  The file keeps the number: a stage has it for ever. */
typedef enum mn_stage {
    MN_STAGE_START = 0,       /* the untrained network has not been evaluated */
    MN_STAGE_BEFORE_TASK = 1, /* before_task has not been called */
    MN_STAGE_PHASE = 2,       /* inside cursor.phase, or about to enter it */
    MN_STAGE_AFTER_TASK = 3,  /* all phases done; after_task has not been called */
    MN_STAGE_DONE = 4,
} mn_stage;

typedef struct mn_cursor {
    int64_t task;
    int64_t stage;      /* mn_stage */
    int64_t phase;      /* index into the strategy's phases */
    int64_t length;     /* of the phase, asked once on entry */
    int64_t phase_step; /* steps done of the phase */
    int64_t step;       /* steps done of the run */
    int64_t commits;    /* commits done */
} mn_cursor;
mn_status mn_runfile_set_cursor(mn_runfile *file, const mn_cursor *cursor);
mn_status mn_runfile_get_cursor(mn_runfile *file, mn_cursor *cursor); /* MN_NOT_FOUND: none yet */

#endif
