/* descriptor.c -- a plugin whose descriptor, and the function that hands it out, are written by
 * hand, so that each build of it can differ from what this mneme expects in one way. */
#include <mneme/strategy.h>
#include <stddef.h>

#ifndef STRATEGY_ABI
#define STRATEGY_ABI MN_STRATEGY_ABI
#endif
#ifndef PLUGIN_ABI
#define PLUGIN_ABI MN_PLUGIN_ABI
#endif
#ifndef KIND
#define KIND MN_KIND_STRATEGY
#endif
#ifndef NAME
#define NAME "written-by-hand"
#endif
#ifndef SIZE
#define SIZE sizeof(mn_strategy)
#endif
#ifndef DESCRIPTOR
#define DESCRIPTOR strategy
#endif
#ifndef LATER
#define LATER 0
#endif

/* A strategy of a later mneme. */
typedef struct grown {
    mn_strategy strategy;
    int64_t later;
} grown;

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

#ifdef GARBAGE /* behind the size it gives, where a host must not look */
static mn_status never(mn_learner *learner)
{
    (void)learner;
    return mn_fail(MN_CORRUPT, "the host called what lies behind the descriptor");
}
#endif

const grown strategy = {
    .strategy =
        {
            .abi = STRATEGY_ABI,
            .size = (uint32_t)(SIZE),
            .name = NAME,
            .summary = "Trains on each task in turn.",
            .loss = loss,
#ifdef GARBAGE
            .gradients = never,
            .after_epoch = never,
            .after_task = never,
#endif
        },
    .later = LATER,
};

static int64_t place(const mn_buffer *buffer, const void *options, const mn_candidate *candidate,
                     mn_key key)
{
    (void)options;
    (void)candidate;
    (void)key;
    return mn_buffer_free_slot(buffer);
}

const mn_policy policy = {
    MN_POLICY_HEADER,
    .name = "first-come",
    .summary = "Keeps what came first, for ever.",
    .place = place,
};

#ifndef NO_ENTRY
MN_API const mn_plugin *mn_plugin_query(void);
const mn_plugin *mn_plugin_query(void)
{
    static const mn_plugin plugin = {PLUGIN_ABI, KIND, &DESCRIPTOR};
    return &plugin;
}
#else
MN_API const void *nothing_asked_for(void);
const void *nothing_asked_for(void)
{
    return &DESCRIPTOR;
}
#endif
