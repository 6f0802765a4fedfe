/* Optimisers: steps worked out by hand, by PyTorch's rules. */
#include "nn/groups.h"
#include "nn/optimiser.h"
#include "tests/suite.h"

#include <math.h>
#include <string.h>

/* A linear model of two inputs and one output: weights w[0], w[1] and a bias w[2]. */
enum { WEIGHTS = 3 };
static const double tolerance = 1e-6;

static mn_network *linear_model(void)
{
    const mn_network_spec spec = {"mlp", "{\"widths\": \"\"}", MN_SHAPE(2), 1};
    mn_network *network;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "weights"), &network));
    return network;
}

static void put(mn_network *network, bool gradient, float a, float b, float c)
{
    const float weight[] = {a, b}, bias[] = {c};
    const mn_parameter *first = mn_network_parameter(network, 0);
    const mn_parameter *second = mn_network_parameter(network, 1);
    ck_assert_ok(mn_tensor_write(gradient ? first->gradient : first->value, weight, sizeof weight));
    ck_assert_ok(mn_tensor_write(gradient ? second->gradient : second->value, bias, sizeof bias));
}

static void assert_values(mn_network *network, double a, double b, double c)
{
    float w[WEIGHTS];
    ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 0)->value, w, 2 * sizeof w[0]));
    ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 1)->value, w + 2, sizeof w[0]));
    ck_assert_double_eq_tol((double)w[0], a, tolerance);
    ck_assert_double_eq_tol((double)w[1], b, tolerance);
    ck_assert_double_eq_tol((double)w[2], c, tolerance);
}

static mn_optimiser *optimiser_of(const char *kind, const char *options, mn_network *network)
{
    mn_optimiser *optimiser;
    ck_assert_ok(mn_optimiser_new(kind, options, network, &optimiser));
    return optimiser;
}

START_TEST(plain_sgd_walks_down_the_gradient_and_keeps_no_moment)
{
    mn_network *network = linear_model();
    mn_optimiser *sgd = optimiser_of("sgd", NULL, network);
    ck_assert_int_eq(mn_optimiser_moment_count(sgd), 0);
    ck_assert_ptr_null(mn_optimiser_moment(sgd, 0, NULL));
    put(network, false, 1, 2, 3);
    put(network, true, 10, -10, 1);
    ck_assert_ok(mn_optimiser_step(sgd, 0.1));
    assert_values(network, 0, 3, 2.9);
    ck_assert_int_eq(*mn_optimiser_steps(sgd), 1);
    mn_optimiser_free(sgd);
    mn_network_free(network);
}
END_TEST

START_TEST(momentum_begins_as_the_first_gradient)
{
    mn_network *network = linear_model();
    mn_optimiser *sgd = optimiser_of("sgd", "{\"momentum\": 0.9}", network);
    const char *name = NULL;
    ck_assert_ptr_nonnull(mn_optimiser_moment(sgd, 0, &name));
    ck_assert_str_eq(name, "momentum");
    put(network, false, 0, 0, 0);
    put(network, true, 1, 2, -1);
    ck_assert_ok(mn_optimiser_step(sgd, 1)); /* m = g */
    assert_values(network, -1, -2, 1);
    ck_assert_ok(mn_optimiser_step(sgd, 1)); /* m = 0.9 g + g */
    assert_values(network, -2.9, -5.8, 2.9);
    put(network, true, 0, 0, 0);
    ck_assert_ok(mn_optimiser_step(sgd, 0.5)); /* m = 0.9 * 1.9 g, at half the rate */
    assert_values(network, -2.9 - 0.855, -5.8 - 1.71, 2.9 + 0.855);
    mn_optimiser_free(sgd);
    mn_network_free(network);
}
END_TEST

START_TEST(weight_decay_is_part_of_the_gradient)
{
    mn_network *network = linear_model();
    mn_optimiser *sgd = optimiser_of("sgd", "{\"momentum\": 0.5, \"weight_decay\": 1}", network);
    put(network, false, 1, -2, 0);
    put(network, true, 1, 0, 0);
    ck_assert_ok(mn_optimiser_step(sgd, 0.1)); /* g = 2, -2, 0 */
    assert_values(network, 0.8, -1.8, 0);
    ck_assert_ok(mn_optimiser_step(sgd, 0.1)); /* m = 1 + 1.8, -1 - 1.8, 0 */
    assert_values(network, 0.8 - 0.28, -1.8 + 0.28, 0);
    mn_optimiser_free(sgd);
    mn_network_free(network);
}
END_TEST

START_TEST(nesterov_adds_the_momentum_to_come)
{
    mn_network *network = linear_model();
    mn_optimiser *sgd = optimiser_of("sgd", "{\"momentum\": 0.5, \"nesterov\": true}", network);
    put(network, false, 0, 0, 0);
    put(network, true, 1, -2, 4);
    ck_assert_ok(mn_optimiser_step(sgd, 1)); /* m = g; g + m / 2 */
    assert_values(network, -1.5, 3, -6);
    ck_assert_ok(mn_optimiser_step(sgd, 1)); /* m = 1.5 g; g + 0.75 g */
    assert_values(network, -1.5 - 1.75, 3 + 3.5, -6 - 7);
    mn_optimiser_free(sgd);
    mn_network_free(network);
}
END_TEST

START_TEST(adam_corrects_the_bias_of_its_first_steps)
{
    mn_network *network = linear_model();
    mn_optimiser *adam =
        optimiser_of("adam", "{\"beta1\": 0.5, \"beta2\": 0.75, \"epsilon\": 1e-12}", network);
    put(network, false, 0, 0, 0);
    put(network, true, 4, -0.01f, 100);
    ck_assert_ok(mn_optimiser_step(adam, 0.1)); /* m^ / sqrt(v^) = sign(g) */
    assert_values(network, -0.1, 0.1, -0.1);
    put(network, true, 0, -0.01f, -100);
    /* first weight: m^ = (0.5 * 2) / 0.75, v^ = (0.75 * 4) / (1 - 0.5625)
     * last: m^ = (25 - 50) / 0.75, v^ = (1875 + 2500) / 0.4375 */
    ck_assert_ok(mn_optimiser_step(adam, 0.1));
    assert_values(network, -0.1 - 0.1 * (1 / 0.75) / sqrt(3 / 0.4375), 0.2,
                  -0.1 + 0.1 * (25 / 0.75) / sqrt(4375 / 0.4375));
    ck_assert_int_eq(*mn_optimiser_steps(adam), 2);
    mn_optimiser_free(adam);
    mn_network_free(network);
}
END_TEST

START_TEST(adam_adds_epsilon_to_the_root_and_decay_to_the_gradient)
{
    mn_network *network = linear_model();
    mn_optimiser *adam = optimiser_of("adam", "{\"epsilon\": 1, \"weight_decay\": 0.5}", network);
    put(network, false, 2, -2, 0);
    put(network, true, 0, 4, 3);
    ck_assert_ok(mn_optimiser_step(adam, 1)); /* g = 1, 3, 3: g / (|g| + 1) */
    assert_values(network, 2 - 0.5, -2 - 0.75, -0.75);
    mn_optimiser_free(adam);
    mn_network_free(network);
}
END_TEST

/* 2 inputs, 1 hidden unit, 1 output: fc1.weight, fc1.bias, classifier.weight, classifier.bias. */
START_TEST(lars_scales_each_weight_by_its_own_length_and_gives_the_head_its_own_rate)
{
    const mn_network_spec spec = {"mlp", "{\"widths\": \"1\"}", MN_SHAPE(2), 1};
    const float start[4][2] = {{3, 4}, {1}, {2}, {0}}, slope[4][2] = {{0, 2}, {3}, {-4}, {5}};
    mn_network *network;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "weights"), &network));
    mn_optimiser *lars = optimiser_of("lars",
                                      "{\"momentum\": 0.5, \"weight_decay\": 0.2, \"trust\": "
                                      "0.1, \"epsilon\": 0, \"head_rate\": 3}",
                                      network);
    for (int i = 0; i < 4; i++) {
        const mn_parameter *p = mn_network_parameter(network, i);
        ck_assert_ok(mn_tensor_write(p->value, start[i], mn_tensor_bytes(p->value)));
        ck_assert_ok(mn_tensor_write(p->gradient, slope[i], mn_tensor_bytes(p->gradient)));
    }
    ck_assert_ok(mn_optimiser_step(lars, 1));
    /* a = 0.1 * 5 / (2 + 0.2 * 5) = 1 / 6; bias a = 1; head a = 0.1 * 2 / 4; a head of length 0 1
     */
    const double expected[4][2] = {
        {3 - 0.6 / 6, 4 - 2.8 / 6}, {1 - 3}, {2 + 3 * 0.05 * 4}, {0 - 3 * 5}};
    float w[4][2] = {{0}};
    for (int i = 0; i < 4; i++) {
        const mn_tensor *value = mn_network_parameter(network, i)->value;
        ck_assert_ok(mn_tensor_read(value, w[i], mn_tensor_bytes(value)));
        for (int64_t k = 0; k < mn_tensor_count(value); k++)
            ck_assert_double_eq_tol((double)w[i][k], expected[i][k], tolerance);
    }
    /* The rate is part of the velocity: at a rate of 0 the last step goes on at half its length. */
    ck_assert_ok(mn_optimiser_step(lars, 0));
    ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 1)->value, w[1], sizeof w[1][0]));
    ck_assert_double_eq_tol((double)w[1][0], 1 - 3 - 1.5, tolerance);
    /* A weight without a gradient does not decay, and goes on as far as its velocity has it. */
    const mn_parameter *first = mn_network_parameter(network, 0);
    ck_assert_ok(mn_tensor_fill(first->gradient, 0));
    ck_assert_ok(mn_optimiser_step(lars, 1));
    ck_assert_ok(mn_tensor_read(first->value, w[0], mn_tensor_bytes(first->value)));
    ck_assert_double_eq_tol((double)w[0][0], 3 - 1.75 * 0.6 / 6, tolerance);
    ck_assert_double_eq_tol((double)w[0][1], 4 - 1.75 * 2.8 / 6, tolerance);
    mn_optimiser_free(lars);
    mn_network_free(network);
}
END_TEST

START_TEST(a_reset_forgets_moments_and_steps)
{
    mn_network *network = linear_model();
    const char *const kinds[] = {"sgd", "adam", "lars"};
    const char *const options[] = {"{\"momentum\": 0.9}", "", ""};
    for (int i = 0; i < 3; i++) {
        float once[2], again[2];
        mn_optimiser *optimiser = optimiser_of(kinds[i], options[i], network);
        put(network, true, 1, 2, 3);
        put(network, false, 1, 1, 1);
        ck_assert_ok(mn_optimiser_step(optimiser, 0.1));
        ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 0)->value, once, sizeof once));
        ck_assert_ok(mn_optimiser_step(optimiser, 0.1));
        ck_assert_ok(mn_optimiser_reset(optimiser));
        ck_assert_int_eq(*mn_optimiser_steps(optimiser), 0);
        ck_assert_double_eq(mn_tensor_norm(mn_optimiser_moment(optimiser, 0, NULL)), 0);
        put(network, false, 1, 1, 1);
        ck_assert_ok(mn_optimiser_step(optimiser, 0.1));
        ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 0)->value, again, sizeof again));
        ck_assert_mem_eq(once, again, sizeof once);
        mn_optimiser_free(optimiser);
    }
    mn_network_free(network);
}
END_TEST

START_TEST(restored_moments_and_steps_continue_to_the_bit)
{
    mn_network *network = linear_model(), *other = linear_model();
    mn_optimiser *adam = optimiser_of("adam", NULL, network);
    mn_optimiser *restored = optimiser_of("adam", NULL, other);
    put(network, true, 1, 2, 3);
    put(other, true, 1, 2, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_ok(mn_optimiser_step(adam, 0.1));
    ck_assert_ok(mn_network_copy(other, network));
    for (int i = 0; i < mn_optimiser_moment_count(adam); i++)
        ck_assert_ok(mn_tensor_copy(mn_optimiser_moment(restored, i, NULL),
                                    mn_optimiser_moment(adam, i, NULL)));
    *mn_optimiser_steps(restored) = *mn_optimiser_steps(adam);
    ck_assert_ok(mn_optimiser_step(adam, 0.1));
    ck_assert_ok(mn_optimiser_step(restored, 0.1));
    float a[2], b[2];
    ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 0)->value, a, sizeof a));
    ck_assert_ok(mn_tensor_read(mn_network_parameter(other, 0)->value, b, sizeof b));
    ck_assert_mem_eq(a, b, sizeof a);
    mn_optimiser_free(adam);
    mn_optimiser_free(restored);
    mn_network_free(network);
    mn_network_free(other);
}
END_TEST

/* The gaps between segments must not drift, whatever the options. */
START_TEST(padding_stays_zero)
{
    mn_network *network = linear_model();
    const char *const kinds[] = {"sgd", "adam"};
    const char *const options[] = {"{\"momentum\": 0.9, \"nesterov\": true, \"weight_decay\": 0.1}",
                                   "{\"weight_decay\": 0.1, \"epsilon\": 1e-30}"};
    for (int i = 0; i < 2; i++) {
        mn_optimiser *optimiser = optimiser_of(kinds[i], options[i], network);
        put(network, false, 1, 2, 3);
        put(network, true, 1, 2, 3);
        for (int step = 0; step < 3; step++)
            ck_assert_ok(mn_optimiser_step(optimiser, 0.1));
        float w[WEIGHTS];
        double squares = 0;
        ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 0)->value, w, 2 * sizeof w[0]));
        ck_assert_ok(mn_tensor_read(mn_network_parameter(network, 1)->value, w + 2, sizeof w[0]));
        for (int j = 0; j < WEIGHTS; j++)
            squares += (double)w[j] * (double)w[j];
        ck_assert_double_eq_tol(mn_tensor_norm(mn_network_values(network)), sqrt(squares), 1e-9);
        mn_optimiser_free(optimiser);
    }
    mn_network_free(network);
}
END_TEST

START_TEST(a_step_on_the_head_alone_leaves_the_rest)
{
    const mn_network_spec spec = {"mlp", "{\"widths\": \"3\"}", MN_SHAPE(2), 2};
    static const char *const kinds[] = {"sgd", "adam", "lars"};
    static const char *const options[] = {"{\"weight_decay\": 0.1}", "{\"weight_decay\": 0.1}",
                                          "{\"trust\": 1}"};
    for (int k = 0; k < 3; k++) {
        mn_network *network, *before;
        ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "weights"), &network));
        ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "weights"), &before));
        mn_optimiser *head = optimiser_of(kinds[k], options[k], network);
        mn_optimiser_head_only(head);
        ck_assert_ok(mn_tensor_fill(mn_network_gradients(network), 1));
        ck_assert_ok(mn_optimiser_step(head, 0.1));
        for (int i = 0; i < mn_network_parameter_count(network); i++) {
            const mn_parameter *now = mn_network_parameter(network, i);
            const mn_parameter *was = mn_network_parameter(before, i);
            ck_assert_ok(mn_tensor_axpby(was->value, -1, now->value, 1)); /* was - now */
            const double moved = mn_tensor_norm(was->value);
            if (now->head)
                ck_assert_double_gt(moved, 0.05);
            else
                ck_assert_double_eq(moved, 0);
        }
        ck_assert_int_eq(*mn_optimiser_steps(head), 1);
        mn_optimiser_free(head);
        mn_network_free(network);
        mn_network_free(before);
    }
}
END_TEST

START_TEST(groups_have_rates_and_decays_of_their_own)
{
    mn_network *network = linear_model();
    mn_optimiser *sgd = optimiser_of(
        "sgd", "{\"weight_decay\": 0.1, \"groups\": \"*.bias,rate=0.5,decay=0; *.weight,decay=2\"}",
        network);
    put(network, false, 1, 2, 3);
    put(network, true, 10, -10, 1);
    ck_assert_ok(mn_optimiser_step(sgd, 0.1));
    /* g + 0.2 w at a rate of 0.1; g alone at 0.05 */
    assert_values(network, 1 - 0.1 * 10.2, 2 + 0.1 * 9.6, 3 - 0.05);
    mn_optimiser_free(sgd);
    double rate = 1, decay = 1;
    sgd = optimiser_of("sgd", "{\"momentum\": 0.9}", network);
    ck_assert_ok(mn_optimiser_group(sgd, "classifier.w?ight", &rate, &decay));
    put(network, false, 1, 2, 3);
    put(network, true, 10, -10, 1);
    ck_assert_ok(mn_optimiser_step(sgd, 0.1));
    assert_values(network, 0, 3, 2.9);
    rate = 0; /* frozen: neither the weight nor its momentum moves, though there is some */
    ck_assert_ok(mn_optimiser_step(sgd, 0.1));
    assert_values(network, 0, 3, 2.9 - 0.1 * 1.9);
    ck_assert_ok(mn_optimiser_forget_frozen(sgd));
    float gradient[2];
    ck_assert_ok(
        mn_tensor_read(mn_network_parameter(network, 0)->gradient, gradient, sizeof gradient));
    ck_assert(gradient[0] == 0 && gradient[1] == 0);
    rate = 0.5;
    ck_assert_ok(mn_optimiser_step(sgd, 0.1)); /* momentum 0.9 (10, -10) at a rate of 0.05 */
    assert_values(network, -0.45, 3.45, 2.9 - 0.1 * (1.9 + 2.71));
    mn_optimiser_free(sgd);
    mn_network_free(network);
}
END_TEST

START_TEST(a_group_of_factors_1_moves_no_bit)
{
    static const char *const kinds[] = {"sgd", "adam", "radam", "lars"};
    const mn_network_spec spec = {"mlp", "{\"widths\": \"13,7\"}", MN_SHAPE(11), 5};
    for (int k = 0; k < 4; k++) {
        mn_network *a, *b;
        ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "weights"), &a));
        ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "weights"), &b));
        mn_optimiser *plain = optimiser_of(kinds[k], "{\"weight_decay\": 0.01}", a);
        mn_optimiser *grouped =
            optimiser_of(kinds[k], "{\"weight_decay\": 0.01, \"groups\": \"*,rate=1,decay=1\"}", b);
        for (int step = 0; step < 3; step++) {
            ck_assert_ok(mn_tensor_copy(mn_network_gradients(a), mn_network_values(a)));
            ck_assert_ok(mn_tensor_copy(mn_network_gradients(b), mn_network_values(b)));
            ck_assert_ok(mn_optimiser_step(plain, 0.1));
            ck_assert_ok(mn_optimiser_step(grouped, 0.1));
        }
        ck_assert_ok(mn_tensor_axpby(mn_network_values(a), -1, mn_network_values(b), 1));
        ck_assert_double_eq(mn_tensor_norm(mn_network_values(a)), 0);
        mn_optimiser_free(plain);
        mn_optimiser_free(grouped);
        mn_network_free(a);
        mn_network_free(b);
    }
}
END_TEST

START_TEST(patterns_match_names)
{
    ck_assert(mn_group_matches("*", "layer1.0.bn1.weight"));
    ck_assert(mn_group_matches("*.bn?.*", "layer1.0.bn1.weight"));
    ck_assert(mn_group_matches("layer1.0.bn1.weight", "layer1.0.bn1.weight"));
    ck_assert(mn_group_matches("layer*weight", "layer1.0.bn1.weight"));
    ck_assert(mn_group_matches("*1*1*", "layer1.0.bn1.weight"));
    ck_assert(!mn_group_matches("layer1", "layer1.0.bn1.weight"));
    ck_assert(!mn_group_matches("*.bias", "layer1.0.bn1.weight"));
    ck_assert(!mn_group_matches("layer?.0.bn1.weight?", "layer1.0.bn1.weight"));
    ck_assert(!mn_group_matches("", "w"));
    ck_assert(mn_group_matches("", ""));
}
END_TEST

START_TEST(refusals_say_what_to_do)
{
    mn_network *network = linear_model();
    mn_optimiser *optimiser = NULL;
    ck_assert_fails(mn_optimiser_new("adm", NULL, network, &optimiser), MN_BAD_OPTION,
                    "did you mean 'adam'?");
    ck_assert_fails(mn_optimiser_new("lbfgs-b", NULL, network, &optimiser), MN_BAD_OPTION,
                    "expected adam, radam, lars or sgd");
    ck_assert_fails(mn_optimiser_new("sgd", "{\"nesterov\": true}", network, &optimiser),
                    MN_BAD_OPTION, "optimiser.nesterov: needs a momentum");
    ck_assert_fails(mn_optimiser_new("sgd", "{\"momentm\": 1}", network, &optimiser), MN_BAD_OPTION,
                    "did you mean 'momentum'?");
    ck_assert_fails(mn_optimiser_new("adam", "{\"beta1\": 1}", network, &optimiser), MN_BAD_OPTION,
                    "optimiser.beta1");
    ck_assert_ptr_null(optimiser);
    optimiser = optimiser_of("sgd", "", network);
    ck_assert_fails(mn_optimiser_step(optimiser, (double)NAN), MN_BAD_VALUE, "learning rate");
    ck_assert_fails(mn_optimiser_step(optimiser, -0.1), MN_BAD_VALUE, "-0.1");
    ck_assert_int_eq(*mn_optimiser_steps(optimiser), 0);
    mn_optimiser_free(optimiser);
    mn_optimiser_free(NULL);
    mn_network_free(network);
}
END_TEST

START_TEST(kinds_and_their_options_can_be_listed)
{
    int kinds = 0;
    for (const char *kind; (kind = mn_optimiser_kind(kinds)) != NULL; kinds++)
        for (const mn_option *option = mn_optimiser_options(kind); option->name != NULL; option++)
            ck_assert_ptr_nonnull(option->help);
    ck_assert_int_eq(kinds, 4);
    ck_assert_ptr_null(mn_optimiser_options("sdg"));
    ck_assert_ptr_nonnull(strstr(mn_error(), "'sgd'"));
}
END_TEST

MN_SUITE("optimiser", plain_sgd_walks_down_the_gradient_and_keeps_no_moment,
         momentum_begins_as_the_first_gradient, weight_decay_is_part_of_the_gradient,
         nesterov_adds_the_momentum_to_come, adam_corrects_the_bias_of_its_first_steps,
         adam_adds_epsilon_to_the_root_and_decay_to_the_gradient,
         lars_scales_each_weight_by_its_own_length_and_gives_the_head_its_own_rate,
         a_reset_forgets_moments_and_steps, restored_moments_and_steps_continue_to_the_bit,
         padding_stays_zero, a_step_on_the_head_alone_leaves_the_rest,
         groups_have_rates_and_decays_of_their_own, a_group_of_factors_1_moves_no_bit,
         patterns_match_names, refusals_say_what_to_do, kinds_and_their_options_can_be_listed)
