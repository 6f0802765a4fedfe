/* accounting.h -- a learner whose buffer and whose memory keep to the budgets that the user gave.
 *
 * What is charged: the buffer's payloads, labels and columns, what its codec needs, and the
 * networks, tensors and numbers that strategies keep.  The shared network and the optimisers'
 * moments, which every strategy has, are not.
 */
#ifndef MN_LEARNER_ACCOUNTING_H
#define MN_LEARNER_ACCOUNTING_H

#include "learner/learner.h"

/* Calls every `open`.  A budget of the buffer in bytes is turned into rows here.  MN_BAD_OPTION,
 * with what takes how much, unless all that the run will keep fits in memory_budget. */
mn_status mn_learner_new(const mn_learner_spec *spec, mn_learner **learner);

#endif
