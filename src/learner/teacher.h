/* teacher.h -- networks from files, which stay as they are, for strategies to learn from. */
#ifndef MN_LEARNER_TEACHER_H
#define MN_LEARNER_TEACHER_H

#include "experiment/configuration.h"
#include "store/handle.h"

#include <mneme/keep.h>
#include <mneme/stream.h>

/* The owner of teachers in run files, "teacher/network/fc1.weight". */
#define MN_TEACHERS "teacher"

/* The run that they teach in. */
typedef struct mn_lesson {
    const mn_run_settings *settings;
    const mn_stream *stream;
    const mn_transform *transform;
    mn_runfile *file;
    bool begins; /* the files of teachers are read; false: the run's own file has them */
    mn_learner *learner;
    /* Makes a network of theirs. */
    mn_status (*add)(mn_learner *learner, const char *name, const mn_network_spec *spec,
                     mn_network **network);
} mn_lesson;

/* Adds the networks that the option `teacher` names.  A run that begins reads their files, which
 * must have the digests of teacher_digest and know this run's classes, images and normalisation:
 * MN_BAD_OPTION, MN_BAD_SHAPE. */
mn_status mn_lesson_begin(const mn_lesson *lesson);

#endif
