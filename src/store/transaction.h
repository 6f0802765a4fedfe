/* transaction.h -- what is written to a run file between begin and commit lands together or not at
 * all. */
#ifndef MN_STORE_TRANSACTION_H
#define MN_STORE_TRANSACTION_H

#include "store/handle.h"

/* MN_OUT_OF_ORDER: one is open already, none is, or something in it has failed. */
mn_status mn_runfile_begin(mn_runfile *file);
mn_status mn_runfile_commit(mn_runfile *file);
void mn_runfile_rollback(mn_runfile *file);
bool mn_runfile_in_transaction(const mn_runfile *file);

#endif
