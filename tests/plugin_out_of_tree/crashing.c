/* crashing.c -- a policy, a network and a data set that crash: CRASH says which this build is. */
#include <mneme/buffer.h>
#include <mneme/data.h>
#include <mneme/layers.h>
#include <stddef.h>

#define CRASH_IN_PLACE   1
#define CRASH_IN_SELECT  2
#define CRASH_IN_BUILD   3
#define CRASH_IN_FORWARD 4
#define CRASH_IN_READ    5

/* A pointer that the compiler does not see through. */
static int *volatile nowhere;

#if CRASH == CRASH_IN_PLACE || CRASH == CRASH_IN_SELECT
static int64_t place(const mn_buffer *buffer, const void *options, const mn_candidate *candidate,
                     mn_key key)
{
    (void)options, (void)candidate, (void)key;
    if (CRASH == CRASH_IN_PLACE)
        *nowhere = 1;
    return mn_buffer_free_slot(buffer);
}

static mn_status choose(mn_buffer *buffer, const void *options, const mn_selection *task,
                        mn_key key)
{
    (void)buffer, (void)options, (void)task, (void)key;
    *nowhere = 1;
    return MN_OK;
}

MN_POLICY(crashing) = {
    MN_POLICY_HEADER, .name = "crashing", .summary = "Crashes.", .place = place, .select = choose,
};
#elif CRASH == CRASH_IN_READ
static mn_status read_nothing(const void *options, const char *folder, mn_dataset *dataset)
{
    (void)options, (void)folder, (void)dataset;
    *nowhere = 1;
    return MN_OK;
}

MN_DATASET(crashing) = {
    MN_DATASET_HEADER,    .name = "crashing", .summary = "Crashes.", .obtain = "nothing brings it",
    .read = read_nothing,
};
#else
static mn_status build(mn_network *network, const void *options)
{
    (void)options;
    if (CRASH == CRASH_IN_BUILD)
        *nowhere = 1;
    return mn_layer_add_classifier(network, mn_shape_count(mn_network_spec_of(network)->input));
}

static mn_forwarded forward(mn_network *network, const void *options, mn_var *x, mn_mode mode)
{
    (void)network, (void)options, (void)x, (void)mode;
    *nowhere = 1;
    return (mn_forwarded){.logits = x};
}

MN_NETWORK(crashing) = {
    MN_NETWORK_HEADER, .name = "crashing", .summary = "Crashes.",
    .build = build,    .forward = forward,
};
#endif
