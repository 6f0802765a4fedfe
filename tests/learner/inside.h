/* inside.h -- whole runs of a strategy that a test has written, which asks its questions inside of
 * them. */
#ifndef MN_TESTS_INSIDE_H
#define MN_TESTS_INSIDE_H

#include "tests/run_files.h"

#include <mneme/strategy.h>

extern int inside_asked;                 /* how often the strategy got to its questions */
extern char inside_path[600];            /* of the run file */
extern const test_setting inside_few[2]; /* few images */

/* Before a test, with a folder's name of its own, and after it.  Strategies of tests/uses are
 * known. */
void inside_begin(const char *folder);
void inside_end(const char *folder);
/* A run of the composition `strategies`, `strategy` among them, on split-synthetic. */
void inside_run(const mn_strategy *strategy, const char *strategies, const test_setting *settings);
/* The same, which ends with a failure. */
void inside_refused(const mn_strategy *strategy, const char *strategies, mn_status status,
                    const char *why);
/* The cross-entropy of the stream's rows, for a loss that asks besides; and as a loss. */
mn_status inside_plain_loss(mn_learner *learner, const mn_batch *now);
mn_status inside_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now);

#endif
