/* grad.c -- holds every backward against differences of its forward.
 *
 * The scalar that is differentiated is <w, y>, y the op's output and w fixed random weights, summed
 * in double outside the tape; a five-point stencil keeps its error near float's own.  Each case is
 * tried with all inputs wanted, with every subset of them, twice on one tape, with the same var as
 * every input, and through mn_gradient_of().
 *
 *   grad [op]                       all cases, or those of one op
 *   grad --list                     every op and number of inputs
 *   grad --flip op input            (tests/autograd/flip_signs.sh) with the sign of one gradient
 * turned
 */
#include "tests/autograd/grad.h"

#include "autograd/node.h"
#include "autograd/ops.h"
#include "autograd/sweep.h"
#include <math.h>
#include <mneme/random.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double step = 0.02, tolerance = 2e-4;

typedef struct trial {
    const grad_case *of;
    int number; /* among the cases of its op */
    mn_tape *tape;
    float value[GRAD_INPUTS][GRAD_ELEMENTS];
    float weight[GRAD_ELEMENTS];
    double slope[GRAD_INPUTS][GRAD_ELEMENTS]; /* by differences */
    float found[GRAD_INPUTS][GRAD_ELEMENTS];  /* by backward */
} trial;

static int64_t count_of(const trial *t, int i)
{
    return mn_shape_count(t->of->shape[i]);
}

__attribute__((format(printf, 2, 3))) static bool red(const trial *t, const char *format, ...)
{
    char shape[64];
    printf("%s, case %d %s: ", t->of->op, t->number, mn_shape_text(t->of->shape[0], shape));
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    return false;
}

/* --- two ops of our own, made with the public interface alone --- */

static mn_status pass_shape(mn_node *node, mn_shape *out)
{
    *out = mn_tensor_shape(mn_node_input(node, 0));
    return MN_OK;
}

static mn_status pass_forward(mn_node *node)
{
    return mn_tensor_copy(mn_node_output(node), mn_node_input(node, 0));
}

static mn_status pass_backward(mn_node *node)
{
    mn_tensor *dx = mn_node_input_gradient(node, 0);
    return dx != NULL ? mn_tensor_axpby(dx, 1, mn_node_output_gradient(node), 1) : MN_OK;
}

/* The same values in a var that is no leaf. */
static const mn_op op_pass = {"pass", 0, pass_shape, pass_forward, pass_backward};

static mn_status probe_shape(mn_node *node, mn_shape *out)
{
    (void)node;
    *out = MN_SCALAR;
    return MN_OK;
}

static mn_status probe_forward(mn_node *node)
{
    return mn_tensor_fill(mn_node_output(node), 1); /* nobody looks */
}

static mn_status probe_backward(mn_node *node)
{
    const float *weights = *(const float *const *)mn_node_attributes(node);
    float gradient;
    MN_TRY(mn_tensor_read(mn_node_output_gradient(node), &gradient, sizeof gradient));
    mn_tensor *scaled = mn_node_saved(node, 0, MN_F32, mn_tensor_shape(mn_node_input(node, 0)));
    MN_TRY(mn_tensor_write(scaled, weights, mn_tensor_bytes(scaled)));
    for (int i = 0; i < mn_node_inputs(node); i++) {
        mn_tensor *dx = mn_node_input_gradient(node, i);
        if (dx != NULL)
            MN_TRY(mn_tensor_axpby(dx, gradient, scaled, 1));
    }
    return MN_OK;
}

/* A scalar whose gradient is the weights, for each of its inputs. */
static const mn_op op_probe = {"probe", sizeof(const float *), probe_shape, probe_forward,
                               probe_backward};

static mn_var *probe(trial *t, mn_var *const *y, int n)
{
    const float *weights = t->weight;
    return mn_apply(&op_probe, y, n, &weights);
}

/* --- the gradient by differences --- */

/* <w, y>, with one var as all inputs when `shared`. */
static double forward(trial *t, bool shared)
{
    mn_var *x[GRAD_INPUTS] = {NULL};
    mn_tape_reset(t->tape);
    mn_tape_record(t->tape, false);
    for (int i = 0; i < t->of->n; i++)
        x[i] = shared && i > 0 ? x[0] : mn_input(t->tape, t->of->shape[i], t->value[i], false);
    mn_var *y = t->of->build(x);
    const float *values = mn_host(y);
    double sum = 0;
    for (int64_t k = 0; values != NULL && k < mn_shape_count(mn_shape_of(y)); k++)
        sum += (double)t->weight[k] * (double)values[k];
    mn_tape_record(t->tape, true);
    return values != NULL ? sum : (double)NAN;
}

static double slope_at(trial *t, float *x, bool shared)
{
    const float middle = *x;
    double f[4];
    for (int k = 0; k < 4; k++) {
        *x = middle + (float)((k < 2 ? k - 2 : k - 1) * step);
        f[k] = forward(t, shared);
    }
    const double width = (double)(middle + (float)step) - (double)(middle - (float)step);
    *x = middle;
    return (8 * (f[2] - f[1]) - (f[3] - f[0])) / (6 * width);
}

/* --- the gradient by backward --- */

typedef struct manner {
    unsigned wanted; /* a bit an input */
    bool shared;     /* one var is all inputs */
    bool twice;      /* the op is applied twice to vars that are no leaves */
    int sweeps;
} manner;

static mn_tensor *tensor_of(const trial *t, int i, const float *elements)
{
    mn_tensor *tensor;
    if (mn_tensor_new(MN_F32, t->of->shape[i], &tensor) != MN_OK)
        abort();
    if (elements != NULL && mn_tensor_write(tensor, elements, mn_tensor_bytes(tensor)) != MN_OK)
        abort();
    return tensor;
}

static mn_status backward(trial *t, manner how)
{
    mn_tensor *value[GRAD_INPUTS] = {NULL}, *gradient[GRAD_INPUTS] = {NULL};
    mn_var *x[GRAD_INPUTS] = {NULL}, *y[2];
    mn_tape_reset(t->tape);
    for (int i = 0; i < t->of->n; i++) {
        value[i] = tensor_of(t, i, t->value[i]);
        gradient[i] = tensor_of(t, i, NULL);
        const bool wanted = (how.wanted >> i & 1) != 0;
        x[i] = how.shared && i > 0 ? x[0] : mn_leaf(t->tape, value[i], wanted ? gradient[i] : NULL);
        if (how.twice)
            x[i] = mn_apply(&op_pass, &x[i], 1, NULL);
    }
    y[0] = t->of->build(x);
    y[1] = how.twice ? t->of->build(x) : NULL;
    mn_var *loss = probe(t, y, how.twice ? 2 : 1);
    mn_status status = MN_OK;
    for (int k = 0; k < how.sweeps && status == MN_OK; k++)
        status = mn_backward(loss);
    for (int i = 0; i < t->of->n; i++) {
        if (mn_tensor_read(gradient[i], t->found[i], mn_tensor_bytes(gradient[i])) != MN_OK)
            abort();
        mn_tensor_free(value[i]);
        mn_tensor_free(gradient[i]);
    }
    return status;
}

/* --- the comparisons --- */

static double largest_slope(const trial *t, int i)
{
    double largest = 0;
    for (int64_t k = 0; k < count_of(t, i); k++)
        largest = fmax(largest, fabs(t->slope[i][k]));
    return largest;
}

static bool agrees(const trial *t, int i, double factor, const char *what)
{
    const double allowed = factor * (tolerance * largest_slope(t, i) + 2e-5);
    for (int64_t k = 0; k < count_of(t, i); k++) {
        const double found = (double)t->found[i][k], expected = factor * t->slope[i][k];
        if (!(fabs(found - expected) <= allowed))
            return red(t, "%s: input %d, element %d: %g, by differences %g", what, i, (int)k, found,
                       expected);
    }
    return true;
}

static bool holds(trial *t, manner how, double factor, const char *what)
{
    if (backward(t, how) != MN_OK)
        return red(t, "%s: %s", what, mn_error());
    for (int i = 0; i < t->of->n; i++)
        if ((how.wanted >> i & 1) != 0 && !agrees(t, i, factor, what))
            return false;
    return true;
}

static void difference(trial *t, int i, bool shared)
{
    for (int64_t k = 0; k < count_of(t, i); k++)
        t->slope[i][k] = slope_at(t, &t->value[i][k], shared);
}

/* Every subset must give the gradients it wants, and leave the others alone. */
static bool subsets_hold(trial *t)
{
    const unsigned all = (1u << t->of->n) - 1;
    for (unsigned wanted = 0; wanted < all; wanted++) {
        if (!holds(t, (manner){.wanted = wanted, .sweeps = 1}, 1, "a subset wanted"))
            return false;
        for (int i = 0; i < t->of->n; i++)
            for (int64_t k = 0; (wanted >> i & 1) == 0 && k < count_of(t, i); k++)
                if (t->found[i][k] != 0)
                    return red(t, "input %d is not wanted, but is given a gradient", i);
    }
    return true;
}

static bool all_inputs_alike(const trial *t)
{
    for (int i = 1; i < t->of->n; i++)
        if (!mn_shape_equal(t->of->shape[i], t->of->shape[0]))
            return false;
    return t->of->n > 1;
}

static bool shared_holds(trial *t)
{
    if (!all_inputs_alike(t))
        return true;
    difference(t, 0, true);
    if (backward(t, (manner){.wanted = 1, .shared = true, .sweeps = 1}) != MN_OK)
        return red(t, "one var as all inputs: %s", mn_error());
    const bool holds = agrees(t, 0, 1, "one var as all inputs");
    difference(t, 0, false);
    return holds;
}

static bool gradient_of_holds(trial *t)
{
    mn_var *x[GRAD_INPUTS] = {NULL};
    mn_tape_reset(t->tape);
    for (int i = 0; i < t->of->n; i++)
        x[i] = mn_input(t->tape, t->of->shape[i], t->value[i], true);
    mn_var *y = t->of->build(x), *loss = probe(t, &y, 1);
    if (y->maker == NULL || strcmp(y->maker->op->name, t->of->op) != 0)
        return red(t, "the case applies another op");
    mn_var *gradient[GRAD_INPUTS] = {NULL};
    for (int i = 0; i < t->of->n; i++)
        gradient[i] = mn_gradient_of(loss, x[i]);
    for (int i = 0; i < t->of->n; i++) { /* read late: the sweeps must not share memory */
        const float *elements = mn_host(gradient[i]);
        if (elements == NULL)
            return red(t, "mn_gradient_of: %s", mn_tape_error(t->tape));
        memcpy(t->found[i], elements, (size_t)count_of(t, i) * sizeof(float));
        if (!agrees(t, i, 1, "mn_gradient_of"))
            return false;
    }
    return true;
}

/* Uniform, or (distinct) evenly spaced in random order; moved away from kinks. */
static double element(const grad_case *c, mn_key key, int64_t k, const int64_t *order, int64_t n)
{
    const double u =
        c->distinct ? ((double)order[k] + 0.5) / (double)n : mn_random_uniform(key, (uint64_t)k);
    double value = c->least + u * (c->most - c->least);
    for (int j = 0; j < c->kinks; j++)
        if (fabs(value - c->kink[j]) < 3 * step)
            value = c->kink[j] + (value < c->kink[j] ? -4 : 4) * step;
    return value;
}

static void fill_inputs(trial *t, mn_key key)
{
    static int64_t order[GRAD_ELEMENTS];
    for (int i = 0; i < t->of->n; i++) {
        const mn_key of_input = mn_key_at(key, (uint64_t)i);
        mn_random_permutation(of_input, count_of(t, i), order);
        for (int64_t k = 0; k < count_of(t, i); k++)
            t->value[i][k] = (float)element(t->of, of_input, k, order, count_of(t, i));
    }
    for (uint64_t k = 0; k < GRAD_ELEMENTS; k++)
        t->weight[k] = (float)(2 * mn_random_uniform(mn_key_at(key, 99), k) - 1);
}

/* What has failed passes through every op as the tape's poison, and nothing as nothing. */
static bool poison_passes(const trial *t)
{
    mn_var *x[GRAD_INPUTS];
    mn_tape_reset(t->tape);
    for (int i = 0; i < GRAD_INPUTS; i++)
        x[i] = mn_tape_refuse(t->tape, "test", mn_fail(MN_BAD_VALUE, "refused"));
    const mn_var *y = t->of->build(x);
    const bool same_error = strcmp(mn_tape_error(t->tape), "test: refused") == 0;
    mn_tape_reset(t->tape);
    if (y != x[0])
        return red(t, "what has failed does not come out as the poison");
    return same_error || red(t, "the first failure is replaced by another");
}

static bool case_holds(const grad_case *c, int number, mn_tape *tape)
{
    static trial t;
    t = (trial){.of = c, .number = number, .tape = tape};
    fill_inputs(&t, mn_key_at(mn_key_of(11, c->op), (uint64_t)number));
    for (int i = 0; i < c->n; i++)
        if (count_of(&t, i) > GRAD_ELEMENTS)
            return red(&t, "input %d has more than %d elements", i, GRAD_ELEMENTS);
    for (int i = 0; i < c->n; i++)
        difference(&t, i, false);
    const unsigned all = (1u << c->n) - 1;
    return holds(&t, (manner){.wanted = all, .sweeps = 1}, 1, "backward") &&
           holds(&t, (manner){.wanted = all, .sweeps = 2}, 2, "a second backward") &&
           holds(&t, (manner){.wanted = all, .twice = true, .sweeps = 1}, 2, "used twice") &&
           subsets_hold(&t) && shared_holds(&t) && gradient_of_holds(&t) && poison_passes(&t);
}

/* --- the program --- */

static const char *const ops[] = {
#define X(name) #name,
    MN_OPS(X)
#undef X
};
enum { OPS = sizeof ops / sizeof ops[0], LEAST_CASES = 3 };

static int case_count(void)
{
    return grad_case_count + grad_case_images_count;
}

static const grad_case *case_at(int i)
{
    return i < grad_case_count ? &grad_cases[i] : &grad_cases_images[i - grad_case_count];
}

static bool op_holds(const char *op, mn_tape *tape)
{
    int cases = 0;
    bool holds = true;
    for (int i = 0; i < case_count(); i++)
        if (strcmp(case_at(i)->op, op) == 0 && !case_holds(case_at(i), cases++, tape))
            holds = false;
    if (cases < LEAST_CASES)
        printf("%s has %d gradient cases, expected at least %d\n", op, cases, LEAST_CASES);
    return holds && cases >= LEAST_CASES;
}

static int inputs_of(const char *op)
{
    int most = 0;
    for (int i = 0; i < case_count(); i++)
        if (strcmp(case_at(i)->op, op) == 0 && case_at(i)->n > most)
            most = case_at(i)->n;
    return most;
}

static int list(void)
{
    for (int i = 0; i < OPS; i++)
        printf("%s %d\n", ops[i], inputs_of(ops[i]));
    return EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
    const char *only = NULL;
    if (count == 2 && strcmp(arguments[1], "--list") == 0)
        return list();
#ifdef MN_TEST_FLIPS
    if (count == 4 && strcmp(arguments[1], "--flip") == 0) {
        mn_flip_op = only = arguments[2];
        mn_flip_input = atoi(arguments[3]);
    }
#endif
    if (count == 2)
        only = arguments[1];
    mn_tape *tape;
    if (mn_tape_new(&tape) != MN_OK)
        return 2;
    bool all_hold = true, any = false;
    for (int i = 0; i < OPS; i++) {
        if (only != NULL && strcmp(only, ops[i]) != 0)
            continue;
        any = true;
        all_hold &= op_holds(ops[i], tape);
    }
    mn_tape_free(tape);
    if (!any)
        return 2;
    return all_hold ? EXIT_SUCCESS : EXIT_FAILURE;
}
