/* network.h -- networks and their parameters; optimiser.h has what moves them.
 *
 * All parameters of a network are one slab of floats cut into named segments; gradients and each
 * optimiser moment are parallel slabs.  An optimiser step is a loop over segments, a teacher or an
 * EWC anchor one copy.
 */
#ifndef MNEME_NETWORK_H
#define MNEME_NETWORK_H

#include <mneme/autograd.h>
#include <mneme/option.h>
#include <mneme/random.h>
#include <mneme/registry.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_network mn_network;

/* How a forward is done: one of the first three, or'ed with what else is wanted. */
typedef uint32_t mn_mode;
enum {
    MN_TRAIN = 0,        /* batch statistics, running statistics updated */
    MN_TRAIN_FROZEN = 1, /* batch statistics, running statistics left alone */
    MN_EVAL = 2,         /* running statistics */
    MN_NO_GRADIENT = 16, /* parameters are constants; gradient still flows through to x */
    MN_NORM_INPUTS = 32, /* what goes into norms with running statistics stays, as maps */
    MN_ATTENTIONS = 64,  /* what is in attentions stays, as maps, without gradients too */
};

typedef struct mn_map mn_map;
typedef struct mn_forwarded {
    mn_var *logits;     /* (B, classes) */
    mn_var *features;   /* (B, features): what the last layer sees */
    const mn_map *maps; /* intermediate ones; ask mn_network_map() */
} mn_forwarded;

/* A map by its name: the value on the tape, through which gradient flows.  Residual networks have
 * "layer1", "layer2", ... (B, C, H, W), what leaves each stage; convnet has "block1", ...; mlp has
 * "hidden1", ... (B, K).  An unknown name fails the tape with a line that lists those there are.
 * A loss on the features that a frozen network sees in images that a generator made:
 *     mn_forwarded seen = mn_network_forward(teacher, images, MN_EVAL | MN_NO_GRADIENT);
 *     mn_term(learner, "match", 1, mn_mse(mn_network_map(&seen, "layer3"), wanted)); */
MN_API mn_var *mn_network_map(const mn_forwarded *forwarded, const char *name);

/* What a map is to its network, whatever it is called there. */
typedef enum mn_map_role {
    MN_MAP_BEFORE_POOLING, /* (B, C, H, W): the last one that has positions */
    /* (B, C) or (B, C, H, W): what goes into a norm with running statistics, of a forward with
     * MN_NORM_INPUTS.  They are in order of the forward, and named as their norms: "layer1.0.bn1". */
    MN_MAP_INTO_NORM,
    /* (B, heads, T, T): the scores q k^T / sqrt(depth) of an attention, before the softmax; and
     * (B, heads, T, depth): what each head makes of them, before the projection.  In order of the
     * forward, which records gradients or was asked with MN_ATTENTIONS; named as their attention:
     * "encoder.layers.encoder_layer_0.self_attention.scores", and ".heads". */
    MN_MAP_SCORES,
    MN_MAP_HEADS,
    MN_MAP_NAMED, /* what mn_network_map_add() added, in order */
} mn_map_role;
typedef struct mn_role_map {
    const char *name;                 /* "" where it has none */
    mn_var *value;                    /* NULL: past the last one */
    const mn_tensor *mean, *variance; /* (C): the norm's running statistics; NULL of another role */
} mn_role_map;
/* The i-th map of a role.  Where there is none at all, the tape fails with a line that says so.
 * What pulls images to where the network was trained (Yin et al. 2020):
 *     mn_role_map in = mn_network_map_of_role(&seen, MN_MAP_INTO_NORM, 0);
 *     for (int i = 1; in.value != NULL; in = mn_network_map_of_role(&seen, MN_MAP_INTO_NORM, i++))
 *         ... mn_sub(mean over B, H, W of in.value, mn_const(tape, in.mean)) ...  */
MN_API mn_role_map mn_network_map_of_role(const mn_forwarded *forwarded, mn_map_role role, int i);

typedef enum mn_parameter_kind {
    MN_WEIGHT,
    MN_BIAS,
    MN_NORM_SCALE,
    MN_NORM_SHIFT
} mn_parameter_kind;

typedef struct mn_parameter {
    const char *name; /* PyTorch's: "fc1.weight" */
    mn_parameter_kind kind;
    bool head;        /* belongs to the classifier */
    mn_tensor *value, *gradient; /* views into the network's slabs */
} mn_parameter;

/* A kind of network; registered by name, built in or by a plugin. */
typedef struct mn_network_type {
    uint32_t abi, size;
    const char *name, *summary, *cite;
    const mn_option *options;
    size_t options_size;
    /* Declares parameters with mn_network_parameter_add() and mn_network_statistic_add(). */
    mn_status (*build)(mn_network *network, const void *options);
    /* x (B, inputs...) -> logits and features, and maps by mn_network_map_add(). */
    mn_forwarded (*forward)(mn_network *network, const void *options, mn_var *x, mn_mode mode);
    bool parallel; /* large enough to be worth all cores */
} mn_network_type;

#define MN_NETWORK_HEADER .abi = MN_NETWORK_ABI, .size = sizeof(mn_network_type)
#define MN_NETWORK(id) MN_DEFINE(mn_network_type, MN_KIND_NETWORK, mn_network_##id)

/* The type, options, input and outputs of a network. */
typedef struct mn_network_spec {
    const char *type;     /* "mlp" */
    const char *options;  /* JSON object, NULL or "" for the defaults */
    mn_shape input;       /* of one image: (channels, height, width), or (features) */
    int64_t classes;      /* outputs */
} mn_network_spec;

/* A freshly initialised network; equal keys give equal weights.  MN_NOT_FOUND for an unknown type,
 * MN_BAD_OPTION, MN_BAD_SHAPE. */
MN_API mn_status mn_network_new(const mn_network_spec *spec, mn_key key, mn_network **network);
/* The same of a type that need not be registered, such as a strategy's own, with the values of its
 * options (the struct that its table describes; NULL: the defaults) in place of spec->options;
 * spec->type is not read. */
MN_API mn_status mn_network_new_of(const mn_network_type *type, const void *options,
                                   const mn_network_spec *spec, mn_key key, mn_network **network);
MN_API void mn_network_free(mn_network *network);
MN_API mn_status mn_network_initialise(mn_network *network, mn_key key);
/* Its spec with every option resolved: it rebuilds the network whatever the defaults
 * of a later version. */
MN_API const mn_network_spec *mn_network_spec_of(const mn_network *network);

/* Width of the features: the columns of the last weight of the classifier; 0: it has none. */
MN_API int64_t mn_network_features(const mn_network *network);
MN_API mn_forwarded mn_network_forward(mn_network *network, mn_var *x, mn_mode mode);
/* The key of what the network's next forward drops at random (mn_layer_dropout()), and of no later
 * one: a forward that drops without a key is refused.  mn_forward() does this. */
MN_API void mn_network_key_next(mn_network *network, mn_key key);
/* Logits of the classifier for given features (B, features): what its head (layers.h) makes of them.
 * MN_UNSUPPORTED where the classifier has more than one layer. */
MN_API mn_var *mn_network_classify(mn_network *network, mn_var *features, mn_mode mode);

MN_API int mn_network_parameter_count(const mn_network *network);
MN_API const mn_parameter *mn_network_parameter(const mn_network *network, int i);
/* Place of the classifier's parameter of a kind, whose rows are the classes, MN_WEIGHT or MN_BIAS, or
 * of the factor of its cosines, MN_NORM_SCALE; -1: it has none, or one for each task. */
MN_API int mn_network_head(const mn_network *network, mn_parameter_kind kind);
/* Running statistics: (name, tensor) pairs; not touched by optimisers. */
MN_API int mn_network_statistic_count(const mn_network *network);
MN_API mn_tensor *mn_network_statistic(const mn_network *network, int i, const char **name);

/* The whole slab, (floats): the parameters in order, with gaps of zeros between them. */
MN_API mn_tensor *mn_network_values(mn_network *network);
MN_API mn_tensor *mn_network_gradients(mn_network *network);  /* parallel to it */
MN_API mn_status mn_network_zero_gradients(mn_network *network);
/* Copies values and statistics between networks of equal spec; MN_BAD_SHAPE otherwise. */
MN_API mn_status mn_network_copy(mn_network *to, const mn_network *from);
/* average = keep average + (1 - keep) network, of the values; statistics are copied. */
MN_API mn_status mn_network_average(mn_network *average, const mn_network *network, double keep);

/* For network types: adds a parameter, filled later by the type's initial distribution. */
typedef enum mn_initial {
    MN_INITIAL_ZERO, MN_INITIAL_ONE,
    MN_INITIAL_XAVIER_UNIFORM,  /* +- sqrt(6 / (in + out)) (Glorot and Bengio 2010) */
    MN_INITIAL_KAIMING_NORMAL,  /* sqrt(2 / in) (He et al. 2015) */
    /* +- 1 / sqrt(in): PyTorch's default for linear and conv layers.  A bias takes the `in` of the
     * weight added before it. */
    MN_INITIAL_PYTORCH_UNIFORM,
    MN_INITIAL_NORMAL,          /* 1: for weights that are scaled where they are used */
} mn_initial;
MN_API mn_status mn_network_parameter_add(mn_network *network, const char *name,
                                          mn_parameter_kind kind, bool head, mn_shape shape,
                                          mn_initial initial);
MN_API mn_status mn_network_statistic_add(mn_network *network, const char *name, mn_shape shape,
                                          float initial);
/* Multiplies the initial values of the parameter added last. */
MN_API void mn_network_initial_scale(mn_network *network, double scale);
/* The i-th parameter as a leaf on x's tape (a constant when `mode` says no gradient). */
MN_API mn_var *mn_network_leaf(mn_network *network, int i, mn_var *x, mn_mode mode);
/* In forward: x can be asked for by `name`, copied.  Begin with maps of NULL. */
MN_API void mn_network_map_add(mn_forwarded *forwarded, const char *name, mn_var *x);
/* In forward: x is the map before pooling. */
MN_API void mn_network_map_last(mn_forwarded *forwarded, mn_var *x);
/* In forward: x goes into a norm whose running mean and variance are the network's statistics
 * `first` and the next; layers.h says so by itself. */
MN_API void mn_network_map_into_norm(mn_network *network, mn_var *x, int first, mn_mode mode);
/* In forward: x (B heads, rows, columns) is the map of this role in the attention whose parameters begin
 * at `first`; layers.h says so by itself. */
MN_API void mn_network_map_attention(mn_network *network, mn_var *x, mn_map_role role, int first,
                                     int64_t heads, mn_mode mode);

#ifdef __cplusplus
}
#endif
#endif
