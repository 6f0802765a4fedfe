/* settings.h -- the option tables of a run's own sections. */
#ifndef MN_RUN_SETTINGS_H
#define MN_RUN_SETTINGS_H

#include "experiment/experiment.h"

/* The table of a section that is always the same, and the size of the struct it fills; NULL for
 * sections whose table comes from a descriptor. */
const mn_option *mn_settings_table(mn_section_id id, size_t *bytes);

#endif
