/* What the services that the strategies of tests/uses use promise, asked inside real runs. */
#include "base/registry.h"
#include "data/stream/stream.h"
#include "learner/learner.h"
#include "tensor/file/safetensors.h"
#include "tests/run_files.h"
#include "tests/suite.h"
#include "tests/uses/uses.h"

#include <math.h>
#include <mneme/image_ops.h>
#include <mneme/results.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int asked; /* how often the strategies below got to their checks */

static const test_setting few[] = {{"dataset.train_per_class", "20"}, {NULL, NULL}};

static char path[600];

static void begin(const char *folder)
{
    test_register_uses();
    snprintf(path, sizeof path, "%s/run.mneme", test_folder(folder));
    asked = 0;
}

static void end(const char *folder)
{
    test_remove(path);
    (void)rmdir(test_folder(folder));
}

static void run(const mn_strategy *strategy, const char *strategies, const test_setting *settings)
{
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, strategy));
    test_run("split-synthetic", strategies, settings, path);
}

static void refused(const mn_strategy *strategy, const char *strategies, mn_status status,
                    const char *why)
{
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, strategy));
    mn_experiment *experiment = test_experiment("split-synthetic", strategies, few);
    test_remove(path);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), status, why);
    mn_experiment_free(experiment);
}

static mn_status plain_loss(mn_learner *learner, const mn_batch *now)
{
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

/* --- draws --- */

static mn_status drawing_open(mn_learner *learner)
{
    ck_assert_int_eq(mn_train_images(learner, MN_NO_TASK), 6 * 20);
    for (int64_t task = 0; task < 3; task++)
        ck_assert_int_eq(mn_train_images(learner, task), 2 * 20);
    ck_assert_int_eq(mn_train_images(learner, 3), 0);
    return MN_OK;
}

/* Each row has `wanted` negatives, none more than once more often than another. */
static void check_negatives(mn_learner *learner, const mn_batch *now, int64_t wanted)
{
    const int64_t *drawn = mn_draw_other_classes(learner, "negatives", now, wanted);
    const int64_t *again = mn_draw_other_classes(learner, "negatives", now, wanted);
    const int64_t *other = mn_draw_other_classes(learner, "others", now, wanted);
    const size_t bytes = (size_t)(now->count * wanted) * sizeof *drawn;
    ck_assert_mem_eq(drawn, again, bytes);
    ck_assert_mem_ne(drawn, other, bytes);
    for (int64_t row = 0; row < now->count; row++) {
        int64_t times[6 * 20] = {0}, least = wanted, most = 0;
        for (int64_t i = 0; i < wanted; i++) {
            const int64_t place = drawn[row * wanted + i];
            const int64_t label = mn_stream_true_label(learner->stream, MN_PART_TRAIN, place);
            ck_assert_int_ne(label, now->labels[row]);
            ck_assert_int_eq(label / 2, mn_task(learner));
            times[place]++;
        }
        for (int64_t place = 0; place < 6 * 20; place++) {
            const int64_t label = mn_stream_true_label(learner->stream, MN_PART_TRAIN, place);
            if (label / 2 != mn_task(learner) || label == now->labels[row])
                continue;
            least = times[place] < least ? times[place] : least;
            most = times[place] > most ? times[place] : most;
        }
        ck_assert_int_le(most - least, 1);
    }
}

static void check_numbers(mn_learner *learner)
{
    const int64_t *seven = mn_draw_int(learner, "seven", 7, 700);
    const int64_t *again = mn_draw_int(learner, "seven", 7, 700);
    const int64_t *none = mn_draw_int(learner, "none", 1, 5);
    int times[7] = {0};
    ck_assert_mem_eq(seven, again, 700 * sizeof *seven);
    for (int i = 0; i < 700; i++) {
        ck_assert_int_ge(seven[i], 0);
        ck_assert_int_lt(seven[i], 7);
        times[seven[i]]++;
    }
    for (int i = 0; i < 7; i++) /* 100 expected, with a deviation of 9 */
        ck_assert(times[i] > 50 && times[i] < 150);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(none[i], 0);
}

static void check_rows_of_class(mn_learner *learner)
{
    const int64_t first = 2 * mn_task(learner);
    for (int64_t label = first; label < first + 2; label++) {
        const mn_batch *rows = mn_draw_stream_of_class(learner, "rows", label, 8);
        ck_assert_int_eq(rows->count, 8);
        ck_assert_int_eq(rows->stream_rows, 8);
        for (int i = 0; i < 8; i++) {
            ck_assert_int_eq(rows->labels[i], label);
            for (int j = 0; j < i; j++)
                ck_assert_int_ne(rows->indices[i], rows->indices[j]);
        }
        ck_assert_int_eq(mn_draw_stream_of_class(learner, "all", label, 1000)->count, 20);
    }
    ck_assert_int_eq(mn_draw_stream_of_class(learner, "of another task", (first + 2) % 6, 5)->count,
                     0);
}

static mn_status drawing_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    check_negatives(learner, now, 5);
    check_negatives(learner, now, 20);
    check_negatives(learner, now, 47);
    check_numbers(learner);
    check_rows_of_class(learner);
    asked++;
    return plain_loss(learner, now);
}

static const mn_strategy drawing = {MN_STRATEGY_HEADER, .name = "drawing", .open = drawing_open,
                                    .loss = drawing_loss};

static mn_status misdrawing_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    ck_assert_ptr_null(mn_draw_int(learner, "nothing", 0, 1));
    return plain_loss(learner, now);
}

static const mn_strategy misdrawing = {MN_STRATEGY_HEADER, .name = "misdrawing",
                                       .loss = misdrawing_loss};

static mn_status twice_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    (void)mn_draw_stream_of_class(learner, "rows", now->labels[0], 2);
    (void)mn_draw_stream_of_class(learner, "rows", now->labels[0], 2);
    return plain_loss(learner, now);
}

static const mn_strategy twice = {MN_STRATEGY_HEADER, .name = "twice", .loss = twice_loss};

START_TEST(negatives_and_numbers_are_drawn_by_key)
{
    begin("uses-draws");
    run(&drawing, "drawing", few);
    ck_assert_int_eq(asked, 3 * 4);
    refused(&misdrawing, "misdrawing", MN_BAD_VALUE, "expected a bound of 1 or more");
    refused(&twice, "twice", MN_OUT_OF_ORDER, "'rows' is drawn twice in one step");
    end("uses-draws");
}
END_TEST

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

/* A snapshot is asked once a step, and its answers are constants. */
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
    asked++;
    return plain_loss(learner, now);
}

static const mn_strategy looking = {MN_STRATEGY_HEADER, .name = "looking",
                                    .state_size = sizeof(looking_state), .open = looking_open,
                                    .loss = looking_loss};

static mn_status misshapen_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    mn_var *x = mn_zeros(tape, MN_SHAPE(now->count + 1, 1, 14, 14));
    (void)mn_forward_value(learner, mn_learner_network(learner), x, now, MN_EVAL);
    return plain_loss(learner, now);
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
    begin("uses-images");
    run(&looking, "looking", few);
    ck_assert_int_eq(asked, 3 * 4);
    refused(&misshapen, "misshapen", MN_BAD_SHAPE, "of which 10 rows are known");
    refused(&unwanted, "unwanted", MN_BAD_VALUE, "the input is not differentiable");
    end("uses-images");
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
    asked++;
    return MN_OK;
}

static const mn_strategy wanting = {MN_STRATEGY_HEADER, .name = "wanting", .open = gradient_open,
                                    .term = wanting_term};

START_TEST(gradients_of_images_move_nothing)
{
    static const char *const networks[] = {"mlp", "resnet18-reduced"};
    begin("uses-wanting");
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &wanting));
    char other[600];
    snprintf(other, sizeof other, "%s/other.mneme", test_folder("uses-wanting"));
    for (int i = 0; i < 2; i++) {
        const test_setting settings[] = {{"dataset.train_per_class", "8"},
                                         {"dataset.test_per_class", "5"},
                                         {"network.name", networks[i]},
                                         {"threads", "1"},
                                         {NULL, NULL}};
        test_run("split-synthetic", "er", settings, path);
        test_run("split-synthetic", "er+wanting", settings, other);
        ck_assert_int_gt(asked, 0);
        ck_assert_int_eq(test_query(path, "SELECT sum(crc) FROM tensor"),
                         test_query(other, "SELECT sum(crc) FROM tensor"));
        ck_assert_int_eq(test_query(path, "SELECT sum(crc) FROM output"),
                         test_query(other, "SELECT sum(crc) FROM output"));
    }
    test_remove(other);
    end("uses-wanting");
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
        mn_var *x = mn_input(tape, MN_SHAPE(2, 3, 8, 8), pixels, true);
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
    begin("uses-roles");
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
        test_run(cases[i].benchmark, "finetune+layerwise", plain, path);
        test_run(cases[i].benchmark, "finetune+layerwise", again, rebuilt);
        test_same_run(path, rebuilt);
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM scalar WHERE name = 'layerwise/%s' AND value > 0",
                 cases[i].term);
        ck_assert_int_gt(test_query(path, sql), 0);
    }
    test_remove(rebuilt);
    end("uses-roles");
}
END_TEST

/* --- parameters without a network --- */

static mn_status shapeless_open(mn_learner *learner)
{
    mn_network *parameters;
    return mn_add_parameters(learner, "none", (mn_shape){.rank = 0}, MN_INITIAL_ZERO, 1,
                             &parameters);
}

static mn_status any_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    return plain_loss(learner, now);
}

static const mn_strategy shapeless = {MN_STRATEGY_HEADER, .name = "shapeless",
                                      .open = shapeless_open, .loss = any_loss};

START_TEST(parameters_are_trained_kept_and_exported)
{
    begin("uses-parameters");
    char out[600], again[600];
    snprintf(out, sizeof out, "%s/weights.safetensors", test_folder("uses-parameters"));
    snprintf(again, sizeof again, "%s/again.mneme", test_folder("uses-parameters"));
    test_run("split-synthetic", "condense", few, path);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM tensor WHERE name IN "
                                      "('condense/images/value', 'condense/images/momentum')"),
                     2);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM network WHERE type = 'parameters'"), 1);
    ck_assert_int_gt(
        test_query(path, "SELECT value FROM kept WHERE name = 'condense/images/steps'"), 0);
    ck_assert_ok(mn_export_weights(path, out));
    mn_safetensors *file;
    ck_assert_ok(mn_safetensors_open(out, &file));
    bool found = false;
    for (int64_t i = 0; i < mn_safetensors_count(file); i++) {
        const char *name = mn_safetensors_at(file, i)->name;
        ck_assert_ptr_null(strstr(name, "random"));
        if (strcmp(name, "condense/images") != 0)
            continue;
        found = true;
        ck_assert(mn_shape_equal(mn_safetensors_at(file, i)->shape, MN_SHAPE(12, 1, 14, 14)));
    }
    ck_assert(found);
    mn_safetensors_close(file);
    const test_setting from[] = {{"dataset.train_per_class", "20"}, {"init", out}, {NULL, NULL}};
    test_run("split-synthetic", "finetune", from, again);
    test_remove(again);
    (void)unlink(out);
    refused(&shapeless, "shapeless", MN_BAD_SHAPE, "expected 1 to 4 axes");
    end("uses-parameters");
}
END_TEST

/* --- groups --- */

static void refused_groups(const char *groups, const char *why)
{
    const test_setting settings[] = {{"optimiser.groups", groups}, {NULL, NULL}};
    mn_experiment *experiment = test_experiment("split-synthetic", "finetune", settings);
    test_remove(path);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), MN_BAD_OPTION, why);
    mn_experiment_free(experiment);
}

START_TEST(groups_come_from_a_strategy_or_a_setting)
{
    begin("uses-groups");
    char other[600];
    snprintf(other, sizeof other, "%s/other.mneme", test_folder("uses-groups"));
    test_run("split-synthetic", "grouped", few, path);
    /* 0.5 at each of two tasks; biases rest */
    ck_assert_int_eq(test_query(path, "SELECT 1000 * value FROM kept WHERE name = "
                                      "'grouped/optimiser/*.weight/rate'"),
                     250);
    ck_assert_int_eq(test_query(path, "SELECT value FROM kept WHERE name = "
                                      "'grouped/optimiser/*.bias/rate'"),
                     0);
    const test_setting frozen[] = {{"dataset.train_per_class", "20"},
                                   {"optimiser.groups", "fc*,frozen;*.bias,decay=0,rate=0.5"},
                                   {NULL, NULL}};
    test_run("split-synthetic", "finetune", frozen, path);
    test_run("split-synthetic", "finetune", few, other);
    mn_experiment *begun = test_experiment("split-synthetic", "finetune", few);
    mn_experiment_free(begun);
    ck_assert_int_ne(test_query(path, "SELECT crc FROM tensor WHERE name LIKE '%fc1.weight'"),
                     test_query(other, "SELECT crc FROM tensor WHERE name LIKE '%fc1.weight'"));
    const test_setting still[] = {{"dataset.train_per_class", "20"}, {"lr", "0"}, {NULL, NULL}};
    test_run("split-synthetic", "finetune", still, other);
    ck_assert_int_eq(test_query(path, "SELECT crc FROM tensor WHERE name LIKE '%fc1.weight'"),
                     test_query(other, "SELECT crc FROM tensor WHERE name LIKE '%fc1.weight'"));
    ck_assert_int_ne(
        test_query(path, "SELECT crc FROM tensor WHERE name LIKE '%classifier.weight'"),
        test_query(other, "SELECT crc FROM tensor WHERE name LIKE '%classifier.weight'"));
    test_remove(other);
    refused_groups("fc9.*,frozen", "no parameter is called 'fc9.*'; the network has fc1.weight");
    refused_groups("fc1.*", "nothing is said of 'fc1.*'");
    refused_groups("fc1.*,rate=-1", "'rate=-1' of 'fc1.*' is not rate=NUMBER");
    refused_groups("fc1.*,speed=1", "'speed=1' of 'fc1.*' is not rate=NUMBER");
    end("uses-groups");
}
END_TEST

/* --- validation beside the test set --- */

static const test_setting beside[] = {{"dataset.train_per_class", "20"},
                                      {"dataset.test_per_class", "5"},
                                      {"validation", "0.2"},
                                      {"validation_beside", "true"},
                                      {"epochs", "3"},
                                      {NULL, NULL}};

static mn_validation last; /* at the end of a task */

static mn_status judging_after_task(mn_learner *learner)
{
    ck_assert_ok(mn_validate(learner, &last));
    ck_assert_int_eq(last.images, 2 * 4);
    ck_assert(last.loss > 0 && last.accuracy >= 0 && last.accuracy <= 100);
    ck_assert_int_eq(mn_train_images(learner, mn_task(learner)), 2 * 16);
    asked++;
    return mn_note(learner, "accuracy", last.accuracy);
}

static const mn_strategy judging = {MN_STRATEGY_HEADER, .name = "judging",
                                    .after_task = judging_after_task};

static mn_status hasty_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    mn_validation unseen;
    (void)tape;
    MN_TRY(plain_loss(learner, now));
    return mn_validate(learner, &unseen);
}

static const mn_strategy hasty = {MN_STRATEGY_HEADER, .name = "hasty", .loss = hasty_loss};

static mn_status blind_open(mn_learner *learner)
{
    return mn_check_validation(learner);
}

static const mn_strategy blind = {MN_STRATEGY_HEADER, .name = "blind", .open = blind_open,
                                  .loss = any_loss};

START_TEST(validation_images_stand_beside_the_test_set)
{
    begin("uses-validation");
    run(&judging, "er+judging", beside);
    ck_assert_int_eq(asked, 3);
    const char *const both =
        "SELECT count(*) FROM evaluation WHERE scope = 'class-il' AND total = 10";
    ck_assert_int_gt(test_query(path, both), 0);
    ck_assert_int_eq(
        test_query(path, "SELECT count(*) FROM evaluation WHERE scope = 'validation-class-il' "
                         "AND total = 8"),
        test_query(path, both));
    /* What the strategy was told is what the file has, of every task right after it. */
    ck_assert_int_eq(
        test_query(path, "SELECT count(*) FROM scalar s JOIN evaluation e ON e.after_task = s.task "
                         "AND e.on_task = s.task AND e.scope = 'validation-class-il' "
                         "WHERE s.name = 'accuracy' AND abs(s.value - 100.0 * e.correct / e.total) "
                         "< 1e-9"),
        3);
    /* Outputs and labels of all tasks so far. */
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM tensor WHERE name LIKE "
                                      "'run/validation/outputs/%' AND shape = '(8,6)'"),
                     6);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM tensor WHERE name LIKE "
                                      "'run/validation/labels/%' AND dtype = 'i32'"),
                     3);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM output WHERE rows = 10"), 6);
    mn_results *results;
    ck_assert_ok(mn_results_open(path, &results));
    ck_assert(mn_results_has(results, MN_VALIDATION_CLASS_IL));
    ck_assert(mn_results_has(results, MN_VALIDATION_TASK_IL));
    ck_assert(!isnan(mn_results_metric(results, "average_accuracy", MN_VALIDATION_CLASS_IL)));
    ck_assert(isnan(mn_results_metric(results, "forward_transfer", MN_VALIDATION_CLASS_IL)));
    mn_results_free(results);
    refused(&blind, "blind", MN_BAD_OPTION, "set validation, to 0.1 for example");
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &hasty));
    mn_experiment *experiment = test_experiment("split-synthetic", "hasty", beside);
    test_remove(path);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), MN_OUT_OF_ORDER,
                    "mn_validate() inside of a step");
    mn_experiment_free(experiment);
    end("uses-validation");
}
END_TEST

/* With the share in place of the test set nothing has changed: no method may look at it. */
START_TEST(validation_in_place_of_the_test_set_is_not_to_be_looked_at)
{
    static const test_setting instead[] = {
        {"dataset.train_per_class", "20"}, {"validation", "0.2"}, {NULL, NULL}};
    begin("uses-instead");
    test_run("split-synthetic", "finetune", instead, path);
    ck_assert_int_eq(test_query(path, "SELECT count(*) FROM evaluation WHERE total <> 8"), 0);
    ck_assert_int_eq(
        test_query(path, "SELECT count(*) FROM evaluation WHERE scope LIKE 'validation%'"), 0);
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &blind));
    mn_experiment *experiment = test_experiment("split-synthetic", "blind", instead);
    test_remove(path);
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), MN_BAD_OPTION, "validation_beside");
    mn_experiment_free(experiment);
    end("uses-instead");
}
END_TEST

/* --- the end of a phase --- */

static long long steps_of_task(int task)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT count(DISTINCT step) FROM scalar WHERE task = %d AND phase = 'train'", task);
    return test_query(path, sql);
}

static mn_status late_after_task(mn_learner *learner)
{
    return mn_end_phase(learner);
}

static const mn_strategy late = {MN_STRATEGY_HEADER, .name = "late", .loss = any_loss,
                                 .after_task = late_after_task};

START_TEST(a_phase_ends_when_a_strategy_says_so)
{
    static const test_setting settings[] = {
        {"dataset.train_per_class", "40"}, {"log_every", "1"}, {"early.steps", "5"}, {NULL, NULL}};
    begin("uses-early");
    test_run("split-synthetic", "early", settings, path);
    for (int task = 0; task < 3; task++)
        ck_assert_int_eq(steps_of_task(task), 5);
    refused(&late, "late", MN_OUT_OF_ORDER, "mn_end_phase() outside of a phase's steps");
    end("uses-early");
}
END_TEST

static double noted(const char *name, const char *what, int task)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT 1000000 * %s(value) FROM scalar WHERE task = %d AND name = '%s'", what, task,
             name);
    return (double)test_query(path, sql) / 1e6;
}

START_TEST(a_plateau_lowers_the_rate_and_ends_the_phase)
{
    static const test_setting settings[] = {{"dataset.train_per_class", "20"},
                                            {"validation", "0.2"},
                                            {"validation_beside", "true"},
                                            {"epochs", "60"},
                                            {"log_every", "1"},
                                            {"schedule.name", "plateau"},
                                            {"schedule.patience", "1"},
                                            {"schedule.factor", "0.5"},
                                            {"schedule.least", "0.3"},
                                            {"schedule.restore", "true"},
                                            {"lr", "0.4"},
                                            {NULL, NULL}};
    begin("uses-plateau");
    test_run("split-synthetic", "finetune", settings, path);
    for (int task = 0; task < 3; task++) {
        ck_assert_double_eq_tol(noted("lr", "max", task), 0.4, 1e-6);
        ck_assert_double_eq_tol(noted("lr", "min", task), 0.2, 1e-6); /* 0.1 is below the least */
        ck_assert_int_lt(steps_of_task(task), 60 * 4);
    }
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", "finetune", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "schedule.name", "plateau"));
    ck_assert_fails(mn_experiment_resolve(experiment), MN_BAD_OPTION, "validation_beside");
    mn_experiment_free(experiment);
    end("uses-plateau");
}
END_TEST

/* --- the best weights --- */

typedef struct best_state {
    mn_best *best;
    mn_tensor *at_best; /* the weights when the third epoch ended */
} best_state;

static mn_status best_open(mn_learner *learner)
{
    best_state *s = mn_state(learner);
    MN_TRY(mn_keep_tensor(learner, "at_best",
                          mn_tensor_shape(mn_network_values(mn_learner_network(learner))),
                          &s->at_best));
    return mn_add_best(learner, "best", mn_learner_network(learner), &s->best);
}

static mn_status best_before_task(mn_learner *learner)
{
    const best_state *s = mn_state(learner);
    mn_best_forget(s->best);
    return mn_best_restore(s->best); /* nothing was offered: nothing happens */
}

static mn_status best_after_epoch(mn_learner *learner)
{
    static const double values[] = {-3, -2, 5, 5, (double)NAN, 4};
    static const int64_t waited[] = {0, 0, 0, 1, 2, 3};
    const best_state *s = mn_state(learner);
    const int64_t epoch = mn_epoch(learner);
    ck_assert_ok(mn_best_offer(s->best, values[epoch]));
    ck_assert_int_eq(mn_best_waited(s->best), waited[epoch]);
    return epoch == 2 ? mn_tensor_copy(s->at_best, mn_network_values(mn_learner_network(learner)))
                      : MN_OK;
}

static mn_status best_after_task(mn_learner *learner)
{
    const best_state *s = mn_state(learner);
    mn_tensor *now = mn_network_values(mn_learner_network(learner));
    MN_TRY(mn_best_restore(s->best));
    MN_TRY(mn_tensor_axpby(s->at_best, -1, now, 1)); /* at_best - now */
    ck_assert_double_eq(mn_tensor_norm(s->at_best), 0);
    asked++;
    return MN_OK;
}

static const mn_strategy best = {
    MN_STRATEGY_HEADER,
    .name = "best",
    .state_size = sizeof(best_state),
    .open = best_open,
    .before_task = best_before_task,
    .loss = any_loss,
    .after_epoch = best_after_epoch,
    .after_task = best_after_task,
};

START_TEST(the_best_weights_come_back)
{
    static const test_setting settings[] = {{"dataset.train_per_class", "20"},
                                            {"epochs", "6"},
                                            {"network.batch_norm", "true"},
                                            {"rebuild", "true"},
                                            {"commit_steps", "5"},
                                            {NULL, NULL}};
    begin("uses-best");
    run(&best, "best", settings);
    ck_assert_int_eq(asked, 3);
    end("uses-best");
}
END_TEST

MN_SUITE("uses", negatives_and_numbers_are_drawn_by_key,
         values_go_forward_as_batches_do_and_images_have_gradients,
         gradients_of_images_move_nothing, maps_are_found_by_their_role,
         a_strategy_finds_maps_by_their_role_in_any_run, parameters_are_trained_kept_and_exported,
         groups_come_from_a_strategy_or_a_setting, validation_images_stand_beside_the_test_set,
         validation_in_place_of_the_test_set_is_not_to_be_looked_at,
         a_phase_ends_when_a_strategy_says_so, a_plateau_lowers_the_rate_and_ends_the_phase,
         the_best_weights_come_back)
