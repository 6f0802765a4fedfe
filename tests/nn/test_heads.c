/* Heads: the parameters that each has, what it answers, and what is refused. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/layers.h>
#include <mneme/losses.h>
#include <string.h>

enum { CLASSES = 5, FEATURES = 3, ROWS = 2 };

static mn_network *network_of(const char *options)
{
    const mn_network_spec spec = {"mlp", options, MN_SHAPE(FEATURES), CLASSES};
    mn_network *network;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(1, "weights"), &network));
    return network;
}

static const char linear[] = "{\"widths\":\"\"}";
static const char cosine[] = "{\"widths\":\"\",\"head\":\"cosine\"}";
static const char multi[] = "{\"widths\":\"\",\"head\":\"multi\",\"head_classes\":\"2,1,2\"}";

static const float x[ROWS * FEATURES] = {3, 0, 4, -1, 2, 2};
static const float weight[CLASSES * FEATURES] = {1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 1, 1, -3, 0, -4};
static const float bias[CLASSES] = {0.5f, 0, -1, 2, 1};

static void put(const mn_network *network, int i, const float *elements)
{
    mn_tensor *value = mn_network_parameter(network, i)->value;
    ck_assert_ok(mn_tensor_write(value, elements, mn_tensor_bytes(value)));
}

static void has(const mn_network *network, int i, const char *name, mn_shape shape)
{
    const mn_parameter *p = mn_network_parameter(network, i);
    ck_assert_ptr_nonnull(p);
    ck_assert_str_eq(p->name, name);
    ck_assert(mn_shape_equal(mn_tensor_shape(p->value), shape));
    ck_assert(p->head);
}

START_TEST(each_head_has_its_parameters)
{
    mn_network *network = network_of(linear);
    has(network, 0, "classifier.weight", MN_SHAPE(CLASSES, FEATURES));
    has(network, 1, "classifier.bias", MN_SHAPE(CLASSES));
    ck_assert_int_eq(mn_network_head(network, MN_WEIGHT), 0);
    ck_assert_int_eq(mn_network_head(network, MN_BIAS), 1);
    ck_assert_int_eq(mn_network_head(network, MN_NORM_SCALE), -1);
    ck_assert_int_eq(mn_network_features(network), FEATURES);
    mn_network_free(network);

    network = network_of(cosine);
    has(network, 0, "classifier.weight", MN_SHAPE(CLASSES, FEATURES));
    has(network, 1, "classifier.sigma", MN_SHAPE(1));
    ck_assert_int_eq(mn_network_parameter_count(network), 2);
    ck_assert_int_eq(mn_network_head(network, MN_WEIGHT), 0);
    ck_assert_int_eq(mn_network_head(network, MN_BIAS), -1);
    ck_assert_int_eq(mn_network_head(network, MN_NORM_SCALE), 1);
    ck_assert_int_eq(mn_network_features(network), FEATURES);
    mn_network_free(network);

    network = network_of(multi);
    has(network, 0, "classifier.0.weight", MN_SHAPE(2, FEATURES));
    has(network, 1, "classifier.0.bias", MN_SHAPE(2));
    has(network, 2, "classifier.1.weight", MN_SHAPE(1, FEATURES));
    has(network, 5, "classifier.2.bias", MN_SHAPE(2));
    ck_assert_int_eq(mn_network_parameter_count(network), 6);
    ck_assert_int_eq(mn_network_head(network, MN_WEIGHT), -1);
    ck_assert_int_eq(mn_network_head(network, MN_BIAS), -1);
    ck_assert_int_eq(mn_network_features(network), FEATURES);
    mn_network_free(network);
}
END_TEST

/* The weights of the first head are the first network's: a head's beginning is a linear layer's. */
START_TEST(a_cosine_head_begins_as_a_linear_one_with_a_factor_of_1)
{
    mn_network *one = network_of(linear), *other = network_of(cosine);
    float w[CLASSES * FEATURES], v[CLASSES * FEATURES], sigma;
    ck_assert_ok(mn_tensor_read(mn_network_parameter(one, 0)->value, w, sizeof w));
    ck_assert_ok(mn_tensor_read(mn_network_parameter(other, 0)->value, v, sizeof v));
    ck_assert_ok(mn_tensor_read(mn_network_parameter(other, 1)->value, &sigma, sizeof sigma));
    ck_assert_mem_eq(w, v, sizeof w);
    ck_assert(sigma == 1);
    mn_network_free(one);
    mn_network_free(other);
}
END_TEST

START_TEST(a_cosine_head_answers_with_cosines_times_its_factor)
{
    const float sigma = 10;
    const double third = sqrt(3);
    const double expected[ROWS * CLASSES] = {
        6, 0, 8, 70 / third / 5, -10, -10. / 3, 20. / 3, 20. / 3, 10 / third, 10 * (3 - 8.) / 15};
    mn_network *network = network_of(cosine);
    mn_tape *tape;
    put(network, 0, weight);
    put(network, 1, &sigma);
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *in = mn_input(tape, MN_SHAPE(ROWS, FEATURES), x, false);
    mn_var *logits = mn_network_forward(network, in, MN_TRAIN).logits;
    ck_assert(mn_shape_equal(mn_shape_of(logits), MN_SHAPE(ROWS, CLASSES)));
    for (int i = 0; i < ROWS * CLASSES; i++)
        ck_assert_double_eq_tol((double)mn_host(logits)[i], expected[i], 1e-5);
    /* the factor learns: d sum / d sigma is the sum of the cosines */
    double cosines = 0;
    for (int i = 0; i < ROWS * CLASSES; i++)
        cosines += expected[i] / 10;
    ck_assert_ok(mn_backward(mn_sum(logits)));
    float slope;
    ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 1)->gradient, &slope, sizeof slope));
    ck_assert_double_eq_tol((double)slope, cosines, 1e-5);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

/* Layers side by side are one layer whose rows are theirs. */
START_TEST(layers_of_tasks_answer_side_by_side)
{
    mn_network *one = network_of(linear), *many = network_of(multi);
    mn_tape *tape;
    put(one, 0, weight);
    put(one, 1, bias);
    const int first[] = {0, 2, 3}; /* class of each task */
    for (int task = 0; task < 3; task++) {
        put(many, 2 * task, weight + first[task] * FEATURES);
        put(many, 2 * task + 1, bias + first[task]);
    }
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *in = mn_input(tape, MN_SHAPE(ROWS, FEATURES), x, false);
    mn_var *a = mn_network_forward(one, in, MN_EVAL).logits;
    mn_var *b = mn_network_forward(many, in, MN_EVAL).logits;
    ck_assert(mn_shape_equal(mn_shape_of(b), MN_SHAPE(ROWS, CLASSES)));
    for (int i = 0; i < ROWS * CLASSES; i++)
        ck_assert_double_eq_tol((double)mn_host(a)[i], (double)mn_host(b)[i], 1e-5);
    mn_var *c = mn_network_classify(many, in, MN_EVAL);
    ck_assert_mem_eq(mn_host(b), mn_host(c), ROWS * CLASSES * sizeof(float));
    mn_tape_free(tape);
    mn_network_free(one);
    mn_network_free(many);
}
END_TEST

START_TEST(the_loss_of_a_task_moves_no_other_tasks_layer)
{
    static const int32_t labels[ROWS] = {3, 4};
    mn_network *network = network_of(multi);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *in = mn_input(tape, MN_SHAPE(ROWS, FEATURES), x, false);
    mn_var *logits = mn_network_forward(network, in, MN_TRAIN).logits;
    ck_assert_ok(mn_backward(mn_cross_entropy_columns(logits, labels, 3, 2)));
    for (int i = 0; i < 6; i++) {
        const double length = mn_tensor_norm(mn_network_parameter(network, i)->gradient);
        ck_assert_msg((length > 0) == (i >= 4), "%s: %g", mn_network_parameter(network, i)->name,
                      length);
    }
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

START_TEST(heads_that_do_not_fit_are_refused)
{
    mn_network *network;
    mn_network_spec spec = {"mlp", "{\"head\":\"multi\"}", MN_SHAPE(FEATURES), CLASSES};
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_OPTION,
                    "network.head_classes: head=multi needs the classes of each layer");
    spec.options = "{\"head\":\"multi\",\"head_classes\":\"2,2\"}";
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_OPTION,
                    "layers of 4 classes together, expected 5");
    spec.options = "{\"head\":\"multi\",\"head_classes\":\"2,x\"}";
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_OPTION,
                    "network.head_classes");
    spec.options = "{\"head\":\"cosinus\"}";
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_OPTION, "cosine");
}
END_TEST

/* --- classifiers that are no head ------------------------------------------------------------- */

static mn_status build_deep(mn_network *network, const void *options)
{
    (void)options;
    const mn_layer_start head = {MN_INITIAL_PYTORCH_UNIFORM, MN_INITIAL_ZERO, 0, true};
    MN_TRY(mn_layer_add(network, "classifier.0", MN_SHAPE(7, FEATURES), &head));
    return mn_layer_add(network, "classifier.1", MN_SHAPE(CLASSES, 7), &head);
}
static mn_status build_normed(mn_network *network, const void *options)
{
    (void)options;
    MN_TRY(mn_network_parameter_add(network, "scale", MN_NORM_SCALE, true, MN_SHAPE(FEATURES),
                                    MN_INITIAL_ONE));
    return mn_layer_add_classifier(network, FEATURES);
}
static mn_forwarded forward(mn_network *network, const void *options, mn_var *in, mn_mode mode)
{
    (void)options;
    return (mn_forwarded){.logits = mn_network_classify(network, in, mode), .features = in};
}

START_TEST(features_go_through_no_classifier_of_more_than_a_layer)
{
    mn_status (*const builds[])(mn_network *, const void *) = {build_deep, build_normed};
    for (int i = 0; i < 2; i++) {
        const mn_network_type type = {MN_NETWORK_HEADER, .name = "deep", .build = builds[i],
                                      .forward = forward};
        const mn_network_spec spec = {NULL, NULL, MN_SHAPE(FEATURES), CLASSES};
        mn_network *network;
        mn_tape *tape;
        ck_assert_ok(mn_network_new_of(&type, NULL, &spec, mn_key_of(1, "w"), &network));
        ck_assert_ok(mn_tape_new(&tape));
        mn_var *in = mn_input(tape, MN_SHAPE(ROWS, FEATURES), x, false);
        (void)mn_network_forward(network, in, MN_EVAL);
        ck_assert_int_eq(mn_tape_status(tape), MN_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(mn_tape_error(tape), "no classifier of one linear layer"));
        mn_tape_free(tape);
        mn_network_free(network);
    }
}
END_TEST

MN_SUITE("heads", each_head_has_its_parameters,
         a_cosine_head_begins_as_a_linear_one_with_a_factor_of_1,
         a_cosine_head_answers_with_cosines_times_its_factor, layers_of_tasks_answer_side_by_side,
         the_loss_of_a_task_moves_no_other_tasks_layer, heads_that_do_not_fit_are_refused,
         features_go_through_no_classifier_of_more_than_a_layer)
