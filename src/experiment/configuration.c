/* configuration.c -- questions to a configuration that need nothing but its structs. */
#include "experiment/configuration.h"

#include <string.h>

const mn_run_settings *mn_experiment_settings(const mn_experiment *experiment)
{
    return experiment->section[MN_SECTION_TRAIN].values;
}

const char *mn_key_of_train(const char *key)
{
    if (strchr(key, '.') == NULL)
        return key;
    return strncmp(key, "train.", 6) == 0 ? key + 6 : NULL;
}

bool mn_experiment_user_set(const mn_experiment *experiment, const char *name)
{
    for (int64_t i = 0; i < experiment->assignment_count; i++) {
        const char *key = mn_key_of_train(experiment->assignments[i].key);
        if (key != NULL && strcmp(key, name) == 0)
            return true;
    }
    return false;
}
