/* Networks: names and shapes, initial weights, slabs, the mlp's forward, and what is refused. */
#include "base/registry.h"
#include "nn/network.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/losses.h>
#include <mneme/network.h>
#include <stdio.h>
#include <string.h>

static mn_network *network_of(const char *options, mn_shape input, int64_t classes, uint64_t seed)
{
    const mn_network_spec spec = {"mlp", options, input, classes};
    mn_network *network;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(seed, "weights"), &network));
    return network;
}

/* The elements of a tensor; the caller frees. */
static float *read_all(const mn_tensor *tensor)
{
    float *elements = malloc(mn_tensor_bytes(tensor));
    ck_assert_ptr_nonnull(elements);
    ck_assert_ok(mn_tensor_read(tensor, elements, mn_tensor_bytes(tensor)));
    return elements;
}

static void put(const mn_network *network, const char *name, const float *elements)
{
    for (int i = 0; i < mn_network_parameter_count(network); i++) {
        const mn_parameter *p = mn_network_parameter(network, i);
        if (strcmp(p->name, name) == 0) {
            ck_assert_ok(mn_tensor_write(p->value, elements, mn_tensor_bytes(p->value)));
            return;
        }
    }
    ck_abort_msg("no parameter '%s'", name);
}

static bool equal_values(mn_network *a, mn_network *b)
{
    float *x = read_all(mn_network_values(a)), *y = read_all(mn_network_values(b));
    const bool equal = memcmp(x, y, mn_tensor_bytes(mn_network_values(a))) == 0;
    free(x);
    free(y);
    return equal;
}

START_TEST(the_mlp_has_pytorchs_names_and_shapes)
{
    mn_network *network = network_of(NULL, MN_SHAPE(1, 28, 28), 10, 0);
    static const struct {
        const char *name;
        mn_shape shape;
        mn_parameter_kind kind;
        bool head;
    } expected[] = {
        {"fc1.weight", {2, {100, 784}}, MN_WEIGHT, false},
        {"fc1.bias", {1, {100}}, MN_BIAS, false},
        {"fc2.weight", {2, {100, 100}}, MN_WEIGHT, false},
        {"fc2.bias", {1, {100}}, MN_BIAS, false},
        {"classifier.weight", {2, {10, 100}}, MN_WEIGHT, true},
        {"classifier.bias", {1, {10}}, MN_BIAS, true},
    };
    ck_assert_int_eq(mn_network_parameter_count(network), 6);
    int64_t floats = 0;
    for (int i = 0; i < 6; i++) {
        const mn_parameter *p = mn_network_parameter(network, i);
        ck_assert_str_eq(p->name, expected[i].name);
        ck_assert(mn_shape_equal(mn_tensor_shape(p->value), expected[i].shape));
        ck_assert(mn_shape_equal(mn_tensor_shape(p->gradient), expected[i].shape));
        ck_assert_int_eq(p->kind, expected[i].kind);
        ck_assert_int_eq(p->head, expected[i].head);
        floats += mn_tensor_count(p->value);
    }
    ck_assert_int_eq(floats, 784 * 100 + 100 + 100 * 100 + 100 + 1000 + 10);
    ck_assert_int_ge(mn_tensor_count(mn_network_values(network)), floats);
    ck_assert_int_eq(mn_tensor_count(mn_network_values(network)),
                     mn_tensor_count(mn_network_gradients(network)));
    ck_assert_ptr_null(mn_network_parameter(network, 6));
    ck_assert_ptr_null(mn_network_parameter(network, -1));
    ck_assert_int_eq(mn_network_statistic_count(network), 0);
    mn_network_free(network);
}
END_TEST

START_TEST(xavier_weights_are_uniform_within_glorots_bound_and_biases_zero)
{
    mn_network *network = network_of("", MN_SHAPE(784), 10, 1);
    for (int i = 0; i < 6; i += 2) {
        const mn_tensor *weight = mn_network_parameter(network, i)->value;
        const mn_shape shape = mn_tensor_shape(weight);
        const double bound = sqrt(6.0 / (double)(shape.size[0] + shape.size[1]));
        const int64_t count = mn_tensor_count(weight);
        float *w = read_all(weight);
        double sum = 0, squares = 0, most = 0;
        for (int64_t j = 0; j < count; j++) {
            sum += (double)w[j];
            squares += (double)w[j] * (double)w[j];
            most = fmax(most, fabs((double)w[j]));
        }
        free(w);
        ck_assert_double_le(most, bound * (1 + 1e-6));
        ck_assert_double_gt(most, bound * 0.98);
        ck_assert_double_lt(fabs(sum / (double)count), 4 * bound / sqrt(3.0 * (double)count));
        ck_assert_double_eq_tol(squares / (double)count, bound * bound / 3,
                                bound * bound / 3 * 5 / sqrt((double)count));
        ck_assert_double_eq(mn_tensor_norm(mn_network_parameter(network, i + 1)->value), 0);
    }
    mn_network_free(network);
}
END_TEST

START_TEST(pytorchs_defaults_bound_weights_and_biases_by_the_inputs)
{
    mn_network *network = network_of("{\"init\": \"pytorch\"}", MN_SHAPE(400), 10, 1);
    const double bounds[] = {0.05, 0.05, 0.1, 0.1, 0.1, 0.1}; /* 1 / sqrt(400), 1 / sqrt(100) */
    for (int i = 0; i < 6; i++) {
        const mn_tensor *value = mn_network_parameter(network, i)->value;
        float *w = read_all(value);
        double most = 0;
        for (int64_t j = 0; j < mn_tensor_count(value); j++)
            most = fmax(most, fabs((double)w[j]));
        free(w);
        ck_assert_double_le(most, bounds[i] * (1 + 1e-6));
        ck_assert_double_gt(most, bounds[i] * 0.7);
    }
    mn_network_free(network);
}
END_TEST

START_TEST(equal_keys_give_equal_weights)
{
    mn_network *a = network_of(NULL, MN_SHAPE(30), 5, 7), *b = network_of("", MN_SHAPE(30), 5, 7);
    mn_network *c = network_of(NULL, MN_SHAPE(30), 5, 8);
    ck_assert(equal_values(a, b));
    ck_assert(!equal_values(a, c));
    ck_assert_ok(mn_tensor_fill(mn_network_gradients(c), 1));
    ck_assert_ok(mn_network_initialise(c, mn_key_of(7, "weights")));
    ck_assert(equal_values(a, c));
    ck_assert_double_eq(mn_tensor_norm(mn_network_gradients(c)), 0);
    mn_network_free(a);
    mn_network_free(b);
    mn_network_free(c);
}
END_TEST

START_TEST(layers_of_equal_shape_differ)
{
    mn_network *network = network_of("{\"widths\": \"6,6\"}", MN_SHAPE(6), 6, 7);
    float w[3][36];
    for (int i = 0; i < 3; i++)
        ck_assert_ok(
            mn_tensor_read(mn_network_parameter(network, 2 * i)->value, w[i], sizeof w[i]));
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 36; j++)
            ck_assert(w[i][j] < w[(i + 1) % 3][j] || w[i][j] > w[(i + 1) % 3][j]);
    mn_network_free(network);
}
END_TEST

START_TEST(the_spec_is_a_copy_with_every_option_resolved)
{
    char type[] = "mlp", options[] = "{\"widths\": \"7\"}";
    const mn_network_spec spec = {type, options, MN_SHAPE(3), 2};
    mn_network *network, *rebuilt;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "weights"), &network));
    memset(type, 'x', sizeof type - 1);
    memset(options, 'x', sizeof options - 1);
    const mn_network_spec *kept = mn_network_spec_of(network);
    ck_assert_str_eq(kept->type, "mlp");
    ck_assert_ptr_nonnull(strstr(kept->options, "\"widths\":\"7\""));
    ck_assert_ptr_nonnull(strstr(kept->options, "xavier_uniform"));
    ck_assert(mn_shape_equal(kept->input, MN_SHAPE(3)));
    ck_assert_int_eq(kept->classes, 2);
    ck_assert_ok(mn_network_new(kept, mn_key_of(0, "weights"), &rebuilt));
    ck_assert(equal_values(network, rebuilt));
    mn_network_free(network);
    mn_network_free(rebuilt);
}
END_TEST

START_TEST(segments_are_views_of_the_slabs)
{
    mn_network *network = network_of("{\"widths\": \"3\"}", MN_SHAPE(5), 2, 0);
    ck_assert_ok(mn_tensor_fill(mn_network_gradients(network), 2));
    ck_assert_ok(mn_tensor_fill(mn_network_values(network), 0));
    for (int i = 0; i < mn_network_parameter_count(network); i++) {
        const mn_parameter *p = mn_network_parameter(network, i);
        ck_assert_double_eq(mn_tensor_norm(p->gradient),
                            2 * sqrt((double)mn_tensor_count(p->gradient)));
        ck_assert_ok(mn_tensor_fill(p->value, 1)); /* disjoint: each adds its own squares */
    }
    const double norm = mn_tensor_norm(mn_network_values(network));
    ck_assert_double_eq_tol(norm * norm, 5 * 3 + 3 + 3 * 2 + 2, 1e-9);
    ck_assert_ok(mn_network_zero_gradients(network));
    ck_assert_double_eq(mn_tensor_norm(mn_network_gradients(network)), 0);
    mn_network_free(network);
}
END_TEST

START_TEST(forgotten_gradients_that_no_backward_reaches_become_zeros)
{
    mn_network *network = network_of("{\"widths\": \"3\"}", MN_SHAPE(5), 2, 0);
    const int last = mn_network_parameter_count(network) - 1;
    mn_tensor *reached = mn_network_parameter(network, last)->gradient;
    for (int i = 0; i <= last; i++)
        ck_assert_ok(mn_tensor_fill(mn_network_parameter(network, i)->gradient, 2));
    mn_network_forget_gradients(network);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *x = mn_zeros(tape, MN_SHAPE(1, 5));
    ck_assert_ok(mn_backward(mn_sum(mn_network_leaf(network, last, x, MN_TRAIN))));
    ck_assert_ok(mn_network_complete_gradients(network));
    ck_assert_double_eq_tol(mn_tensor_norm(reached), sqrt(2), 1e-6);
    ck_assert_double_eq_tol(mn_tensor_norm(mn_network_gradients(network)), sqrt(2), 1e-6);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

/* 2 inputs, 2 hidden units, 2 classes, small enough to work out on paper. */
static mn_network *paper_network(void)
{
    mn_network *network = network_of("{\"widths\": \"2\"}", MN_SHAPE(1, 1, 2), 2, 0);
    put(network, "fc1.weight", (const float[]){1, 2, -1, 1});
    put(network, "fc1.bias", (const float[]){0.5f, -1});
    put(network, "classifier.weight", (const float[]){2, 1, -1, 3});
    put(network, "classifier.bias", (const float[]){0, 10});
    return network;
}

START_TEST(the_forward_gives_features_and_logits)
{
    mn_network *network = paper_network();
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *x = mn_input(tape, MN_SHAPE(2, 1, 1, 2), (const float[]){1, 1, -1, 3}, false);
    const mn_forwarded out = mn_network_forward(network, x, MN_TRAIN);
    ck_assert(mn_shape_equal(mn_shape_of(out.features), MN_SHAPE(2, 2)));
    ck_assert(mn_shape_equal(mn_shape_of(out.logits), MN_SHAPE(2, 2)));
    const float features[] = {3.5f, 0, 5.5f, 3}; /* relu of 3.5, -1 and of 5.5, 3 */
    const float logits[] = {7, 6.5f, 14, 13.5f};
    ck_assert_mem_eq(mn_host(out.features), features, sizeof features);
    ck_assert_mem_eq(mn_host(out.logits), logits, sizeof logits);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

START_TEST(gradients_reach_the_slab_and_add_up)
{
    mn_network *network = paper_network();
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    for (int time = 1; time <= 2; time++) {
        mn_tape_reset(tape);
        mn_var *x = mn_input(tape, MN_SHAPE(1, 2), (const float[]){1, 1}, false);
        ck_assert_ok(mn_backward(mn_sum(mn_network_forward(network, x, MN_TRAIN).logits)));
        /* features 3.5, 0; the first unit's gradient is 2 - 1, the second is shut */
        const float expected[] = {1, 1, 0, 0, 1, 0, 3.5f, 0, 3.5f, 0, 1, 1};
        for (int i = 0, at = 0; i < mn_network_parameter_count(network); i++) {
            const mn_tensor *gradient = mn_network_parameter(network, i)->gradient;
            float *g = read_all(gradient);
            for (int64_t j = 0; j < mn_tensor_count(gradient); j++)
                ck_assert_double_eq((double)g[j], time * (double)expected[at++]);
            free(g);
        }
    }
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

START_TEST(no_gradient_means_none)
{
    mn_network *network = paper_network();
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *x = mn_input(tape, MN_SHAPE(1, 2), (const float[]){1, 1}, false);
    const mn_mode modes[] = {MN_TRAIN, MN_EVAL};
    mn_var *sum = mn_zeros(tape, MN_SCALAR);
    for (int i = 0; i < 2; i++) {
        const mn_mode mode = (mn_mode)(modes[i] | MN_NO_GRADIENT);
        sum = mn_add(sum, mn_sum(mn_network_forward(network, x, mode).logits));
    }
    ck_assert_double_eq(mn_item(sum), 27);
    (void)mn_backward(sum);
    ck_assert_double_eq(mn_tensor_norm(mn_network_gradients(network)), 0);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

START_TEST(a_batch_of_another_size_fails_on_the_tape)
{
    mn_network *network = paper_network();
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *x = mn_input(tape, MN_SHAPE(1, 3), (const float[]){1, 1, 1}, false);
    mn_var *loss = mn_sum(mn_network_forward(network, x, MN_TRAIN).logits);
    ck_assert_fails(mn_backward(loss), MN_BAD_SHAPE, "(1,3)");
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

/* A draw from an empty buffer: its terms are zero, and nothing moves. */
START_TEST(an_empty_batch_is_no_mistake)
{
    for (int normed = 0; normed < 2; normed++) {
        mn_network *network =
            network_of(normed ? "{\"batch_norm\": true}" : NULL, MN_SHAPE(4), 3, 0);
        mn_tape *tape;
        ck_assert_ok(mn_tape_new(&tape));
        mn_var *logits =
            mn_network_forward(network, mn_zeros(tape, MN_SHAPE(0, 4)), MN_TRAIN).logits;
        ck_assert(mn_shape_equal(mn_shape_of(logits), MN_SHAPE(0, 3)));
        mn_var *loss = mn_cross_entropy(logits, NULL);
        ck_assert_ok(mn_backward(loss));
        ck_assert_double_eq(mn_item(loss), 0);
        ck_assert_double_eq(mn_tensor_norm(mn_network_gradients(network)), 0);
        if (normed)
            ck_assert_double_eq(mn_tensor_norm(mn_network_statistic(network, 0, NULL)), 0);
        mn_tape_free(tape);
        mn_network_free(network);
    }
}
END_TEST

/* Columns (-1, 1) and (1, 5): means 0 and 3, unbiased variances 2 and 8, normalised -1 and 1. */
START_TEST(batch_norm_moves_its_statistics_in_training_alone)
{
    mn_network *network =
        network_of("{\"widths\": \"2\", \"batch_norm\": true}", MN_SHAPE(2), 2, 0);
    ck_assert_int_eq(mn_network_parameter_count(network), 6);
    ck_assert_str_eq(mn_network_parameter(network, 2)->name, "bn1.weight");
    ck_assert_int_eq(mn_network_parameter(network, 2)->kind, MN_NORM_SCALE);
    ck_assert_str_eq(mn_network_parameter(network, 3)->name, "bn1.bias");
    ck_assert_int_eq(mn_network_parameter(network, 3)->kind, MN_NORM_SHIFT);
    put(network, "fc1.weight", (const float[]){1, 0, 0, 1});
    const char *name;
    mn_tensor *mean = mn_network_statistic(network, 0, &name);
    ck_assert_str_eq(name, "bn1.running_mean");
    mn_tensor *variance = mn_network_statistic(network, 1, &name);
    ck_assert_str_eq(name, "bn1.running_var");
    ck_assert_ptr_null(mn_network_statistic(network, 2, NULL));
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    const mn_mode modes[] = {MN_EVAL, MN_TRAIN_FROZEN, MN_TRAIN};
    for (int i = 0; i < 3; i++) {
        mn_var *x = mn_input(tape, MN_SHAPE(2, 2), (const float[]){-1, 1, 1, 5}, false);
        const float *features = mn_host(mn_network_forward(network, x, modes[i]).features);
        float m[2], v[2];
        ck_assert_ok(mn_tensor_read(mean, m, sizeof m));
        ck_assert_ok(mn_tensor_read(variance, v, sizeof v));
        const bool moved = modes[i] == MN_TRAIN;
        ck_assert_double_eq_tol((double)m[1], moved ? 0.3 : 0, 1e-6);
        ck_assert_double_eq_tol((double)v[0], moved ? 1.1 : 1, 1e-6);
        ck_assert_double_eq_tol((double)v[1], moved ? 1.7 : 1, 1e-6);
        ck_assert_double_eq_tol((double)features[3], modes[i] == MN_EVAL ? 5 : 1, 1e-4);
    }
    ck_assert_ok(mn_network_initialise(network, mn_key_of(0, "weights")));
    ck_assert_double_eq(mn_tensor_norm(mean), 0);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

START_TEST(a_copy_takes_values_and_statistics_and_refuses_another_spec)
{
    const char *normed = "{\"widths\": \"4\", \"batch_norm\": true}";
    mn_network *a = network_of(normed, MN_SHAPE(3), 2, 0),
               *b = network_of(normed, MN_SHAPE(3), 2, 1);
    ck_assert_ok(mn_tensor_fill(mn_network_statistic(a, 0, NULL), 3));
    ck_assert(!equal_values(a, b));
    ck_assert_ok(mn_network_copy(b, a));
    ck_assert(equal_values(a, b));
    ck_assert_double_eq(mn_tensor_norm(mn_network_statistic(b, 0, NULL)), 6);
    mn_network *wider = network_of("{\"widths\": \"5\", \"batch_norm\": true}", MN_SHAPE(3), 2, 0);
    mn_network *more = network_of(normed, MN_SHAPE(3), 3, 0);
    ck_assert_fails(mn_network_copy(wider, a), MN_BAD_SHAPE, "\"widths\":\"5\"");
    ck_assert_fails(mn_network_copy(more, a), MN_BAD_SHAPE, "3 classes");
    mn_network_free(a);
    mn_network_free(b);
    mn_network_free(wider);
    mn_network_free(more);
}
END_TEST

START_TEST(widths_are_refused_with_the_item_that_is_wrong)
{
    static const struct {
        const char *options, *message;
    } cases[] = {
        {"{\"widths\": \"100,x\"}", "network.widths[1]: 'x' is not a whole number from 1 to 65536"},
        {"{\"widths\": \"100,\"}", "network.widths: '100,' is not a list of numbers"},
        {"{\"widths\": \",\"}", "network.widths: ',' is not a list of numbers"},
        {"{\"widths\": \"0\"}", "network.widths[0]: '0' is not"},
        {"{\"widths\": \"-5,3\"}", "network.widths[0]: '-5' is not"},
        {"{\"widths\": \"10 10\"}", "'10 10'"},
        {"{\"widths\": \"1.5\"}", "'1.5'"},
        {"{\"widths\": \"65537\"}", "from 1 to 65536"},
        {"{\"widths\": \"99999999999999999999\"}", "99999999999999999999"},
        {"{\"width\": \"100\"}", "did you mean 'widths'?"},
        {"{\"init\": \"xavier\"}", "network.init"},
        {"{\"widths\"", "not JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const mn_network_spec spec = {"mlp", cases[i].options, MN_SHAPE(4), 2};
        mn_network *network;
        ck_assert_fails(mn_network_new(&spec, mn_key_of(0, "weights"), &network), MN_BAD_OPTION,
                        cases[i].message);
        ck_assert_ptr_null(network);
    }
    mn_network *network = network_of("{\"widths\": \" 3 , 4 \"}", MN_SHAPE(4), 2, 0);
    ck_assert_int_eq(mn_network_parameter_count(network), 6);
    mn_network_free(network);
}
END_TEST

START_TEST(specs_are_refused_with_what_was_expected)
{
    mn_network *network;
    const mn_key key = mn_key_of(0, "weights");
    mn_network_spec spec = {"mpl", NULL, MN_SHAPE(4), 2};
    ck_assert_fails(mn_network_new(&spec, key, &network), MN_NOT_FOUND, "did you mean 'mlp'?");
    ck_assert_fails(mn_network_new(NULL, key, &network), MN_BAD_VALUE, "a network needs a spec");
    spec.type = NULL;
    ck_assert_fails(mn_network_new(&spec, key, &network), MN_BAD_OPTION, "needs a type");
    spec.type = "mlp";
    spec.classes = 0;
    ck_assert_fails(mn_network_new(&spec, key, &network), MN_BAD_OPTION, "0 classes");
    spec.classes = 2;
    spec.input = MN_SCALAR;
    ck_assert_fails(mn_network_new(&spec, key, &network), MN_BAD_SHAPE, "0 axes");
    spec.input = MN_SHAPE(3, 0, 2);
    ck_assert_fails(mn_network_new(&spec, key, &network), MN_BAD_SHAPE, "(3,0,2)");
    spec.input = MN_SHAPE(INT64_MAX / 2, 4);
    ck_assert_fails(mn_network_new(&spec, key, &network), MN_BAD_SHAPE, "no memory");
    spec.input = MN_SHAPE((int64_t)1 << 36);
    ck_assert_fails(mn_network_new(&spec, key, &network), MN_BAD_SHAPE, "fc1.weight");
    ck_assert_ptr_null(network);
    mn_network_free(NULL);
}
END_TEST

/* --- types of which something is wrong -------------------------------------------------------- */

static mn_status add_twice(mn_network *network, const void *options)
{
    (void)options;
    MN_TRY(mn_network_parameter_add(network, "w", MN_WEIGHT, false, MN_SHAPE(2), MN_INITIAL_ONE));
    return mn_network_statistic_add(network, "w", MN_SHAPE(2), 0);
}

static mn_status add_nothing(mn_network *network, const void *options)
{
    (void)network;
    (void)options;
    return MN_OK;
}

static mn_status add_normal(mn_network *network, const void *options)
{
    (void)options;
    return mn_network_parameter_add(network, "conv.weight", MN_WEIGHT, false,
                                    MN_SHAPE(64, 32, 3, 3), MN_INITIAL_KAIMING_NORMAL);
}

static mn_forwarded forward_nothing(mn_network *network, const void *options, mn_var *x,
                                    mn_mode mode)
{
    (void)network;
    (void)options;
    (void)mode;
    return (mn_forwarded){x, x, NULL};
}

static mn_network *other_type(const mn_network_type *type, mn_status expected, const char *message)
{
    const mn_network_spec spec = {type->name, NULL, MN_SHAPE(4), 2};
    mn_network *network;
    ck_assert_ok(mn_register(MN_KIND_NETWORK, type));
    const mn_status status = mn_network_new(&spec, mn_key_of(0, "weights"), &network);
    ck_assert_msg(status == expected, "%s", mn_error());
    if (status != MN_OK)
        ck_assert_msg(strstr(mn_error(), message) != NULL, "message was: %s", mn_error());
    return network;
}

START_TEST(a_plugins_mistakes_are_named)
{
    static const mn_network_type twice = {MN_NETWORK_HEADER, .name = "twice", .build = add_twice,
                                          .forward = forward_nothing};
    static const mn_network_type nothing = {MN_NETWORK_HEADER, .name = "nothing",
                                            .build = add_nothing, .forward = forward_nothing};
    static const mn_network_type unfinished = {MN_NETWORK_HEADER, .name = "unfinished",
                                               .build = add_normal};
    (void)other_type(&twice, MN_BAD_OPTION, "adds 'w' twice");
    (void)other_type(&nothing, MN_UNSUPPORTED, "no parameters");
    (void)other_type(&unfinished, MN_UNSUPPORTED, "'unfinished'");
    mn_network *network = network_of(NULL, MN_SHAPE(4), 2, 0);
    ck_assert_fails(
        mn_network_parameter_add(network, "late", MN_BIAS, false, MN_SHAPE(1), MN_INITIAL_ZERO),
        MN_OUT_OF_ORDER, "'late'");
    mn_network_free(network);
}
END_TEST

START_TEST(kaiming_normal_weights_have_a_variance_of_two_over_the_inputs)
{
    static const mn_network_type normal = {MN_NETWORK_HEADER, .name = "normal", .build = add_normal,
                                           .forward = forward_nothing};
    mn_network *network = other_type(&normal, MN_OK, "");
    const mn_tensor *weight = mn_network_parameter(network, 0)->value;
    const double count = (double)mn_tensor_count(weight), norm = mn_tensor_norm(weight);
    const double expected = 2.0 / (32 * 3 * 3);
    ck_assert_double_eq_tol(norm * norm / count, expected, expected * 5 * sqrt(2 / count));
    mn_network_free(network);
}
END_TEST

/* z = mean + exp(log variance / 2) e; a code alone is decoded. */
START_TEST(a_vae_encodes_adds_noise_and_decodes)
{
    const mn_network_spec spec = {"vae", "{\"widths\": \"6,5\", \"latent\": 2}", MN_SHAPE(1, 2, 2),
                                  4};
    mn_network *network;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(1, "vae"), &network));
    static const float x[2][6] = {{0.1F, 0.9F, 0.5F, 0, 0, 0}, {0.1F, 0.9F, 0.5F, 0, 1.5F, -2}};
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    const mn_forwarded all =
        mn_network_forward(network, mn_input(tape, MN_SHAPE(2, 6), x[0], false), MN_TRAIN);
    const float *code = mn_host(all.features), *seen = mn_host(all.logits);
    ck_assert_ptr_nonnull(code);
    float z[2][2];
    for (int row = 0; row < 2; row++)
        for (int i = 0; i < 2; i++) {
            ck_assert(code[4 * row + i] == code[i]); /* the noise is no input of the encoder */
            z[row][i] = code[i] + expf(code[2 + i] / 2) * x[row][4 + i];
        }
    const mn_forwarded decoded =
        mn_network_forward(network, mn_input(tape, MN_SHAPE(2, 2), z[0], false), MN_EVAL);
    const float *again = mn_host(decoded.logits);
    for (int i = 0; i < 8; i++)
        ck_assert_double_eq_tol((double)seen[i], (double)again[i], 1e-5);
    ck_assert(seen[0] != seen[4]);
    mn_tape_free(tape);
    mn_network_free(network);
    const mn_network_spec classifier = {"vae", NULL, MN_SHAPE(1, 2, 2), 10};
    ck_assert_fails(mn_network_new(&classifier, mn_key_of(1, "vae"), &network), MN_BAD_SHAPE,
                    "not 10 classes");
}
END_TEST

MN_SUITE("network", a_vae_encodes_adds_noise_and_decodes, the_mlp_has_pytorchs_names_and_shapes,
         xavier_weights_are_uniform_within_glorots_bound_and_biases_zero,
         pytorchs_defaults_bound_weights_and_biases_by_the_inputs, equal_keys_give_equal_weights,
         layers_of_equal_shape_differ, the_spec_is_a_copy_with_every_option_resolved,
         segments_are_views_of_the_slabs, forgotten_gradients_that_no_backward_reaches_become_zeros,
         the_forward_gives_features_and_logits, gradients_reach_the_slab_and_add_up,
         no_gradient_means_none, a_batch_of_another_size_fails_on_the_tape,
         an_empty_batch_is_no_mistake, batch_norm_moves_its_statistics_in_training_alone,
         a_copy_takes_values_and_statistics_and_refuses_another_spec,
         widths_are_refused_with_the_item_that_is_wrong, specs_are_refused_with_what_was_expected,
         a_plugins_mistakes_are_named,
         kaiming_normal_weights_have_a_variance_of_two_over_the_inputs)
