/* runfile.h -- one SQLite file is one run: configuration, results, exemplars, weights, position.
 *
 * Everything between mn_runfile_begin() and mn_runfile_commit() lands together or not at all.
 * This floor is the only one that knows SQLite; it has no policy.
 */
#ifndef MN_STORE_RUNFILE_H
#define MN_STORE_RUNFILE_H

#include <mneme/tensor.h>

typedef struct mn_runfile mn_runfile;

typedef enum mn_access { MN_READ, MN_WRITE } mn_access;

/* Creates the file, with its schema committed; an existing one is MN_BAD_OPTION with the resume
 * command.  Network file systems are refused.  The creator owns it (host, process, since when). */
mn_status mn_runfile_create(const char *path, mn_runfile **file);
/* MN_WRITE takes ownership: MN_BUSY names who holds it; a dead owner on this host is taken over.
 * Not a run file: MN_CORRUPT; a newer schema: MN_WRONG_VERSION. */
mn_status mn_runfile_open(const char *path, mn_access access, mn_runfile **file);
/* Rolls back what is open, gives up ownership, folds the write-ahead log in.  NULL is fine. */
mn_status mn_runfile_close(mn_runfile *file);
/* Writes a copy as of the last commit to `path`, which must not exist; a run in progress is not
 * disturbed, and the copy can be resumed on its own. */
mn_status mn_runfile_copy(mn_runfile *file, const char *path);
const char *mn_runfile_path(const mn_runfile *file);
/* Whether a process that writes the file is alive, as far as can be told from here; one of another
 * host is believed to be. */
bool mn_runfile_is_held(mn_runfile *file);

mn_status mn_runfile_begin(mn_runfile *file);
mn_status mn_runfile_commit(mn_runfile *file);
void mn_runfile_rollback(mn_runfile *file);
bool mn_runfile_in_transaction(const mn_runfile *file);

/* The run table.  get: the value, caller frees; NULL when absent. */
mn_status mn_runfile_set(mn_runfile *file, const char *key, const char *value);
char *mn_runfile_get(mn_runfile *file, const char *key);

/* Kept numbers by name ("er/seen"); get: MN_NOT_FOUND when absent. */
mn_status mn_runfile_put_int(mn_runfile *file, const char *name, int64_t value);
mn_status mn_runfile_get_int(mn_runfile *file, const char *name, int64_t *value);
mn_status mn_runfile_put_real(mn_runfile *file, const char *name, double value);
mn_status mn_runfile_get_real(mn_runfile *file, const char *name, double *value);

/* Tensors by name, plain row-major.  get fills a tensor of the same dtype and shape. */
mn_status mn_runfile_put_tensor(mn_runfile *file, const char *name, const mn_tensor *tensor);
mn_status mn_runfile_get_tensor(mn_runfile *file, const char *name, mn_tensor *tensor);
/* Calls `each` for every tensor whose name begins with `prefix`, in order of name; a failure of it
 * ends the walk.  The tensor is `each`'s until it returns. */
typedef mn_status (*mn_tensor_reader)(void *context, const char *name, const mn_tensor *tensor);
mn_status mn_runfile_read_tensors(mn_runfile *file, const char *prefix, mn_tensor_reader each,
                                  void *context);

mn_status mn_runfile_put_network(mn_runfile *file, const char *owner, const char *name,
                                 const char *architecture);
mn_status mn_runfile_add_task(mn_runfile *file, int64_t task, const char *classes, int64_t train,
                              int64_t test);
/* after_task -1: the untrained network.  scope: "class-il", ...; replaces the same key. */
mn_status mn_runfile_add_evaluation(mn_runfile *file, int64_t step, int64_t after_task,
                                    int64_t on_task, const char *scope, int64_t correct,
                                    int64_t total);
/* (rows, width) logits of a test set in its stored order, kept as IEEE half floats. */
mn_status mn_runfile_add_output(mn_runfile *file, int64_t after_task, int64_t on_task,
                                const float *logits, int64_t rows, int64_t width);
mn_status mn_runfile_add_scalar(mn_runfile *file, int64_t step, int64_t task, const char *phase,
                                const char *name, double value);

enum { /* mn_cursor.length, where it is not the phase's own count of epochs or steps */
       MN_LENGTH_UNKNOWN = -1, /* the phase has not been entered */
       MN_LENGTH_OF_RUN = -2,  /* as many steps as the configuration says */
};
/* An image that stands for what was remembered of a class after a task, the `place`-th of them. */
mn_status mn_runfile_put_sample(mn_runfile *file, int64_t after_task, int32_t label, int64_t place,
                                const uint8_t *image, size_t bytes);
typedef struct mn_sample {
    int64_t after_task, place;
    int32_t label;
    const uint8_t *image;
    size_t bytes;
} mn_sample;
/* Calls `each` for every sample in order of label, task, place; a failure of it ends the walk. */
typedef mn_status (*mn_sample_reader)(void *context, const mn_sample *sample);
mn_status mn_runfile_read_samples(mn_runfile *file, mn_sample_reader each, void *context);

/* Where the run stands.  Names of stages are text in the file. */
typedef struct mn_cursor {
    int64_t task;
    int64_t stage;      /* run/runner.h */
    int64_t phase;      /* index into the strategy's phases */
    int64_t length;     /* of the phase, asked once on entry */
    int64_t phase_step; /* steps done of the phase */
    int64_t step;       /* steps done of the run */
    int64_t commits;    /* commits done */
} mn_cursor;
mn_status mn_runfile_set_cursor(mn_runfile *file, const mn_cursor *cursor);
mn_status mn_runfile_get_cursor(mn_runfile *file, mn_cursor *cursor); /* MN_NOT_FOUND: none yet */

typedef struct mn_exemplar {
    int64_t slot, seen, source; /* source: index in the data set; -1 synthetic */
    int32_t label, task;
    bool labelled;
    const uint8_t *image;
    size_t image_bytes;
} mn_exemplar;
mn_status mn_runfile_put_exemplar(mn_runfile *file, const mn_exemplar *exemplar);
mn_status mn_runfile_delete_exemplar(mn_runfile *file, int64_t slot); /* and its columns */
mn_status mn_runfile_put_exemplar_column(mn_runfile *file, int64_t slot, const char *name,
                                         const float *values, int64_t width);
/* Calls `row` for every exemplar in order of slot, then `column` for every column in order of
 * slot and name; a failure of either ends the walk. */
typedef struct mn_exemplar_reader {
    void *context;
    mn_status (*row)(void *context, const mn_exemplar *exemplar);
    mn_status (*column)(void *context, int64_t slot, const char *name, const float *values,
                        int64_t width);
} mn_exemplar_reader;
mn_status mn_runfile_read_exemplars(mn_runfile *file, const mn_exemplar_reader *reader);
/* The same for one slot, found by its key; MN_NOT_FOUND: it holds none. */
mn_status mn_runfile_read_exemplar(mn_runfile *file, int64_t slot,
                                   const mn_exemplar_reader *reader);

/* Versions of what is underneath, for provenance: "3.40.1". */
const char *mn_runfile_sqlite_version(void);

#endif
