/* Networks on images: names and shapes, and that layouts change nothing that is seen from
 * outside.  (nn/test_generated_code.c: that oneDNN runs none of it by its slow reference code.) */
#include "autograd/node.h"
#include "tensor/cpu/primitive.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/image_ops.h>
#include <mneme/losses.h>
#include <mneme/network.h>
#include <stdio.h>
#include <string.h>

static mn_network *network_of(const char *type, const char *options, mn_shape input)
{
    const mn_network_spec spec = {type, options, input, 10};
    mn_network *network;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(1, "weights"), &network));
    return network;
}

static int64_t floats_of(const mn_network *network)
{
    int64_t count = 0;
    for (int i = 0; i < mn_network_parameter_count(network); i++)
        count += mn_tensor_count(mn_network_parameter(network, i)->value);
    return count;
}

static float pixels[512 * 3 * 32 * 32];

static mn_var *batch_on(mn_tape *tape, int64_t rows, mn_shape image)
{
    const mn_shape shape = MN_SHAPE(rows, image.size[0], image.size[1], image.size[2]);
    const mn_key key = mn_key_of(7, "pixels");
    for (int64_t i = 0; i < mn_shape_count(shape); i++)
        pixels[i] = (float)mn_random_uniform(key, (uint64_t)i) - 0.5f;
    return mn_input(tape, shape, pixels, false);
}

START_TEST(resnet18_has_the_names_of_the_der_authors_backbone)
{
    mn_network *network = network_of("resnet18", NULL, MN_SHAPE(3, 32, 32));
    static const char *const first[] = {
        "conv1.weight",          "bn1.weight",          "bn1.bias",
        "layer1.0.conv1.weight", "layer1.0.bn1.weight", "layer1.0.bn1.bias",
        "layer1.0.conv2.weight", "layer1.0.bn2.weight", "layer1.0.bn2.bias",
        "layer1.1.conv1.weight"};
    for (int i = 0; i < 10; i++)
        ck_assert_str_eq(mn_network_parameter(network, i)->name, first[i]);
    bool shortcut = false, mean = false;
    for (int i = 0; i < mn_network_parameter_count(network); i++) {
        const mn_parameter *p = mn_network_parameter(network, i);
        if (strcmp(p->name, "layer2.0.shortcut.0.weight") == 0)
            shortcut = mn_shape_equal(mn_tensor_shape(p->value), MN_SHAPE(128, 64, 1, 1));
        ck_assert_int_eq(p->head, strncmp(p->name, "classifier", 10) == 0);
    }
    for (int i = 0; i < mn_network_statistic_count(network); i++) {
        const char *name;
        mn_network_statistic(network, i, &name);
        mean = mean || strcmp(name, "layer4.0.shortcut.1.running_mean") == 0;
    }
    ck_assert(shortcut && mean);
    ck_assert_int_eq(mn_network_parameter_count(network), 62);
    ck_assert_int_eq(floats_of(network), 11173962); /* torchvision's, with a 3x3 stem, 10 classes */
    mn_network_free(network);
}
END_TEST

START_TEST(the_other_networks_have_their_authors_sizes)
{
    static const struct {
        const char *type, *options;
        int64_t floats;
    } expected[] = {
        {"resnet18-reduced", NULL, 1094750},
        {"resnet32", NULL, 466906},
        {"resnet34", "{\"stem\":\"imagenet\"}", 21289802},
        {"resnet50", "{\"stem\":\"imagenet\"}", 23528522},
        {"resnet50", NULL, 23528522 - 64 * 3 * (7 * 7 - 3 * 3)},
        {"mobilenet-v2", NULL, 2236682},
        {"preact-resnet18", NULL, 11171146 + 2 * 512}, /* those without a last norm, and that */
        {"wide-resnet", "{\"depth\":16,\"widen\":4}", 2748890},
        {"wide-resnet", "{\"depth\":40,\"widen\":2,\"dropout\":0.3}", 2243546},
        {"wide-resnet", NULL, 36479194},
        {"vit", "{\"patch\":16}",
         5524416 + 192 * (10 - 197 + 5) + 10}, /* timm's ViT-Ti, 224 pixels */
        {"early-conv-vit", NULL, 66525950},
        {"convnet", NULL, 320010},
        {"convnet", "{\"norm\":\"none\",\"depth\":1,\"width\":4}", 4 * 27 + 4 + 10240 + 10},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        mn_network *network =
            network_of(expected[i].type, expected[i].options, MN_SHAPE(3, 32, 32));
        ck_assert_int_eq(floats_of(network), expected[i].floats);
        mn_network_free(network);
    }
}
END_TEST

START_TEST(a_digit_is_padded_to_a_power_of_two)
{
    mn_network *network = network_of("convnet", "{\"width\":8}", MN_SHAPE(1, 28, 28));
    const mn_parameter *classifier =
        mn_network_parameter(network, mn_network_parameter_count(network) - 2);
    ck_assert(mn_shape_equal(mn_tensor_shape(classifier->value), MN_SHAPE(10, 8 * 4 * 4)));
    mn_network_free(network);
}
END_TEST

START_TEST(impossible_networks_are_refused)
{
    mn_network *network;
    mn_network_spec spec = {"resnet18", NULL, MN_SHAPE(784), 10};
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_SHAPE,
                    "expected images (channels, height, width)");
    spec = (mn_network_spec){"convnet", "{\"depth\":6}", MN_SHAPE(3, 32, 32), 10};
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_OPTION,
                    "6 blocks leave no pixel");
    spec = (mn_network_spec){"vit", NULL, MN_SHAPE(1, 28, 28), 10};
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_OPTION,
                    "patches of 16 pixels do not divide images of 28 x 28");
    spec.options = "{\"patch\":7,\"heads\":5}";
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_OPTION,
                    "5 heads do not divide a width of 192");
    spec = (mn_network_spec){"wide-resnet", "{\"depth\":20}", MN_SHAPE(3, 32, 32), 10};
    ck_assert_fails(mn_network_new(&spec, mn_key_of(1, "w"), &network), MN_BAD_OPTION,
                    "network.depth: 20 layers are no 6 n + 4; such are 16 and 22");
}
END_TEST

/* --- layouts and implementations -------------------------------------------------------------- */

static int count_reorders(const char *type)
{
    const mn_shape image = MN_SHAPE(3, 32, 32);
    mn_network *network = network_of(type, NULL, image);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *logits = mn_network_forward(network, batch_on(tape, 4, image), MN_TRAIN).logits;
    ck_assert_ok(mn_tape_status(tape));
    int count = 0;
    for (const mn_node *node = logits->maker; node != NULL; node = node->previous)
        count += strcmp(node->op->name, "reorder") == 0;
    mn_tape_free(tape);
    mn_network_free(network);
    return count;
}

/* Of the narrow network, both branches of the block in which Winograd's algorithm begins to pay. */
START_TEST(activations_are_reordered_only_where_winograd_begins)
{
    ck_assert_int_eq(count_reorders("resnet18"), 0);
    ck_assert_int_le(count_reorders("resnet18-reduced"), 2);
    ck_assert_int_eq(count_reorders("resnet32"), 0);
    ck_assert_int_eq(count_reorders("convnet"), 1); /* what the classifier flattens */
}
END_TEST

START_TEST(an_empty_batch_passes_through)
{
    static const char *const types[] = {"resnet18-reduced", "convnet", "wide-resnet"};
    static const char *const options[] = {NULL, NULL, "{\"depth\":10,\"widen\":1}"};
    for (int i = 0; i < 3; i++) {
        mn_network *network = network_of(types[i], options[i], MN_SHAPE(3, 32, 32));
        mn_tape *tape;
        ck_assert_ok(mn_tape_new(&tape));
        const mn_mode modes[] = {MN_TRAIN, MN_EVAL};
        for (int k = 0; k < 2; k++) {
            mn_var *x = batch_on(tape, 0, MN_SHAPE(3, 32, 32));
            mn_var *logits = mn_network_forward(network, x, modes[k]).logits;
            ck_assert(mn_shape_equal(mn_shape_of(logits), MN_SHAPE(0, 10)));
            ck_assert_ok(mn_backward(mn_cross_entropy(logits, NULL)));
        }
        ck_assert(mn_tensor_norm(mn_network_gradients(network)) == 0);
        mn_tape_free(tape);
        mn_network_free(network);
    }
}
END_TEST

/* What a weight was reordered to is forgotten when the weight changes within a step. */
START_TEST(a_changed_weight_is_seen_in_the_same_step)
{
    const mn_shape image = MN_SHAPE(3, 32, 32);
    mn_network *network = network_of("resnet18-reduced", NULL, image);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_tape_record(tape, false);
    mn_var *before = mn_network_forward(network, batch_on(tape, 2, image), MN_EVAL).logits;
    const float old = mn_host(before)[0];
    mn_var *again = mn_network_forward(network, batch_on(tape, 2, image), MN_EVAL).logits;
    ck_assert(mn_host(again)[0] == old);
    mn_tensor *weight = mn_network_parameter(network, 3)->value;
    ck_assert_ok(mn_tensor_axpby(weight, 0, weight, 1.5f));
    mn_var *after = mn_network_forward(network, batch_on(tape, 2, image), MN_EVAL).logits;
    ck_assert(mn_host(after)[0] != old);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

/* A row's scores must not depend on how many rows are evaluated with it: layouts and kernels are
 * chosen for a batch, the arithmetic is the same to rounding. */
START_TEST(a_rows_scores_do_not_depend_on_the_batch)
{
    const mn_shape image = MN_SHAPE(3, 32, 32);
    mn_network *network = network_of("resnet18-reduced", NULL, image);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_tape_record(tape, false);
    mn_var *many = mn_network_forward(network, batch_on(tape, 17, image), MN_EVAL).logits;
    mn_var *one = mn_network_forward(network, batch_on(tape, 1, image), MN_EVAL).logits;
    for (int k = 0; k < 10; k++)
        ck_assert_double_eq_tol((double)mn_host(many)[k], (double)mn_host(one)[k], 1e-5);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

/* --- what is refused -------------------------------------------------------------------------- */

/* The named maps of `type` on one 32x32 image, against what is expected. */
static void maps_are(const char *type, const char *options, int count, const char *const *names,
                     const mn_shape *shapes)
{
    const mn_shape image = MN_SHAPE(3, 32, 32);
    mn_network *network = network_of(type, options, image);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    const mn_forwarded out = mn_network_forward(network, batch_on(tape, 2, image), MN_TRAIN);
    for (int i = 0; i < count; i++) {
        const mn_var *map = mn_network_map(&out, names[i]);
        ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s: %s", type, mn_tape_error(tape));
        ck_assert_msg(mn_shape_equal(mn_shape_of(map), shapes[i]), "%s of %s", names[i], type);
    }
    mn_tape_free(tape);
    mn_network_free(network);
}

START_TEST(maps_of_a_network_are_asked_for_by_name)
{
    maps_are("resnet18-reduced", NULL, 4,
             (const char *const[]){"layer1", "layer2", "layer3", "layer4"},
             (const mn_shape[]){MN_SHAPE(2, 20, 32, 32), MN_SHAPE(2, 40, 16, 16),
                                MN_SHAPE(2, 80, 8, 8), MN_SHAPE(2, 160, 4, 4)});
    maps_are("resnet32", NULL, 2, (const char *const[]){"layer1", "layer3"},
             (const mn_shape[]){MN_SHAPE(2, 16, 32, 32), MN_SHAPE(2, 64, 8, 8)});
    maps_are("wide-resnet", "{\"depth\":10,\"widen\":2}", 2,
             (const char *const[]){"layer1", "layer3"},
             (const mn_shape[]){MN_SHAPE(2, 32, 32, 32), MN_SHAPE(2, 128, 8, 8)});
    maps_are("preact-resnet18", "{\"width\":4,\"stem\":\"imagenet\"}", 2,
             (const char *const[]){"layer1", "layer4"},
             (const mn_shape[]){MN_SHAPE(2, 4, 8, 8), MN_SHAPE(2, 32, 1, 1)});
    maps_are("convnet", NULL, 2, (const char *const[]){"block1", "block3"},
             (const mn_shape[]){MN_SHAPE(2, 128, 16, 16), MN_SHAPE(2, 128, 4, 4)});
    maps_are("mlp", NULL, 2, (const char *const[]){"hidden1", "hidden2"},
             (const mn_shape[]){MN_SHAPE(2, 100), MN_SHAPE(2, 100)});
}
END_TEST

/* What the classifier sees is the mean of the last map's pixels. */
START_TEST(the_last_map_is_what_features_are_made_of)
{
    const mn_shape image = MN_SHAPE(3, 32, 32);
    mn_network *network = network_of("resnet18-reduced", NULL, image);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    const mn_forwarded out = mn_network_forward(network, batch_on(tape, 2, image), MN_EVAL);
    mn_var *mean = mn_global_average_pool(mn_network_map(&out, "layer4"));
    for (int i = 0; i < 160; i++)
        ck_assert(mn_host(mean)[i] == mn_host(out.features)[i]);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

/* Without gradients, memory is given back as the forward goes on; nothing that can be asked for may
 * lie in it. */
static void keeps_little(const char *type, const char *options)
{
    static const char *const names[] = {"layer1", "layer2", "layer3"};
    const mn_shape image = MN_SHAPE(3, 32, 32);
    mn_network *network = network_of(type, options, image);
    mn_tape *tape[2];
    mn_forwarded out[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(mn_tape_new(&tape[i]));
        mn_tape_record(tape[i], i == 0);
        out[i] = mn_network_forward(network, batch_on(tape[i], 8, image), MN_EVAL);
        ck_assert_ok(mn_tape_status(tape[i]));
    }
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        mn_var *one = mn_network_map(&out[0], names[k]), *other = mn_network_map(&out[1], names[k]);
        const size_t bytes = (size_t)mn_shape_count(mn_shape_of(one)) * sizeof(float);
        ck_assert_msg(memcmp(mn_host(one), mn_host(other), bytes) == 0, "%s differs", names[k]);
    }
    ck_assert_mem_eq(mn_host(out[0].logits), mn_host(out[1].logits), 80 * sizeof(float));
    ck_assert_uint_lt(mn_tape_bytes(tape[1]), mn_tape_bytes(tape[0]) * 7 / 10);
    mn_tape_free(tape[0]);
    mn_tape_free(tape[1]);
    mn_network_free(network);
}

START_TEST(a_forward_without_gradients_keeps_little_and_gives_the_same)
{
    keeps_little("resnet18-reduced", NULL);
    keeps_little("wide-resnet", "{\"depth\":16,\"widen\":1,\"dropout\":0.5}");
}
END_TEST

START_TEST(a_map_of_a_frozen_network_has_a_gradient_to_the_image)
{
    const mn_shape image = MN_SHAPE(3, 32, 32);
    mn_network *network = network_of("resnet18-reduced", NULL, image);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    (void)batch_on(tape, 2, image); /* fills the pixels */
    mn_var *x = mn_input(tape, MN_SHAPE(2, 3, 32, 32), pixels, true);
    const mn_forwarded out = mn_network_forward(network, x, MN_EVAL | MN_NO_GRADIENT);
    mn_var *loss = mn_mean(mn_square(mn_network_map(&out, "layer3")));
    ck_assert(mn_item(mn_sum(mn_square(mn_gradient_of(loss, x)))) > 0);
    ck_assert_ok(mn_tape_status(tape));
    ck_assert(mn_tensor_norm(mn_network_gradients(network)) == 0);
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

START_TEST(a_map_that_is_none_is_refused_with_those_there_are)
{
    const mn_shape image = MN_SHAPE(3, 32, 32);
    mn_network *network = network_of("resnet18-reduced", NULL, image);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    const mn_forwarded out = mn_network_forward(network, batch_on(tape, 1, image), MN_EVAL);
    ck_assert_fails(mn_backward(mn_sum(mn_network_map(&out, "layer5"))), MN_NOT_FOUND,
                    "no map 'layer5'; this network has layer1, layer2, layer3, layer4");
    mn_tape_reset(tape);
    mn_forwarded bare = mn_network_forward(network, batch_on(tape, 1, image), MN_EVAL);
    bare.maps = NULL;
    ck_assert_fails(mn_backward(mn_sum(mn_network_map(&bare, "layer1"))), MN_NOT_FOUND,
                    "this network has none");
    mn_tape_free(tape);
    mn_network_free(network);
}
END_TEST

START_TEST(mistakes_on_images_are_named)
{
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
#define REFUSED(expression, text)                                                                  \
    do {                                                                                           \
        mn_tape_reset(tape);                                                                       \
        mn_var *x = mn_zeros(tape, MN_SHAPE(2, 3, 5, 5)),                                          \
               *w = mn_zeros(tape, MN_SHAPE(4, 3, 3, 3));                                          \
        mn_var *narrow = mn_zeros(tape, MN_SHAPE(4, 2, 3, 3)), *c = mn_zeros(tape, MN_SHAPE(4));   \
        (void)x, (void)w, (void)narrow, (void)c;                                                   \
        (void)(expression);                                                                        \
        ck_assert_int_ne(mn_tape_status(tape), MN_OK);                                             \
        ck_assert_msg(strstr(mn_tape_error(tape), text) != NULL, "%s", mn_tape_error(tape));       \
    } while (0)
    REFUSED(mn_conv2d(x, narrow, NULL, 1, 1, 1), "conv2d: x (2,3,5,5) and weight (4,2,3,3)");
    REFUSED(mn_conv2d(x, w, NULL, 0, 1, 1), "conv2d: stride 0");
    REFUSED(mn_conv2d(x, w, x, 1, 1, 1), "conv2d: the bias is (2,3,5,5), expected (4)");
    REFUSED(mn_conv2d(x, NULL, NULL, 1, 1, 1), "conv2d: the weight is absent");
    REFUSED(mn_conv2d(x, w, NULL, 1, 0, 2), "2 groups: channels do not agree");
    REFUSED(mn_conv2d(mn_zeros(tape, MN_SHAPE(2, 3, 2, 2)), w, NULL, 1, 0, 1), "kernel");
    REFUSED(mn_conv2d(c, w, NULL, 1, 0, 1), "expected (B,C,H,W)");
    REFUSED(mn_max_pool_2d(x, 2, 2, 2), "max_pool_2d: windows of 2");
    REFUSED(mn_average_pool_2d(x, 6, 1, 0), "a window of 6 is larger");
    REFUSED(mn_global_average_pool(c), "expected (B,C,H,W)");
    REFUSED(mn_upsample_bilinear(x, 0, 3, true), "to 0 x 3 pixels");
    REFUSED(mn_batch_norm_2d(x, c, NULL, NULL, NULL, MN_NORM_BATCH, 0.1, 1e-5), "scale is (4)");
    REFUSED(mn_batch_norm_2d(x, NULL, NULL, NULL, NULL, MN_NORM_RUNNING, 0.1, 1e-5), "missing");
    REFUSED(mn_instance_norm_2d(mn_zeros(tape, MN_SHAPE(2, 3, 1, 1)), NULL, NULL, 1e-5),
            "1 pixel has no variance");
    mn_tape_free(tape);
}
END_TEST

MN_SUITE("image networks", resnet18_has_the_names_of_the_der_authors_backbone,
         the_other_networks_have_their_authors_sizes, a_digit_is_padded_to_a_power_of_two,
         impossible_networks_are_refused, activations_are_reordered_only_where_winograd_begins,
         an_empty_batch_passes_through, a_changed_weight_is_seen_in_the_same_step,
         a_rows_scores_do_not_depend_on_the_batch, maps_of_a_network_are_asked_for_by_name,
         the_last_map_is_what_features_are_made_of,
         a_forward_without_gradients_keeps_little_and_gives_the_same,
         a_map_of_a_frozen_network_has_a_gradient_to_the_image,
         a_map_that_is_none_is_refused_with_those_there_are, mistakes_on_images_are_named)
