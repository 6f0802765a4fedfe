/* faults.c -- a strategy with one fault, another in each build of it: FAULT says which. */
#include <mneme/strategy.h>
#include <stddef.h>

/* In its descriptor: */
#define NAMED_TWICE        1
#define DEFAULT_OUTSIDE    2
#define NO_HELP            3
#define OUTSIDE_STRUCT     4
#define NO_CHOICES         5
#define NO_CHOICE          6
#define BAD_OPTION_NAME    7
#define NO_TEXT            8
#define NO_TYPE            9
#define PHASE_WITHOUT_LOSS 10
/* While it runs: */
#define CRASH_IN_LOSS          11
#define CRASH_IN_OPEN          12
#define CRASH_AFTER_TASK       13
#define ENDLESS_RECURSION      14
#define NO_MESSAGE             15
#define STALE_MESSAGE          16
#define DRAWN_TWICE            17
#define SAME_TERMS             18
#define NULL_NETWORK           19
#define NULL_NETWORK_COPIED    20
#define NULL_NETWORK_OPTIMISED 21
#define NO_STATE               22

typedef struct settings {
    double weight;
    int64_t count, kind;
    const char *text;
} settings;

#if FAULT == NO_CHOICE
static const char *const kinds[] = {"one", "two", NULL};
#endif

static const mn_option options[] = {
    MN_REAL(settings, weight, FAULT == DEFAULT_OUTSIDE ? 2 : 0.5, 0, 1, "of the term"),
#if FAULT == NAMED_TWICE
    MN_REAL(settings, weight, 0.5, 0, 1, "of the term"),
#elif FAULT == NO_HELP
    MN_INT(settings, count, 1, 0, 5, NULL),
#elif FAULT == NO_CHOICES
    MN_CHOICE(settings, kind, 0, NULL, "which"),
#elif FAULT == NO_CHOICE
    MN_CHOICE(settings, kind, 2, kinds, "which"),
#elif FAULT == BAD_OPTION_NAME
    {.name = "A name", .type = MN_OPTION_BOOL, .help = "what"},
#elif FAULT == NO_TEXT
    MN_TEXT(settings, text, NULL, "what"),
#elif FAULT == NO_TYPE
    {.name = "count", .type = (mn_option_type)99, .help = "what"},
#endif
    MN_END,
};

/* A pointer that the compiler does not see through. */
static int *volatile nowhere;

static int fall(volatile int depth)
{
    volatile char room[4096];
    room[0] = (char)depth;
    return depth < 0 ? 0 : fall(depth + 1) + room[0];
}

static mn_status begin(mn_learner *learner)
{
    if (FAULT == CRASH_IN_OPEN)
        *nowhere = 1;
    if (FAULT == NO_STATE)
        *(int *)mn_state(learner) = 1;
    if (FAULT == NULL_NETWORK_COPIED)
        return mn_network_copy(NULL, mn_learner_network(learner));
    if (FAULT == NULL_NETWORK_OPTIMISED)
        return mn_add_optimiser(learner, "own", "sgd", NULL, NULL, 0.1);
    return MN_OK;
}

static mn_status fails(mn_learner *learner)
{
    (void)learner;
    return mn_fail(MN_BAD_VALUE, "an old message");
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_var *logits = mn_forward(learner, now, MN_TRAIN)->logits;
    mn_term(learner, "stream", 1, mn_cross_entropy(logits, now->labels));
    if (FAULT == SAME_TERMS)
        mn_term(learner, "stream", 1, mn_cross_entropy(logits, now->labels));
    if (FAULT == CRASH_IN_LOSS && mn_task(learner) == 1)
        *nowhere = 1;
    if (FAULT == ENDLESS_RECURSION)
        return fall(0) == 0 ? MN_OK : MN_BAD_VALUE;
    if (FAULT == NULL_NETWORK)
        (void)mn_forward_with(learner, NULL, now, MN_TRAIN);
    if (FAULT == DRAWN_TWICE) {
        (void)mn_draw(learner, "replay", 5);
        (void)mn_draw(learner, "replay", 5);
    }
    if (FAULT == STALE_MESSAGE)
        (void)fails(learner);
    return FAULT == NO_MESSAGE ? MN_BAD_VALUE : MN_OK;
}

static mn_status after_task(mn_learner *learner)
{
    (void)learner;
    if (FAULT == CRASH_AFTER_TASK)
        *nowhere = 1;
    return MN_OK;
}

#if FAULT == PHASE_WITHOUT_LOSS
static const mn_update updates[] = {{.name = "first"}, {.name = NULL}};
static const mn_phase phases[] = {{.name = "train", .source = MN_FROM_STREAM, .updates = updates},
                                  {.name = NULL}};
#endif

MN_STRATEGY(faulty) = {
    MN_STRATEGY_HEADER,
    .name = "faulty",
    .summary = "Has a fault.",
    .options = options,
    .options_size = FAULT == OUTSIDE_STRUCT ? 4 : sizeof(settings),
    .needs = FAULT == DRAWN_TWICE ? MN_NEEDS_BUFFER : 0,
    .open = begin,
#if FAULT == PHASE_WITHOUT_LOSS
    .phases = phases,
#endif
    .loss = loss,
    .after_task = after_task,
};
