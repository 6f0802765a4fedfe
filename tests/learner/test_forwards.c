/* Forwards of values, gradients of images and maps by their role, asked inside runs. */
#include "base/registry.h"
#include "learner/learner.h"
#include "tests/learner/inside.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/image_ops.h>
#include <stdio.h>
#include <string.h>

/* --- images: forwards of values, and their gradients --- */

static double loss_at(mn_learner *learner, mn_var *x, const mn_batch *now)
{
    const mn_out *out = mn_forward_value(learner, mn_learner_network(learner), x, now, MN_EVAL);
    return mn_item(mn_cross_entropy(out->logits, out->batch->labels));
}

static mn_status gradient_open(mn_learner *learner)
{
    mn_want_image_gradients(learner);
    return MN_OK;
}

/* The loss grows along the gradient as fast as the gradient is long. */
static void check_gradient(mn_learner *learner, const mn_batch *now)
{
    const mn_out *out = mn_forward(learner, now, MN_EVAL);
    mn_var *x = mn_batch_images(learner, now);
    mn_var *g = mn_gradient_of(mn_cross_entropy(out->logits, now->labels), x);
    ck_assert(mn_shape_equal(mn_shape_of(g), mn_shape_of(x)));
    const double square = mn_item(mn_sum(mn_square(g))), step = 0.01 / sqrt(square);
    const double up = loss_at(learner, mn_detach(mn_axpby(1, x, step, g)), now),
                 down = loss_at(learner, mn_detach(mn_axpby(1, x, -step, g)), now);
    ck_assert_double_gt(square, 1e-8);
    ck_assert_double_eq_tol((up - down) / (2 * step) / square, 1, 0.05);
}

/* What is published of a value is what is known of its rows, and its images are the value. */
static void check_published(mn_learner *learner, const mn_batch *now)
{
    mn_var *x = mn_batch_images(learner, now);
    const int before = learner->published_count;
    const mn_out *out = mn_forward_value(learner, mn_learner_network(learner), x, now, MN_EVAL);
    const size_t rows = (size_t)now->count, values = rows * (size_t)mn_shape_count(now->image);
    ck_assert_int_eq(learner->published_count, before + 1);
    ck_assert_ptr_eq(out, &learner->published[before]);
    ck_assert_mem_eq(out->batch->x, now->x, values * sizeof *now->x);
    ck_assert_mem_eq(out->batch->pixels, now->pixels, values);
    ck_assert_mem_eq(out->batch->labels, now->labels, rows * sizeof *now->labels);
    ck_assert_mem_eq(out->batch->indices, now->indices, rows * sizeof *now->indices);
    ck_assert_int_eq(out->batch->stream_rows, 0);
    ck_assert_ptr_eq(mn_batch_images(learner, out->batch), x);
    const mn_out *unknown =
        mn_forward_value(learner, mn_learner_network(learner), x, NULL, MN_EVAL);
    ck_assert_int_eq(unknown->batch->labels[0], MN_UNLABELLED);
    ck_assert_int_eq(unknown->batch->tasks[0], MN_NO_TASK);
    const float *same = mn_host(unknown->logits), *logits = mn_host(out->logits);
    ck_assert_mem_eq(same, logits, rows * 6 * sizeof *same);
}

/* A snapshot is inside_asked once a step, and its answers are constants. */
static void check_targets(mn_learner *learner, mn_network *snapshot, const mn_batch *now)
{
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT;
    mn_var *hidden = mn_target(learner, snapshot, now, "hidden1");
    const int after = learner->published_count;
    mn_var *logits = mn_target(learner, snapshot, now, "logits");
    mn_var *features = mn_target(learner, snapshot, now, "features");
    ck_assert_int_eq(learner->published_count, after);
    const mn_out *out = mn_forward_with(learner, snapshot, now, mode);
    ck_assert_mem_eq(mn_host(hidden), mn_host(mn_out_map(out, "hidden1")),
                     (size_t)mn_shape_count(mn_shape_of(hidden)) * sizeof(float));
    ck_assert_mem_eq(mn_host(logits), mn_host(out->logits),
                     (size_t)mn_shape_count(mn_shape_of(logits)) * sizeof(float));
    ck_assert_mem_eq(mn_host(features), mn_host(out->features),
                     (size_t)mn_shape_count(mn_shape_of(features)) * sizeof(float));
    mn_tape *tape = mn_tape_of(hidden);
    ck_assert_int_eq(mn_tape_status(tape), MN_OK);
}

typedef struct looking_state {
    mn_network *snapshot;
} looking_state;

static mn_status looking_open(mn_learner *learner)
{
    looking_state *s = mn_state(learner);
    MN_TRY(gradient_open(learner));
    return mn_add_network(learner, "snapshot", NULL, &s->snapshot);
}

static mn_status looking_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const looking_state *s = mn_state(learner);
    (void)tape;
    check_gradient(learner, now);
    check_published(learner, now);
    check_targets(learner, s->snapshot, now);
    inside_asked++;
    return inside_plain_loss(learner, now);
}

static const mn_strategy looking = {MN_STRATEGY_HEADER, .name = "looking",
                                    .state_size = sizeof(looking_state), .open = looking_open,
                                    .loss = looking_loss};

static mn_status misshapen_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    mn_var *x = mn_zeros(tape, MN_SHAPE(now->count + 1, 1, 14, 14));
    (void)mn_forward_value(learner, mn_learner_network(learner), x, now, MN_EVAL);
    return inside_plain_loss(learner, now);
}

static const mn_strategy misshapen = {MN_STRATEGY_HEADER, .name = "misshapen",
                                      .loss = misshapen_loss};

static mn_status unwanted_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    const mn_out *out = mn_forward(learner, now, MN_TRAIN);
    mn_var *loss = mn_cross_entropy(out->logits, now->labels);
    mn_term(learner, "stream", 1, loss);
    (void)mn_gradient_of(loss, mn_batch_images(learner, now));
    return MN_OK;
}

static const mn_strategy unwanted = {MN_STRATEGY_HEADER, .name = "unwanted", .loss = unwanted_loss};

START_TEST(values_go_forward_as_batches_do_and_images_have_gradients)
{
    inside_begin("uses-images");
    inside_run(&looking, "looking", inside_few);
    ck_assert_int_eq(inside_asked, 3 * 4);
    inside_refused(&misshapen, "misshapen", MN_BAD_SHAPE, "of which 10 rows are known");
    inside_refused(&unwanted, "unwanted", MN_BAD_VALUE, "the input is not differentiable");
    inside_end("uses-images");
}
END_TEST

/* --- who only asks for gradients of images moves no bit of what it stands on --- */

static mn_status wanting_term(mn_learner *learner, mn_tape *tape, const mn_out *const *published,
                              int n)
{
    (void)tape;
    for (int i = 0; i < n; i++)
        (void)mn_gradient_of(mn_mean(published[i]->logits),
                             mn_batch_images(learner, published[i]->batch));
    inside_asked++;
    return MN_OK;
}

static const mn_strategy wanting = {MN_STRATEGY_HEADER, .name = "wanting", .open = gradient_open,
                                    .term = wanting_term};

START_TEST(gradients_of_images_move_nothing)
{
    static const char *const networks[] = {"mlp", "resnet18-reduced"};
    inside_begin("uses-wanting");
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &wanting));
    char other[600];
    snprintf(other, sizeof other, "%s/other.mneme", test_folder("uses-wanting"));
    for (int i = 0; i < 2; i++) {
        const test_setting settings[] = {{"dataset.train_per_class", "8"},
                                         {"dataset.test_per_class", "5"},
                                         {"network.name", networks[i]},
                                         {"threads", "1"},
                                         {NULL, NULL}};
        test_run("split-synthetic", "er", settings, inside_path);
        test_run("split-synthetic", "er+wanting", settings, other);
        ck_assert_int_gt(inside_asked, 0);
        ck_assert_int_eq(test_query(inside_path, "SELECT sum(crc) FROM tensor"),
                         test_query(other, "SELECT sum(crc) FROM tensor"));
        ck_assert_int_eq(test_query(inside_path, "SELECT sum(crc) FROM output"),
                         test_query(other, "SELECT sum(crc) FROM output"));
    }
    test_remove(other);
    inside_end("uses-wanting");
}
END_TEST

/* --- maps by their role --- */

static void check_role(const mn_forwarded *seen, mn_network *network, mn_var *x)
{
    const mn_role_map last = mn_network_map_of_role(seen, MN_MAP_BEFORE_POOLING, 0);
    mn_var *pooled = mn_global_average_pool(last.value);
    const float *is = mn_host(pooled), *features = mn_host(seen->features);
    ck_assert_mem_eq(is, features, (size_t)mn_shape_count(mn_shape_of(pooled)) * sizeof *is);
    ck_assert_ptr_null(mn_network_map_of_role(seen, MN_MAP_BEFORE_POOLING, 1).value);
    int norms = 0;
    for (mn_role_map in; (in = mn_network_map_of_role(seen, MN_MAP_INTO_NORM, norms)).value != NULL;
         norms++) {
        ck_assert_int_eq(mn_shape_of(in.value).rank, 4);
        ck_assert_int_eq(mn_shape_of(in.value).size[1], mn_tensor_shape(in.mean).size[0]);
        ck_assert_ptr_eq(mn_network_map(seen, in.name), in.value);
        int owner = 0; /* the statistic that its mean is */
        const char *name;
        while (mn_network_statistic(network, owner, &name) != in.mean)
            owner++;
        ck_assert_int_eq(strncmp(name, in.name, strlen(in.name)), 0);
        ck_assert_ptr_eq(mn_network_statistic(network, owner + 1, NULL), in.variance);
    }
    ck_assert_int_eq(2 * norms, mn_network_statistic_count(network));
    /* The first norm's input is what the first convolution makes. */
    mn_var *made = mn_conv2d(x, mn_network_leaf(network, 0, x, MN_NO_GRADIENT), NULL, 1, 1, 1);
    const mn_role_map first = mn_network_map_of_role(seen, MN_MAP_INTO_NORM, 0);
    ck_assert_str_eq(first.name, "bn1");
    ck_assert_mem_eq(mn_host(first.value), mn_host(made),
                     (size_t)mn_shape_count(mn_shape_of(made)) * sizeof(float));
}

/* Of two attentions of two heads of width 4 on 5 rows: scores (B,2,5,5) and heads (B,2,5,4). */
static void check_attentions(const mn_forwarded *seen, float *copy)
{
    static const mn_map_role roles[] = {MN_MAP_SCORES, MN_MAP_HEADS};
    static const char *const what[] = {"scores", "heads"};
    for (int r = 0; r < 2; r++) {
        for (int i = 0; i < 2; i++) {
            char name[80];
            const mn_role_map map = mn_network_map_of_role(seen, roles[r], i);
            snprintf(name, sizeof name, "encoder.layers.encoder_layer_%d.self_attention.%s", i,
                     what[r]);
            ck_assert_str_eq(map.name, name);
            ck_assert_ptr_eq(mn_network_map(seen, name), map.value);
            ck_assert(mn_shape_equal(mn_shape_of(map.value), MN_SHAPE(2, 2, 5, r == 0 ? 5 : 4)));
            const size_t count = (size_t)mn_shape_count(mn_shape_of(map.value));
            memcpy(copy, mn_host(map.value), count * sizeof *copy);
            copy += count;
        }
        ck_assert_ptr_null(mn_network_map_of_role(seen, roles[r], 2).value);
    }
}

START_TEST(attentions_are_seen_while_gradients_are_recorded_or_when_asked_for)
{
    enum { FLOATS = 2 * 2 * (2 * 5 * 5 + 2 * 5 * 4) };
    const mn_network_spec spec = {"vit", "{\"patch\":4,\"width\":8,\"depth\":2,\"heads\":2}",
                                  MN_SHAPE(3, 8, 8), 5};
    static float pixels[2 * 3 * 8 * 8], trained[FLOATS], evaluated[FLOATS];
    for (int i = 0; i < 2 * 3 * 8 * 8; i++)
        pixels[i] = (float)mn_random_normal(mn_key_of(1, "pixels"), (uint64_t)i);
    mn_network *vit;
    mn_tape *tape;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "network"), &vit));
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *x = mn_input(tape, MN_SHAPE(2, 3, 8, 8), pixels, false);
    mn_forwarded seen = mn_network_forward(vit, x, MN_TRAIN);
    check_attentions(&seen, trained);
    seen = mn_network_forward(vit, x, MN_EVAL | MN_NO_GRADIENT | MN_ATTENTIONS);
    check_attentions(&seen, evaluated);
    ck_assert_mem_eq(trained, evaluated, sizeof trained);
    seen = mn_network_forward(vit, x, MN_EVAL | MN_NO_GRADIENT);
    ck_assert_int_eq(mn_tape_status(tape), MN_OK);
    (void)mn_network_map_of_role(&seen, MN_MAP_HEADS, 0);
    ck_assert_ptr_nonnull(strstr(mn_tape_error(tape), "without MN_ATTENTIONS"));
    mn_tape_free(tape);
    mn_network_free(vit);
}
END_TEST

START_TEST(maps_are_found_by_their_role)
{
    const mn_network_spec spec = {"resnet18-reduced", "{\"width\": 4}", MN_SHAPE(3, 8, 8), 5};
    const mn_network_spec flat = {"mlp", "{\"widths\": \"7\"}", MN_SHAPE(3, 8, 8), 5};
    float pixels[2 * 3 * 8 * 8];
    for (int i = 0; i < 2 * 3 * 8 * 8; i++)
        pixels[i] = (float)mn_random_normal(mn_key_of(1, "pixels"), (uint64_t)i);
    mn_network *network, *mlp;
    mn_tape *tape;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "network"), &network));
    ck_assert_ok(mn_network_new(&flat, mn_key_of(0, "network"), &mlp));
    ck_assert_ok(mn_tape_new(&tape));
    for (int i = 0; i < 4; i++) { /* with and without gradients, in training and evaluation */
        const mn_mode mode = (i % 2 == 0 ? MN_TRAIN_FROZEN : MN_EVAL) |
                             (i < 2 ? MN_NO_GRADIENT : 0) | MN_NORM_INPUTS;
        mn_tape_reset(tape);
        mn_var *x = mn_input(tape, MN_SHAPE(2, 3, 8, 8), pixels, i == 0);
        const mn_forwarded seen = mn_network_forward(network, x, mode);
        check_role(&seen, network, x);
        ck_assert_int_eq(mn_tape_status(tape), MN_OK);
    }
    mn_var *x = mn_input(tape, MN_SHAPE(2, 3, 8, 8), pixels, false);
    mn_forwarded seen = mn_network_forward(network, x, MN_EVAL);
    (void)mn_network_map_of_role(&seen, MN_MAP_INTO_NORM, 0);
    ck_assert_ptr_nonnull(strstr(mn_tape_error(tape), "without MN_NORM_INPUTS"));
    mn_tape_reset(tape);
    x = mn_input(tape, MN_SHAPE(2, 3, 8, 8), pixels, false);
    seen = mn_network_forward(mlp, x, MN_EVAL | MN_NORM_INPUTS);
    (void)mn_network_map_of_role(&seen, MN_MAP_BEFORE_POOLING, 0);
    ck_assert_ptr_nonnull(strstr(mn_tape_error(tape), "no map before pooling"));
    ck_assert_int_eq(mn_tape_status(tape), MN_UNSUPPORTED);
    mn_tape_free(tape);
    mn_network_free(network);
    mn_network_free(mlp);
}
END_TEST

START_TEST(a_strategy_finds_maps_by_their_role_in_any_run)
{
    static const struct {
        const char *benchmark, *term;
        test_setting setting[2];
    } cases[] = {
        {"split-synthetic", "norms", {{"layerwise.norms", "true"}, {"network.batch_norm", "true"}}},
        {"maps-synthetic", "attention", {{"layerwise.attention", "true"}, {"epochs", "1"}}}};
    char rebuilt[600], sql[160];
    inside_begin("uses-roles");
    snprintf(rebuilt, sizeof rebuilt, "%s/rebuilt.mneme", test_folder("uses-roles"));
    for (int i = 0; i < 2; i++) {
        const test_setting plain[] = {{"dataset.train_per_class", "20"},
                                      {"log_every", "1"},
                                      {"threads", "1"},
                                      {"commit_steps", "3"},
                                      cases[i].setting[0],
                                      cases[i].setting[1],
                                      {NULL, NULL}};
        const test_setting again[] = {{"dataset.train_per_class", "20"},
                                      {"log_every", "1"},
                                      {"threads", "1"},
                                      {"commit_steps", "3"},
                                      cases[i].setting[0],
                                      cases[i].setting[1],
                                      {"rebuild", "true"},
                                      {NULL, NULL}};
        test_run(cases[i].benchmark, "finetune+layerwise", plain, inside_path);
        test_run(cases[i].benchmark, "finetune+layerwise", again, rebuilt);
        test_same_run(inside_path, rebuilt);
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM scalar WHERE name = 'layerwise/%s' AND value > 0",
                 cases[i].term);
        ck_assert_int_gt(test_query(inside_path, sql), 0);
    }
    test_remove(rebuilt);
    inside_end("uses-roles");
}
END_TEST

MN_SUITE("forwards", values_go_forward_as_batches_do_and_images_have_gradients,
         gradients_of_images_move_nothing, maps_are_found_by_their_role,
         attentions_are_seen_while_gradients_are_recorded_or_when_asked_for,
         a_strategy_finds_maps_by_their_role_in_any_run)
