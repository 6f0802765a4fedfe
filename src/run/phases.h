/* phases.h -- the phases of a task, in order, and how long they are. */
#ifndef MN_RUN_PHASES_H
#define MN_RUN_PHASES_H

#include "learner/learner.h"

/* The i-th phase of a task and the strategy it belongs to: the base's phases come first, then those
 * of every add-on; those that fill the buffer where it is selected otherwise.  NULL past the end.
 */
const mn_phase *mn_phase_at(const mn_learner *learner, int64_t i, int *member);
int mn_phase_count(const mn_learner *learner);

/* Whether the buffer's selection is made before this phase, or before any phase of a task. */
bool mn_phase_selects(const mn_learner *learner, int64_t phase);
bool mn_phases_select(const mn_learner *learner);

/* The phase's length for the cursor: epochs, or steps if the phase counts steps. */
int64_t mn_phase_length(mn_learner *learner, const mn_phase *phase);
/* Whether the phase, which has been entered, is measured in steps instead of epochs. */
bool mn_phase_counts_steps(const mn_learner *learner, const mn_phase *phase);

/* Steps of the whole run, as far as they can be known. */
int64_t mn_phases_total_steps(const mn_learner *learner);
/* Refuses a warm-up that no phase of a task, as far as its length is known, gets through. */
mn_status mn_phases_check_schedule(const mn_learner *learner);
/* Refuses a position, read from a file, that this run cannot be at. */
mn_status mn_phases_check_cursor(const mn_learner *learner);

#endif
