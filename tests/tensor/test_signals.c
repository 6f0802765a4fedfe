/* A program's signals do not disturb arithmetic: products are right, the heap whole and networks on
 * images trained to the same bytes while a timer interrupts every 200 microseconds.  (A library
 * that generates code may use the stack in ways that a signal handler's frame overwrites.) */
#include "tensor/kernels.h"
#include "tests/suite.h"

#include <mneme/losses.h>
#include <mneme/network.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { ROUNDS = 60000, STEPS = 30, BATCH = 8, SIDE = 16 };

static volatile sig_atomic_t interruptions;

static void count(int number)
{
    (void)number;
    interruptions++;
}

static void interrupt_every(long microseconds)
{
    struct sigaction action = {.sa_handler = count};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    const struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static float *filled(int64_t n, float value)
{
    float *made = aligned_alloc(64, (size_t)(n * 4 + 63) / 64 * 64);
    for (int64_t i = 0; i < n; i++)
        made[i] = value;
    return made;
}

static void check_product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k)
{
    float *a = filled(m * k, 1), *b = filled(n * k, 2), *c = filled(m * n, -1);
    mn_kernel_gemm(transpose_a, transpose_b, m, n, k, a, b, c, false);
    int64_t wrong = 0;
    for (int64_t i = 0; i < m * n; i++)
        wrong += c[i] != (float)(2 * k);
    ck_assert_int_eq(wrong, 0);
    free(a);
    free(b);
    free(c);
}

START_TEST(products_under_interruption_are_right)
{
    static const struct {
        bool transpose_a, transpose_b;
        int64_t m, n, k;
    } cases[] = {{false, true, 20, 50, 196}, {false, true, 20, 50, 196},
                 {false, false, 20, 50, 6},  {true, false, 50, 196, 20},
                 {true, false, 50, 50, 20},  {false, true, 10, 100, 784},
                 {true, false, 100, 784, 10}};
    interrupt_every(200);
    for (int i = 0; i < ROUNDS; i++) {
        const size_t c = (size_t)i % (sizeof cases / sizeof cases[0]);
        check_product(cases[c].transpose_a, cases[c].transpose_b, cases[c].m, cases[c].n,
                      cases[c].k);
    }
    interrupt_every(0);
    ck_assert_int_gt(interruptions, 0);
}
END_TEST

/* All weights of a network after some steps of training from the same start; the caller frees. */
static float *trained(const char *type, const char *options, size_t *bytes)
{
    static float images[BATCH * 3 * SIDE * SIDE];
    static const int32_t labels[BATCH] = {0, 1, 2, 3, 4, 5, 6, 7};
    const mn_network_spec spec = {type, options, MN_SHAPE(3, SIDE, SIDE), 10};
    mn_network *network;
    mn_optimiser *optimiser;
    mn_tape *tape;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(1, "weights"), &network));
    ck_assert_ok(mn_optimiser_new("sgd", NULL, network, &optimiser));
    ck_assert_ok(mn_tape_new(&tape));
    for (int step = 0; step < STEPS; step++) {
        const mn_key key = mn_key_at(mn_key_of(2, "pixels"), (uint64_t)step);
        for (int i = 0; i < BATCH * 3 * SIDE * SIDE; i++)
            images[i] = (float)mn_random_uniform(key, (uint64_t)i) - 0.5f;
        mn_tape_reset(tape);
        ck_assert_ok(mn_network_zero_gradients(network));
        mn_var *x = mn_input(tape, MN_SHAPE(BATCH, 3, SIDE, SIDE), images, false);
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

MN_SUITE("signals", products_under_interruption_are_right,
         networks_on_images_under_interruption_end_in_the_same_bytes)
