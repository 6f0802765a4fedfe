/* parts.h -- what a stream is made of, for the sources that make it. */
#ifndef MN_DATA_STREAM_PARTS_H
#define MN_DATA_STREAM_PARTS_H

#include <mneme/stream.h>

enum { MN_STREAM_PARTS = 5, MN_CLASS_NUMBER_BYTES = 8 };

typedef struct mn_part_view {
    int64_t *first;   /* (groups + 1) into indices */
    int64_t *indices; /* grouped by task, in the data set's order within a group */
} mn_part_view;

struct mn_stream {
    const mn_dataset *dataset;
    mn_scenario scenario;
    uint64_t seed;
    int64_t tasks, groups, classes, rounds;
    bool blurred;
    int64_t *original; /* (classes) by arrival */
    int32_t *arrival;  /* (dataset->classes) by original label; -1: not in the stream */
    int32_t *group;    /* (classes) by arrival: the task that brings it */
    int32_t *train_group, *test_group; /* (count) of each image; -1: none */
    int64_t *rank;                     /* (classes) by arrival: in the order of a long tail */
    int32_t *train_labels;             /* (train.count) by arrival, or MN_UNLABELLED */
    int32_t *test_labels;              /* (test.count) by arrival */
    uint8_t *parts;       /* (train.count) bits of the parts that a training image is in */
    bool *noised, *moved; /* (train.count) its label is another class's; it is another task's */
    float *train_angles, *test_angles; /* of a general stream, by place; else NULL */
    mn_part_view part[MN_STREAM_PARTS];
    mn_task_info *info;                         /* (tasks) */
    const char **domain;                        /* (tasks) names, the data set's; NULL: none */
    char (*number_name)[MN_CLASS_NUMBER_BYTES]; /* (classes) of classes that are only numbers */
};

/* Zeros; NULL: out of memory. */
void *mn_stream_array(int64_t count, size_t size);
mn_status mn_stream_no_memory(const mn_stream *stream);
/* The images of the data set that a part is of. */
const mn_images *mn_part_images(const mn_dataset *dataset, mn_part part);
/* Of a training image: the bit of a part that it is in. */
uint8_t mn_part_bit(mn_part part);
/* A counting sort: the places of group g end up in places[first[g]..first[g + 1]), in ascending
 * order; those of group -1 nowhere.  first: (groups + 1), comes in as zeros. */
void mn_sort_by_group(int64_t count, const int32_t *group, int64_t groups, int64_t *first,
                      int64_t *places);
/* Lists the places of a part by task, from the images' groups and parts. */
mn_status mn_part_fill(mn_stream *stream, mn_part part);

#endif
