/* dataset.h -- a data set that is asked for, before it is read. */
#ifndef MN_DATA_READ_DATASET_H
#define MN_DATA_READ_DATASET_H

#include <mneme/data.h>

typedef struct mn_request {
    const mn_dataset_type *type;
    const mn_option *table; /* of the type's options and those that every data set has */
    void *values;
} mn_request;

/* As mn_dataset_open() has them. */
mn_status mn_request_new(const char *name, const char *options, mn_request *request);
void mn_request_free(mn_request *request);
/* From here on the data are read from where they lie, and images decoded when they are needed. */
void mn_request_as_needed(mn_request *request);
mn_status mn_request_read(const mn_request *request, const char *folder, mn_dataset **dataset);

#endif
