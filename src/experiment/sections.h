/* sections.h -- sections are opened with their defaults, filled from a file, and assigned to. */
#ifndef MN_EXPERIMENT_SECTIONS_H
#define MN_EXPERIMENT_SECTIONS_H

#include "experiment/configuration.h"

/* Opens every section anew, with the values of the experiment's source.  The sections must be
 * empty. */
mn_status mn_sections_open(mn_experiment *experiment);
void mn_sections_free(mn_section sections[MN_MOST_SECTIONS]);
/* Refuses keys of the source that are no section and nothing else that a benchmark may say. */
mn_status mn_sections_known(const mn_experiment *experiment);
/* Sets KEY of its section; a refused value changes nothing, unless mn_section_chooses() the key. */
mn_status mn_section_assign(mn_experiment *experiment, const char *key, const char *value);
/* Whether a key decides on the table, or by the recipe on the values, of other keys. */
bool mn_section_chooses(const mn_experiment *experiment, const char *key);
/* All sections as members of an object. */
mn_status mn_sections_to_json(const mn_experiment *experiment, cJSON *object);
/* The options of a section as JSON text, which is kept for the life of the process. */
mn_status mn_experiment_section_json(const mn_experiment *experiment, mn_section_id id,
                                     const char **json);

#endif
