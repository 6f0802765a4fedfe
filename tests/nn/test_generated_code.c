/* Networks on images run by code that oneDNN generates: none of it by its slow reference code, and
 * a program's signals do not disturb it, though generated code may use the stack in ways that a
 * signal handler's frame overwrites. */
#include "tensor/cpu/primitive.h"
#include "tensor/kernels.h"
#include "tests/interruptions.h"
#include "tests/suite.h"

#include <mneme/losses.h>
#include <mneme/optimiser.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 30, BATCH = 8, SIDE = 16 };

static float pixels[32 * 3 * 32 * 32];

static mn_network *network_of(const char *type, const char *options, mn_shape input)
{
    const mn_network_spec spec = {type, options, input, 10};
    mn_network *network;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(1, "weights"), &network));
    return network;
}

static mn_var *batch_on(mn_tape *tape, mn_key key, int64_t rows, mn_shape image)
{
    const mn_shape shape = MN_SHAPE(rows, image.size[0], image.size[1], image.size[2]);
    for (int64_t i = 0; i < mn_shape_count(shape); i++)
        pixels[i] = (float)mn_random_uniform(key, (uint64_t)i) - 0.5f;
    return mn_input(tape, shape, pixels, false);
}

static int primitives; /* that forbid_reference() has seen */

static void forbid_reference(const char *name, void *closure)
{
    primitives++;
    ck_assert_msg(strncmp(name, "ref", 3) != 0, "%s runs by %s", (const char *)closure, name);
}

static void train_and_evaluate(const char *type, int64_t rows, int64_t evaluated)
{
    static const int32_t labels[64];
    const mn_shape image = MN_SHAPE(3, 32, 32);
    const mn_key key = mn_key_of(7, "pixels");
    mn_network *network = network_of(type, NULL, image);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *logits = mn_network_forward(network, batch_on(tape, key, rows, image), MN_TRAIN).logits;
    ck_assert_ok(mn_backward(mn_cross_entropy(logits, labels)));
    mn_tape_reset(tape);
    mn_tape_record(tape, false);
    logits = mn_network_forward(network, batch_on(tape, key, evaluated, image), MN_EVAL).logits;
    ck_assert_ptr_nonnull(mn_host(logits));
    mn_tape_free(tape);
    mn_network_free(network);
}

START_TEST(no_network_runs_by_reference_code)
{
    static char types[][20] = {"resnet18", "resnet18-reduced", "resnet32", "convnet"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        train_and_evaluate(types[i], 32, 20);
        if (i > 0)
            train_and_evaluate(types[i], 10, 1);
        primitives = 0;
        mn_primitive_each(forbid_reference, types[i]);
        ck_assert_int_ge(primitives, 3); /* a convolution runs forward and backward */
    }
}
END_TEST

/* All weights of a network after some steps of training from the same start; the caller frees. */
static float *trained(const char *type, const char *options, size_t *bytes)
{
    static const int32_t labels[BATCH] = {0, 1, 2, 3, 4, 5, 6, 7};
    const mn_shape image = MN_SHAPE(3, SIDE, SIDE);
    mn_network *network = network_of(type, options, image);
    mn_optimiser *optimiser;
    mn_tape *tape;
    ck_assert_ok(mn_optimiser_new("sgd", NULL, network, &optimiser));
    ck_assert_ok(mn_tape_new(&tape));
    for (int step = 0; step < STEPS; step++) {
        const mn_key key = mn_key_at(mn_key_of(2, "pixels"), (uint64_t)step);
        mn_tape_reset(tape);
        ck_assert_ok(mn_network_zero_gradients(network));
        mn_var *x = batch_on(tape, key, BATCH, image);
        mn_var *logits = mn_network_forward(network, x, MN_TRAIN).logits;
        ck_assert_ok(mn_backward(mn_cross_entropy(logits, labels)));
        ck_assert_ok(mn_optimiser_step(optimiser, 0.05));
    }
    *bytes = mn_tensor_bytes(mn_network_values(network));
    float *values = malloc(*bytes);
    ck_assert_ok(mn_tensor_read(mn_network_values(network), values, *bytes));
    mn_tape_free(tape);
    mn_optimiser_free(optimiser);
    mn_network_free(network);
    return values;
}

/* Widths of whole vectors and others take different kernels; instance norms and max-pooling, too.
 */
START_TEST(networks_on_images_under_interruption_end_in_the_same_bytes)
{
    static const struct {
        const char *type, *options;
    } cases[] = {{"resnet18-reduced", NULL},
                 {"resnet18", "{\"width\": 16}"},
                 {"convnet", "{\"width\": 32, \"pooling\": \"max\"}"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t bytes;
        float *undisturbed = trained(cases[i].type, cases[i].options, &bytes);
        interruptions = 0;
        interrupt_every(200);
        float *disturbed = trained(cases[i].type, cases[i].options, &bytes);
        interrupt_every(0);
        ck_assert_int_gt(interruptions, 0);
        ck_assert_msg(memcmp(undisturbed, disturbed, bytes) == 0, "%s differs", cases[i].type);
        free(undisturbed);
        free(disturbed);
    }
}
END_TEST

/* For the layouts that layers choose oneDNN has generated code from AVX2 on; below, none. */
static const char *why_not(void)
{
    static char text[128];
    const char *set = mn_kernels_onednn_instruction_set();
    if (strncmp(set, "avx2", 4) == 0 || strncmp(set, "avx512", 6) == 0 ||
        strncmp(set, "avx10", 5) == 0)
        return NULL;
    snprintf(text, sizeof text,
             "oneDNN generates code for these networks from AVX2 on, and may use %s here", set);
    return text;
}

MN_SUITE_UNLESS(why_not(), "generated code", no_network_runs_by_reference_code,
                networks_on_images_under_interruption_end_in_the_same_bytes)
