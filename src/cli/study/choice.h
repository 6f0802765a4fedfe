/* choice.h -- the best of a grid, by its runs on images held out of the training images. */
#ifndef MN_CLI_CHOICE_H
#define MN_CLI_CHOICE_H

#include "cli/study/manifest.h"

/* Settles each arm of a grid on the best of its candidates below `folder`: the highest mean of the
 * metric, or the lowest where less is better; of equals, the first.  An arm stays open while a run
 * of its candidates is missing or has no value; `*all` is false then, and with `complain` the
 * reason is said.  The same files give the same choice. */
mn_status mn_choose(mn_manifest *manifest, const char *folder, bool complain, bool *all);

#endif
