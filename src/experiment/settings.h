/* settings.h -- the option tables of all sections. */
#ifndef MN_EXPERIMENT_SETTINGS_H
#define MN_EXPERIMENT_SETTINGS_H

#include "experiment/configuration.h"

/* The option table of a section, and the bytes of the struct that it fills.  `type` names the data
 * set, network, optimiser or buffer policy; other sections take none.  MN_NOT_FOUND. */
mn_status mn_section_table(mn_section_id id, const char *type, const mn_option **table,
                           size_t *bytes);
/* What a section's table is called by when nobody names one, NULL where "name" is no key of it. */
const char *mn_section_usual_type(mn_section_id id);
/* The kind of the descriptor that brings a section's table; MN_KINDS: none does. */
mn_kind mn_section_kind(mn_section_id id);

#endif
