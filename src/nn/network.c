/* network.c -- parameters as segments of one slab, with a parallel slab of gradients.
 *
 * Each segment begins on a 64-byte boundary of its slab, as kernels like it.  The gaps this leaves
 * are zero in every slab and stay so: no gradient is ever added there, and an optimiser does not
 * move a zero whose gradient and moments are zero. */
#include "nn/network.h"
#include "autograd/memory.h"
#include "autograd/profile.h"
#include "base/hook.h"
#include "base/names.h"
#include "base/options.h"
#include "nn/initial.h"
#include "nn/maps.h"
#include "tensor/kernels.h"
#include "tensor/tensor.h"

#include <mneme/memory.h>
#include <mneme/ops.h>
#include <string.h>

enum { SEGMENT_FLOATS = 64 / sizeof(float) };

static const int64_t most_floats = (int64_t)1 << 40; /* beyond it, sizes in bytes may overflow */

typedef struct segment {
    mn_parameter parameter;
    mn_tensor value, gradient; /* views, cut once all parameters are known */
    mn_shape shape;
    mn_initial initial;
    double initial_scale;
    int64_t fan_in;
    int64_t first; /* float of the slab */
} segment;

typedef struct statistic {
    const char *name;
    float initial;
    mn_tensor *value;
} statistic;

struct mn_network {
    const mn_network_type *type;
    mn_network_spec spec, inner; /* the latter as the type is told it: input is what is seen */
    mn_sight sight;
    bool inside;    /* a function of the type is running */
    char *resolved; /* spec.options */
    void *options;  /* the struct that the type's table describes */
    segment *segments;
    int segment_count;
    statistic *statistics;
    int statistic_count;
    int64_t slab_floats; /* so far, while building */
    mn_tensor *values, *gradients;
    mn_maps of_layers; /* of the forward under way */
    mn_key key;        /* of what the next forward drops, where it is keyed */
    bool keyed;
    uint64_t drawn; /* random layers of this forward so far */
};

/* --- making one --- */

static mn_status count_floats(const char *what, mn_shape shape, int64_t *count)
{
    char text[64];
    *count = 1;
    for (int axis = 0; axis < shape.rank; axis++) {
        if (shape.size[axis] < 1)
            return mn_fail(MN_BAD_SHAPE, "%s is %s; each axis must be at least 1", what,
                           mn_shape_text(shape, text));
        if (shape.size[axis] > most_floats / *count)
            return mn_fail(MN_BAD_SHAPE, "%s is %s, which no memory holds", what,
                           mn_shape_text(shape, text));
        *count *= shape.size[axis];
    }
    return MN_OK;
}

static mn_status check_spec(const mn_network_spec *spec)
{
    int64_t count;
    if (spec == NULL)
        return mn_fail(MN_BAD_VALUE, "a network needs a spec: type, input and classes");
    if (spec->type == NULL)
        return mn_fail(MN_BAD_OPTION, "a network needs a type; 'mneme list networks' shows them");
    if (spec->classes < 1)
        return mn_fail(MN_BAD_OPTION, "network '%s': %lld classes; at least 1 is needed",
                       spec->type, (long long)spec->classes);
    if (spec->input.rank < 1 || spec->input.rank >= MN_MAX_RANK)
        return mn_fail(MN_BAD_SHAPE,
                       "network '%s': an input of %d axes; expected (features) or (channels, "
                       "height, width)",
                       spec->type, spec->input.rank);
    return count_floats("the input of a network", spec->input, &count);
}

/* Options as they are after defaults, so that a network rebuilt from its spec is the same even
 * where a later version has other defaults. */
static mn_status resolve_options(mn_network *network, const char *json)
{
    const mn_option *table = network->type->options;
    const size_t bytes = network->type->options_size;
    network->options = mn_memory_take_zeroed(1, bytes);
    if (network->options == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a network");
    mn_options_default(table, network->options);
    MN_TRY(mn_options_from_text(table, network->options, "network", json));
    cJSON *resolved = mn_options_to_json(table, network->options);
    network->resolved = cJSON_PrintUnformatted(resolved);
    cJSON_Delete(resolved);
    if (network->resolved == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a network");
    network->spec.options = network->inner.options = network->resolved;
    return MN_OK;
}

static mn_status cut_segments(mn_network *network)
{
    const mn_shape shape = MN_SHAPE(network->slab_floats);
    MN_TRY(mn_tensor_new(MN_F32, shape, &network->values));
    MN_TRY(mn_tensor_new(MN_F32, shape, &network->gradients));
    for (int i = 0; i < network->segment_count; i++) {
        segment *s = &network->segments[i];
        MN_TRY(mn_tensor_view(network->values, s->first, s->shape, &s->value));
        MN_TRY(mn_tensor_view(network->gradients, s->first, s->shape, &s->gradient));
        s->parameter.value = &s->value;
        s->parameter.gradient = &s->gradient;
    }
    return MN_OK;
}

static mn_status build(mn_network *network, const mn_network_spec *spec, mn_key key)
{
    if (network->type->build == NULL || network->type->forward == NULL)
        return mn_fail(MN_UNSUPPORTED, "network '%s' has no build or no forward function",
                       network->type->name);
    network->spec = (mn_network_spec){network->type->name, NULL, spec->input, spec->classes};
    network->inner = network->spec;
    MN_TRY(mn_sight_of(network->sight, spec->input, &network->inner.input));
    MN_TRY(resolve_options(network, spec->options));
    const mn_hook_place before = mn_hook_enter(network->type->name, "build");
    network->inside = true;
    const mn_status built = network->type->build(network, network->options);
    network->inside = false;
    MN_TRY(mn_hook_leave(before, built));
    if (network->segment_count == 0)
        return mn_fail(MN_UNSUPPORTED, "network '%s' has no parameters", network->type->name);
    MN_TRY(cut_segments(network));
    return mn_network_initialise(network, key);
}

static mn_status new_of(const mn_network_type *type, const mn_network_spec *spec, mn_sight sight,
                        mn_key key, mn_network **network)
{
    mn_network_spec named = *spec;
    named.type = type->name;
    MN_TRY(check_spec(&named));
    mn_network *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a network");
    made->type = type;
    made->sight = sight;
    const mn_status status = build(made, spec, key);
    if (status != MN_OK) {
        mn_network_free(made);
        return status;
    }
    *network = made;
    return MN_OK;
}

static mn_status new_of_name(const mn_network_spec *spec, mn_sight sight, mn_key key,
                             mn_network **network)
{
    MN_TRY(check_spec(spec));
    const mn_network_type *type = (const void *)mn_find(MN_KIND_NETWORK, spec->type);
    return type != NULL ? new_of(type, spec, sight, key, network) : MN_NOT_FOUND;
}

/* By way of their text, so that they are checked as a user's are. */
static mn_status new_of_type(const mn_network_type *type, const void *options,
                             const mn_network_spec *spec, mn_sight sight, mn_key key,
                             mn_network **network)
{
    mn_network_spec written = *spec;
    written.options = NULL;
    if (options == NULL)
        return new_of(type, &written, sight, key, network);
    cJSON *values = mn_options_to_json(type->options, options);
    char *text = cJSON_PrintUnformatted(values);
    cJSON_Delete(values);
    written.options = text;
    const mn_status status = text != NULL ? new_of(type, &written, sight, key, network)
                                          : mn_fail(MN_NO_MEMORY, "out of memory for a network");
    cJSON_free(text);
    return status;
}

mn_status mn_network_new_seeing(const mn_network_type *type, const void *options,
                                const mn_network_spec *spec, mn_sight sight, mn_key key,
                                mn_network **network)
{
    *network = NULL;
    return type != NULL ? new_of_type(type, options, spec, sight, key, network)
                        : new_of_name(spec, sight, key, network);
}

mn_status mn_network_new(const mn_network_spec *spec, mn_key key, mn_network **network)
{
    return mn_network_new_seeing(NULL, NULL, spec, MN_SEES_ALL, key, network);
}

mn_status mn_network_new_of(const mn_network_type *type, const void *options,
                            const mn_network_spec *spec, mn_key key, mn_network **network)
{
    return mn_network_new_seeing(type, options, spec, MN_SEES_ALL, key, network);
}

void mn_network_free(mn_network *network)
{
    if (network == NULL)
        return;
    for (int i = 0; i < network->statistic_count; i++)
        mn_tensor_free(network->statistics[i].value);
    mn_tensor_free(network->values);
    mn_tensor_free(network->gradients);
    mn_memory_give(network->segments);
    mn_memory_give(network->statistics);
    mn_memory_give(network->options);
    cJSON_free(network->resolved);
    mn_memory_give(network);
}

mn_status mn_network_initialise(mn_network *network, mn_key key)
{
    for (int i = 0; i < network->segment_count; i++) {
        segment *s = &network->segments[i];
        MN_TRY(mn_initial_fill(&s->value, s->initial, s->fan_in, mn_key_at(key, (uint64_t)i)));
        if (s->initial_scale != 1)
            MN_TRY(mn_tensor_axpby(&s->value, 0, &s->value, (float)s->initial_scale));
    }
    for (int i = 0; i < network->statistic_count; i++)
        MN_TRY(mn_tensor_fill(network->statistics[i].value, network->statistics[i].initial));
    return mn_network_zero_gradients(network);
}

const mn_network_spec *mn_network_spec_of(const mn_network *network)
{
    return network->inside ? &network->inner : &network->spec;
}

mn_sight mn_network_sight(const mn_network *network)
{
    return network->sight;
}

mn_shape mn_network_seen(const mn_network *network)
{
    return network->inner.input;
}

/* --- what network types call --- */

static mn_status check_addition(const mn_network *network, const char *name)
{
    if (network->values != NULL)
        return mn_fail(MN_OUT_OF_ORDER, "network '%s': '%s' was added after the network was built",
                       network->type->name, name);
    bool taken = false;
    for (int i = 0; i < network->segment_count; i++)
        taken = taken || strcmp(network->segments[i].parameter.name, name) == 0;
    for (int i = 0; i < network->statistic_count; i++)
        taken = taken || strcmp(network->statistics[i].name, name) == 0;
    if (taken)
        return mn_fail(MN_BAD_OPTION, "network '%s' adds '%s' twice; names must differ",
                       network->type->name, name);
    return MN_OK;
}

/* A bias sums what its weight sums, so it takes the fan-in of the weight added before it. */
static int64_t fan_in_of(const mn_network *network, mn_parameter_kind kind, mn_shape shape)
{
    if (kind == MN_WEIGHT)
        return mn_initial_fan_in(shape);
    for (int i = network->segment_count - 1; i >= 0; i--)
        if (network->segments[i].parameter.kind == MN_WEIGHT)
            return network->segments[i].fan_in;
    return 1;
}

mn_status mn_network_parameter_add(mn_network *network, const char *name, mn_parameter_kind kind,
                                   bool head, mn_shape shape, mn_initial initial)
{
    int64_t count;
    MN_TRY(check_addition(network, name));
    MN_TRY(count_floats(name, shape, &count));
    const int64_t aligned = (count + SEGMENT_FLOATS - 1) / SEGMENT_FLOATS * SEGMENT_FLOATS;
    if (aligned > most_floats - network->slab_floats)
        return mn_fail(MN_BAD_SHAPE, "network '%s' is larger than any memory; make it narrower",
                       network->type->name);
    segment *segments = mn_memory_resize(network->segments, (size_t)(network->segment_count + 1),
                                         sizeof *network->segments);
    const char *kept_name = mn_intern(name);
    if (segments != NULL)
        network->segments = segments;
    if (segments == NULL || kept_name == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a network");
    segments[network->segment_count] = (segment){
        .parameter = {.name = kept_name, .kind = kind, .head = head},
        .shape = shape,
        .initial = initial,
        .initial_scale = 1,
        .fan_in = fan_in_of(network, kind, shape),
        .first = network->slab_floats,
    };
    network->segment_count++;
    network->slab_floats += aligned;
    return MN_OK;
}

void mn_network_initial_scale(mn_network *network, double scale)
{
    if (network->segment_count > 0)
        network->segments[network->segment_count - 1].initial_scale = scale;
}

mn_status mn_network_statistic_add(mn_network *network, const char *name, mn_shape shape,
                                   float initial)
{
    int64_t count;
    MN_TRY(check_addition(network, name));
    MN_TRY(count_floats(name, shape, &count));
    statistic *statistics = mn_memory_resize(
        network->statistics, (size_t)(network->statistic_count + 1), sizeof *network->statistics);
    const char *kept_name = mn_intern(name);
    if (statistics != NULL)
        network->statistics = statistics;
    if (statistics == NULL || kept_name == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a network");
    statistic added = {.name = kept_name, .initial = initial};
    MN_TRY(mn_tensor_new(MN_F32, shape, &added.value));
    statistics[network->statistic_count++] = added;
    return MN_OK;
}

mn_var *mn_network_leaf(mn_network *network, int i, mn_var *x, mn_mode mode)
{
    const mn_parameter *parameter = &network->segments[i].parameter;
    mn_tape *tape = mn_tape_of(x);
    const bool constant = (mode & MN_NO_GRADIENT) != 0;
    mn_var *leaf = constant ? mn_const(tape, parameter->value)
                            : mn_leaf(tape, parameter->value, parameter->gradient);
    if (leaf != NULL)
        mn_var_name(leaf, parameter->name);
    return leaf;
}

mn_forwarded mn_network_forward(mn_network *network, mn_var *x, mn_mode mode)
{
    network->of_layers = (mn_maps){.newest = NULL};
    mn_kernels_begin();
    const mn_hook_place before = mn_hook_enter(network->type->name, "forward");
    network->inside = true;
    mn_forwarded forwarded =
        network->type->forward(network, network->options, mn_see(network->sight, x), mode);
    network->inside = false;
    (void)mn_hook_leave(before, MN_OK);
    mn_kernels_end();
    network->keyed = false;
    mn_maps_join(&forwarded, &network->of_layers);
    return forwarded;
}

void mn_network_map_into_norm(mn_network *network, mn_var *x, int first, mn_mode mode)
{
    const char *name;
    const mn_tensor *mean = mn_network_statistic(network, first, &name);
    const mn_tensor *variance = mn_network_statistic(network, first + 1, NULL);
    if ((mode & MN_NORM_INPUTS) != 0 && mean != NULL)
        mn_maps_into_norm(&network->of_layers, x, name, mean, variance);
}

void mn_network_map_attention(mn_network *network, mn_var *x, mn_map_role role, int first,
                              int64_t heads, mn_mode mode)
{
    const mn_parameter *parameter = mn_network_parameter(network, first);
    const bool asked = (mode & MN_ATTENTIONS) != 0;
    const bool stays = (mode & MN_NO_GRADIENT) == 0 && mn_tape_recording(mn_tape_of(x));
    if (parameter == NULL || !(asked || stays))
        return;
    if (asked)
        mn_var_keep(x);
    mn_maps_of_attention(&network->of_layers, x, role, parameter->name, heads);
}

void mn_network_key_next(mn_network *network, mn_key key)
{
    network->key = key;
    network->keyed = true;
    network->drawn = 0;
}

bool mn_network_draw(mn_network *network, mn_key *key)
{
    *key = mn_key_at(network->key, network->drawn++);
    return network->keyed;
}

/* --- reading, and moving whole networks --- */

int mn_network_parameter_count(const mn_network *network)
{
    return network->segment_count;
}

const mn_parameter *mn_network_parameter(const mn_network *network, int i)
{
    return i >= 0 && i < network->segment_count ? &network->segments[i].parameter : NULL;
}

int mn_network_statistic_count(const mn_network *network)
{
    return network->statistic_count;
}

mn_tensor *mn_network_statistic(const mn_network *network, int i, const char **name)
{
    if (i < 0 || i >= network->statistic_count)
        return NULL;
    if (name != NULL)
        *name = network->statistics[i].name;
    return network->statistics[i].value;
}

mn_tensor *mn_network_values(mn_network *network)
{
    return network->values;
}

mn_tensor *mn_network_gradients(mn_network *network)
{
    return network->gradients;
}

mn_status mn_network_zero_gradients(mn_network *network)
{
    for (int i = 0; i < network->segment_count; i++)
        network->segments[i].gradient.forgotten = false;
    return mn_tensor_fill(network->gradients, 0);
}

void mn_network_forget_gradients(mn_network *network)
{
    for (int i = 0; i < network->segment_count; i++)
        network->segments[i].gradient.forgotten = true;
}

mn_status mn_network_complete_gradients(mn_network *network)
{
    for (int i = 0; i < network->segment_count; i++) {
        mn_tensor *gradient = &network->segments[i].gradient;
        if (gradient->forgotten)
            MN_TRY(mn_tensor_fill(gradient, 0));
        gradient->forgotten = false;
    }
    return MN_OK;
}

static bool equal_specs(const mn_network_spec *a, const mn_network_spec *b)
{
    return strcmp(a->type, b->type) == 0 && strcmp(a->options, b->options) == 0 &&
           mn_shape_equal(a->input, b->input) && a->classes == b->classes;
}

static mn_status check_alike(const mn_network *to, const mn_network *from)
{
    if (equal_specs(&to->spec, &from->spec) && to->sight == from->sight)
        return MN_OK;
    char a[64], b[64];
    return mn_fail(MN_BAD_SHAPE,
                   "networks differ: %s %s, %s to %lld classes, is no copy of %s %s, %s to "
                   "%lld classes",
                   to->spec.type, to->spec.options, mn_shape_text(to->spec.input, a),
                   (long long)to->spec.classes, from->spec.type, from->spec.options,
                   mn_shape_text(from->spec.input, b), (long long)from->spec.classes);
}

mn_status mn_network_copy(mn_network *to, const mn_network *from)
{
    return mn_network_average(to, from, 0);
}

mn_status mn_network_average(mn_network *average, const mn_network *network, double keep)
{
    if (average == NULL || network == NULL)
        return mn_fail(MN_BAD_VALUE, "the network is NULL; was it declared in open?");
    MN_TRY(check_alike(average, network));
    if (keep == 0)
        MN_TRY(mn_tensor_copy(average->values, network->values));
    else
        MN_TRY(mn_tensor_axpby(average->values, (float)(1 - keep), network->values, (float)keep));
    for (int i = 0; i < average->statistic_count; i++)
        MN_TRY(mn_tensor_copy(average->statistics[i].value, network->statistics[i].value));
    return MN_OK;
}
