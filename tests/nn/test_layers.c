/* Layers: what they add, and what they compute from numbers that are worked out by hand. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/layers.h>
#include <mneme/losses.h>
#include <stdio.h>
#include <string.h>

/* A network of one layer, which is what a test says it is. */
static mn_status (*added)(mn_network *network);
static mn_var *(*applied)(mn_walk *walk, mn_var *x);

static mn_status build(mn_network *network, const void *options)
{
    (void)options;
    return added(network);
}

static mn_forwarded forward(mn_network *network, const void *options, mn_var *x, mn_mode mode)
{
    (void)options;
    mn_walk walk = {.network = network, .mode = mode};
    mn_var *y = applied(&walk, x);
    return (mn_forwarded){.logits = y, .features = y};
}

static const mn_network_type one_layer = {
    MN_NETWORK_HEADER, .name = "one-layer", .summary = "the layer of a test",
    .build = build,    .forward = forward,
};

static mn_tape *tape;
static mn_network *network;

/* The layer with weights that all are `weight` and biases and shifts that all are `bias`. */
static mn_var *through(mn_status (*add)(mn_network *), mn_var *(*apply)(mn_walk *, mn_var *),
                       mn_shape input, const float *x, double weight, double bias, mn_mode mode)
{
    mn_network_spec spec = {NULL, NULL, input, 1};
    mn_shape rows = {input.rank + 1, {1}};
    memcpy(rows.size + 1, input.size, (size_t)input.rank * sizeof *input.size);
    added = add;
    applied = apply;
    ck_assert_ok(mn_network_new_of(&one_layer, NULL, &spec, mn_key_of(1, "w"), &network));
    for (int i = 0; i < mn_network_parameter_count(network); i++) {
        const mn_parameter *p = mn_network_parameter(network, i);
        const bool shifts = p->kind == MN_BIAS || p->kind == MN_NORM_SHIFT;
        ck_assert_ok(mn_tensor_fill(p->value, (float)(shifts ? bias : weight)));
    }
    ck_assert_ok(mn_tape_new(&tape));
    return mn_network_forward(network, mn_input(tape, rows, x, false), mode).logits;
}

static void done(void)
{
    mn_tape_free(tape);
    mn_network_free(network);
}

static void are(mn_var *y, mn_shape shape, const double *expected)
{
    ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s", mn_tape_error(tape));
    ck_assert(mn_shape_equal(mn_shape_of(y), shape));
    for (int64_t i = 0; i < mn_shape_count(shape); i++)
        ck_assert_double_eq_tol((double)mn_host(y)[i], expected[i], 1e-5);
    done();
}

static const float sixteen[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* --- convolutions ----------------------------------------------------------------------------- */

static mn_status add_conv_3x3(mn_network *n)
{
    return mn_layer_add_conv(n, "conv", 1, 1, 3);
}
static mn_var *stride_2_same(mn_walk *walk, mn_var *x)
{
    return mn_layer_conv(walk, x, 2, MN_PADDING_SAME);
}
static mn_var *stride_1_same(mn_walk *walk, mn_var *x)
{
    return mn_layer_conv(walk, x, 1, MN_PADDING_SAME);
}
static mn_var *stride_2_torch(mn_walk *walk, mn_var *x)
{
    return mn_layer_conv(walk, x, 2, 1);
}

/* TensorFlow puts the one row and the one column of zeros of stride 2 below and to the right, where
 * PyTorch's padding of 1 has them above and to the left. */
START_TEST(same_puts_the_odd_zeros_behind)
{
    const mn_shape image = MN_SHAPE(1, 4, 4), half = MN_SHAPE(1, 1, 2, 2);
    are(through(add_conv_3x3, stride_2_same, image, sixteen, 1, 0, MN_TRAIN), half,
        (const double[]){54, 45, 72, 54});
    are(through(add_conv_3x3, stride_2_torch, image, sixteen, 1, 0, MN_TRAIN), half,
        (const double[]){14, 30, 57, 99});
}
END_TEST

START_TEST(same_keeps_the_size_at_stride_1_and_rounds_up_at_2)
{
    are(through(add_conv_3x3, stride_1_same, MN_SHAPE(1, 2, 3), sixteen, 1, 0, MN_TRAIN),
        MN_SHAPE(1, 1, 2, 3), (const double[]){12, 21, 16, 12, 21, 16});
    /* 3 rows get a row of zeros on either side, 4 columns one on the right */
    are(through(add_conv_3x3, stride_2_same, MN_SHAPE(1, 3, 4), sixteen, 1, 0, MN_TRAIN),
        MN_SHAPE(1, 1, 2, 2), (const double[]){24, 22, 48, 38});
}
END_TEST

static mn_status add_conv_2x2(mn_network *n)
{
    return mn_layer_add(n, "conv", MN_SHAPE(1, 1, 2, 2), NULL);
}
static mn_var *biased_same(mn_walk *walk, mn_var *x)
{
    return mn_layer_conv_with_bias(walk, x, 1, MN_PADDING_SAME);
}

START_TEST(same_of_an_even_window_puts_its_zeros_behind)
{
    are(through(add_conv_2x2, biased_same, MN_SHAPE(1, 2, 2), sixteen, 1, 0.5, MN_TRAIN),
        MN_SHAPE(1, 1, 2, 2), (const double[]){10.5, 6.5, 7.5, 4.5});
}
END_TEST

static mn_status add_of_channels(mn_network *n)
{
    return mn_layer_add_conv(n, "conv", 1, 4, 1);
}
static mn_status add_of_pairs(mn_network *n)
{
    return mn_layer_add_conv(n, "conv", 2, 2, 1);
}
static mn_var *as_it_is(mn_walk *walk, mn_var *x)
{
    return mn_layer_conv(walk, x, 1, 0);
}

/* Channels of 2 pixels: (1,2), (3,4), (5,6), (7,8). */
START_TEST(a_weight_of_fewer_channels_is_one_of_groups)
{
    are(through(add_of_channels, as_it_is, MN_SHAPE(4, 1, 2), sixteen, 2, 0, MN_TRAIN),
        MN_SHAPE(1, 4, 1, 2), (const double[]){2, 4, 6, 8, 10, 12, 14, 16});
    are(through(add_of_pairs, as_it_is, MN_SHAPE(4, 1, 2), sixteen, 1, 0, MN_TRAIN),
        MN_SHAPE(1, 2, 1, 2), (const double[]){4, 6, 12, 14});
}
END_TEST

START_TEST(channels_that_make_no_groups_are_refused)
{
    (void)through(add_of_pairs, as_it_is, MN_SHAPE(3, 1, 2), sixteen, 1, 0, MN_TRAIN);
    ck_assert_int_eq(mn_tape_status(tape), MN_BAD_SHAPE);
    ck_assert_ptr_nonnull(strstr(mn_tape_error(tape), "x (1,3,1,2) and weight (2,2,1,1)"));
    done();
}
END_TEST

/* --- norms ------------------------------------------------------------------------------------ */

static mn_status add_norm_of_4(mn_network *n)
{
    return mn_layer_add_norm(n, "norm", 4, false);
}
static mn_var *two_groups(mn_walk *walk, mn_var *x)
{
    return mn_layer_group_norm(walk, x, 2);
}
static mn_var *three_groups(mn_walk *walk, mn_var *x)
{
    return mn_layer_group_norm(walk, x, 3);
}
static mn_var *each_channel(mn_walk *walk, mn_var *x)
{
    return mn_layer_instance_norm(walk, x);
}

/* Two channels of a group hold 1, 2, 3, 4: mean 2.5, variance 1.25; one channel 1, 2: 0.25. */
START_TEST(group_norm_shares_statistics_between_the_channels_of_a_group)
{
    const double s = 1 / sqrt(1.25 + 1e-5), i = 1 / sqrt(0.25 + 1e-5);
    const double grouped[] = {3 - 3 * s, 3 - s, 3 + s, 3 + 3 * s,
                              3 - 3 * s, 3 - s, 3 + s, 3 + 3 * s};
    const double single[] = {3 - i, 3 + i, 3 - i, 3 + i, 3 - i, 3 + i, 3 - i, 3 + i};
    are(through(add_norm_of_4, two_groups, MN_SHAPE(4, 1, 2), sixteen, 2, 3, MN_TRAIN),
        MN_SHAPE(1, 4, 1, 2), grouped);
    are(through(add_norm_of_4, each_channel, MN_SHAPE(4, 1, 2), sixteen, 2, 3, MN_TRAIN),
        MN_SHAPE(1, 4, 1, 2), single);
}
END_TEST

START_TEST(groups_that_do_not_divide_the_channels_are_refused)
{
    (void)through(add_norm_of_4, three_groups, MN_SHAPE(4, 1, 2), sixteen, 1, 0, MN_TRAIN);
    ck_assert_int_eq(mn_tape_status(tape), MN_BAD_SHAPE);
    ck_assert_ptr_nonnull(strstr(mn_tape_error(tape), "(1,4,1,2) in 3 groups"));
    done();
}
END_TEST

/* --- equalised -------------------------------------------------------------------------------- */

static mn_status add_equalised_linear(mn_network *n)
{
    return mn_layer_add_equalised(n, "map", MN_SHAPE(1, 4), 0.01, MN_INITIAL_ZERO);
}
static mn_var *slow_linear(mn_walk *walk, mn_var *x)
{
    return mn_layer_equalised(walk, x, 1, 0.01);
}
static mn_status add_equalised_conv(mn_network *n)
{
    return mn_layer_add_equalised(n, "conv", MN_SHAPE(1, 1, 3, 3), 1, MN_INITIAL_ZERO);
}
static mn_var *equalised_conv(mn_walk *walk, mn_var *x)
{
    return mn_layer_equalised(walk, x, sqrt(2), 1);
}

/* 0.01 / sqrt(4) (1 + 2 + 3 + 4) 20 + 0.01 7; sqrt(2) / sqrt(9) of what SAME sums, and 5. */
START_TEST(equalised_layers_scale_weights_where_they_are_used)
{
    const double third = sqrt(2) / 3;
    are(through(add_equalised_linear, slow_linear, MN_SHAPE(4), sixteen, 20, 7, MN_TRAIN),
        MN_SHAPE(1, 1), (const double[]){1.07});
    are(through(add_equalised_conv, equalised_conv, MN_SHAPE(1, 1, 2), sixteen, 1, 5, MN_TRAIN),
        MN_SHAPE(1, 1, 1, 2), (const double[]){3 * third + 5, 3 * third + 5});
}
END_TEST

/* --- at random -------------------------------------------------------------------------------- */

static mn_status add_bias(mn_network *n)
{
    return mn_network_parameter_add(n, "bias", MN_BIAS, false, MN_SHAPE(1), MN_INITIAL_ZERO);
}
static mn_var *dropped_twice(mn_walk *walk, mn_var *x)
{
    mn_var *other = mn_layer_dropout(walk, x, 0.5);
    return mn_concat_rows((mn_var *[]){mn_layer_dropout(walk, x, 0.5), other}, 2);
}
static mn_var *residual_dropped(mn_walk *walk, mn_var *x)
{
    return mn_layer_residual(walk, x, mn_scale(x, 10), 0.5);
}

START_TEST(dropout_is_of_training_and_each_layer_has_its_own)
{
    float ones[256];
    for (int i = 0; i < 256; i++)
        ones[i] = 1;
    mn_var *y = through(add_bias, dropped_twice, MN_SHAPE(256), ones, 0, 0, MN_EVAL);
    for (int i = 0; i < 512; i++)
        ck_assert(mn_host(y)[i] == 1);
    mn_var *x = mn_input(tape, MN_SHAPE(1, 256), ones, false);
    float masks[3][512];
    const uint64_t keys[] = {3, 4, 3};
    for (int pass = 0; pass < 3; pass++) {
        mn_network_key_next(network, mn_key_of(keys[pass], "drops"));
        memcpy(masks[pass], mn_host(mn_network_forward(network, x, MN_TRAIN).logits),
               sizeof masks[pass]);
    }
    int kept = 0, alike = 0, moved = 0;
    for (int i = 0; i < 512; i++) {
        ck_assert(masks[0][i] == 0 || masks[0][i] == 2);
        ck_assert(masks[0][i] == masks[2][i]); /* equal keys drop the same */
        kept += masks[0][i] > 0;
        moved += masks[0][i] != masks[1][i];
        alike += masks[0][i] == masks[0][i ^ 256];
    }
    ck_assert(kept > 200 && kept < 312);
    ck_assert(moved > 200 && moved < 312);
    ck_assert(alike > 200 && alike < 312); /* the two layers do not drop alike */
    done();
}
END_TEST

START_TEST(a_forward_that_drops_without_a_key_is_refused)
{
    (void)through(add_bias, dropped_twice, MN_SHAPE(4), sixteen, 0, 0, MN_TRAIN);
    ck_assert_int_eq(mn_tape_status(tape), MN_OUT_OF_ORDER);
    mn_tape_reset(tape);
    mn_network_key_next(network, mn_key_of(3, "drops"));
    mn_var *x = mn_input(tape, MN_SHAPE(1, 4), sixteen, false);
    (void)mn_network_forward(network, x, MN_TRAIN);
    ck_assert_int_eq(mn_tape_status(tape), MN_OK);
    (void)mn_network_forward(network, x, MN_TRAIN); /* a key is for one forward */
    ck_assert_int_eq(mn_tape_status(tape), MN_OUT_OF_ORDER);
    done();
}
END_TEST

START_TEST(a_residual_leaves_whole_branches_out)
{
    const mn_shape rows = MN_SHAPE(64, 2);
    float ones[128];
    for (int i = 0; i < 128; i++)
        ones[i] = 1;
    are(through(add_bias, residual_dropped, MN_SHAPE(2), sixteen, 0, 0, MN_EVAL), MN_SHAPE(1, 2),
        (const double[]){11, 22});
    (void)through(add_bias, residual_dropped, MN_SHAPE(2), sixteen, 0, 0, MN_EVAL);
    mn_network_key_next(network, mn_key_of(3, "drops"));
    const float *y = mn_host(
        mn_network_forward(network, mn_input(tape, rows, ones, false), MN_TRAIN_FROZEN).logits);
    int left_out = 0;
    for (int row = 0; row < 64; row++) {
        ck_assert(y[2 * row] == y[2 * row + 1]);
        ck_assert(y[2 * row] == 1 || y[2 * row] == 21);
        left_out += y[2 * row] == 1;
    }
    ck_assert(left_out > 16 && left_out < 48);
    done();
}
END_TEST

static mn_status add_encoder(mn_network *n)
{
    return mn_layer_add_encoder(n, "encoder", 4, 8);
}
static mn_var *encoded(mn_walk *walk, mn_var *x)
{
    return mn_reshape(mn_layer_encoder(walk, mn_reshape(x, MN_SHAPE(1, 2, 4)), 2, 1 - 1e-9),
                      MN_SHAPE(1, 8));
}
/* At a rate of nearly 1 both branches are left out in training, and neither is in evaluation. */
START_TEST(an_encoder_leaves_both_of_its_branches_out)
{
    mn_var *y = through(add_encoder, encoded, MN_SHAPE(8), sixteen, 1, 1, MN_EVAL);
    ck_assert(mn_host(y)[0] != sixteen[0]);
    mn_network_key_next(network, mn_key_of(3, "drops"));
    y = mn_network_forward(network, mn_input(tape, MN_SHAPE(1, 8), sixteen, false), MN_TRAIN)
            .logits;
    for (int i = 0; i < 8; i++)
        ck_assert(mn_host(y)[i] == sixteen[i]);
    done();
}
END_TEST

/* --- transformers ----------------------------------------------------------------------------- */

static mn_network *small_vit(void)
{
    const mn_network_spec spec = {"vit", "{\"patch\":4,\"width\":8,\"depth\":2,\"heads\":2}",
                                  MN_SHAPE(3, 16, 16), 10};
    mn_network *made;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(1, "w"), &made));
    return made;
}

START_TEST(a_transformer_has_torchvisions_names)
{
    static const char *const names[] = {
        "conv_proj.weight",
        "conv_proj.bias",
        "class_token",
        "encoder.pos_embedding",
        "encoder.layers.encoder_layer_0.ln_1.weight",
        "encoder.layers.encoder_layer_0.ln_1.bias",
        "encoder.layers.encoder_layer_0.self_attention.in_proj_weight",
        "encoder.layers.encoder_layer_0.self_attention.in_proj_bias",
        "encoder.layers.encoder_layer_0.self_attention.out_proj.weight",
        "encoder.layers.encoder_layer_0.self_attention.out_proj.bias",
        "encoder.layers.encoder_layer_0.ln_2.weight",
        "encoder.layers.encoder_layer_0.ln_2.bias",
        "encoder.layers.encoder_layer_0.mlp.0.weight",
        "encoder.layers.encoder_layer_0.mlp.0.bias",
        "encoder.layers.encoder_layer_0.mlp.3.weight",
        "encoder.layers.encoder_layer_0.mlp.3.bias",
    };
    mn_network *vit = small_vit();
    for (int i = 0; i < 16; i++)
        ck_assert_str_eq(mn_network_parameter(vit, i)->name, names[i]);
    ck_assert_int_eq(mn_network_parameter_count(vit), 4 + 2 * 12 + 2 + 2);
    ck_assert_int_eq(mn_network_features(vit), 8);
    mn_network_free(vit);
}
END_TEST

/* The deviation of a parameter's values. */
static double deviation_of(const mn_network *of, const char *name)
{
    for (int i = 0; i < mn_network_parameter_count(of); i++) {
        const mn_parameter *p = mn_network_parameter(of, i);
        if (strcmp(p->name, name) == 0)
            return (double)mn_tensor_norm(p->value) / sqrt((double)mn_tensor_count(p->value));
    }
    ck_abort_msg("no parameter '%s'", name);
}

/* torchvision's: patches N(0, 1 / inputs), an MLP by Glorot's rule with biases of 1e-6, an
 * attention's output as a linear layer begins, and its joint projection by Glorot's rule. */
START_TEST(a_transformer_begins_as_torchvisions_does)
{
    mn_network *vit = small_vit();
    const struct {
        const char *name;
        double deviation;
    } expected[] = {
        {"conv_proj.weight", 1 / sqrt(3 * 4 * 4)},
        {"conv_proj.bias", 0},
        {"encoder.pos_embedding", 0.02},
        {"encoder.layers.encoder_layer_0.mlp.0.weight", sqrt(2.0 / (8 + 32))},
        {"encoder.layers.encoder_layer_0.mlp.0.bias", 1e-6},
        {"encoder.layers.encoder_layer_1.mlp.3.weight", sqrt(2.0 / (8 + 32))},
        {"encoder.layers.encoder_layer_1.self_attention.in_proj_weight", sqrt(2.0 / (8 + 24))},
        {"encoder.layers.encoder_layer_1.self_attention.in_proj_bias", 0},
        {"encoder.layers.encoder_layer_1.self_attention.out_proj.weight", sqrt(1.0 / (3 * 8))},
        {"encoder.layers.encoder_layer_1.self_attention.out_proj.bias", 0},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_msg(fabs(deviation_of(vit, expected[i].name) - expected[i].deviation) <=
                          0.3 * expected[i].deviation,
                      "%s: %g, expected %g", expected[i].name, deviation_of(vit, expected[i].name),
                      expected[i].deviation);
    mn_network_free(vit);
}
END_TEST

/* What a tape holds after an evaluation of 16 images, in bytes. */
static size_t evaluated(int64_t depth)
{
    enum { FLOATS = 16 * 3 * 32 * 32 };
    static float images[FLOATS];
    char options[96];
    snprintf(options, sizeof options, "{\"patch\":4,\"width\":16,\"depth\":%lld,\"heads\":4}",
             (long long)depth);
    const mn_network_spec spec = {"vit", options, MN_SHAPE(3, 32, 32), 10};
    mn_network *vit;
    mn_tape *forward_alone;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(1, "w"), &vit));
    ck_assert_ok(mn_tape_new(&forward_alone));
    mn_tape_record(forward_alone, false);
    for (int i = 0; i < FLOATS; i++)
        images[i] = sinf((float)i);
    mn_var *x = mn_input(forward_alone, MN_SHAPE(16, 3, 32, 32), images, false);
    ck_assert_ptr_nonnull(mn_host(mn_network_forward(vit, x, MN_EVAL | MN_NO_GRADIENT).logits));
    const size_t bytes = mn_tape_bytes(forward_alone);
    mn_tape_free(forward_alone);
    mn_network_free(vit);
    return bytes;
}

START_TEST(an_evaluated_attention_keeps_no_likeness_of_rows)
{
    const size_t likeness = 16 * 4 * 65 * 65 * sizeof(float), more = 4 * likeness;
    ck_assert_uint_lt(evaluated(6), evaluated(2) + more);
}
END_TEST

MN_SUITE("layers", same_puts_the_odd_zeros_behind,
         same_keeps_the_size_at_stride_1_and_rounds_up_at_2,
         same_of_an_even_window_puts_its_zeros_behind, a_weight_of_fewer_channels_is_one_of_groups,
         channels_that_make_no_groups_are_refused,
         group_norm_shares_statistics_between_the_channels_of_a_group,
         groups_that_do_not_divide_the_channels_are_refused,
         equalised_layers_scale_weights_where_they_are_used,
         dropout_is_of_training_and_each_layer_has_its_own,
         a_forward_that_drops_without_a_key_is_refused, a_residual_leaves_whole_branches_out,
         an_encoder_leaves_both_of_its_branches_out, a_transformer_has_torchvisions_names,
         a_transformer_begins_as_torchvisions_does,
         an_evaluated_attention_keeps_no_likeness_of_rows)
