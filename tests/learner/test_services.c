/* Services that strategies call back, each asked inside a real run by a strategy of this test:
 * draws from the stream and of one task, plain views, squares with and without a batched form,
 * scratch; and the order of phases that add-ons put before the base's. */
#include "base/registry.h"
#include "learner/input.h"
#include "store/runfile.h"
#include "store/tensors.h"
#include "tests/run_files.h"
#include "tests/suite.h"

#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int asked; /* how often the strategies below got to their checks */

static bool same_pixels(const mn_batch *a, const mn_batch *b)
{
    const int64_t pixels = a->count * mn_shape_count(a->image);
    return memcmp(a->pixels, b->pixels, (size_t)pixels) == 0;
}

static bool same_inputs(const mn_batch *a, const mn_batch *b)
{
    const int64_t inputs = a->count * mn_shape_count(a->image);
    return memcmp(a->x, b->x, (size_t)inputs * sizeof *a->x) == 0;
}

/* --- an asker: keeps rows of each task, looks at them later --- */

static mn_status check_stream_draw(mn_learner *learner)
{
    const mn_batch *rows = mn_draw_stream(learner, "rows", 25);
    const mn_batch *others = mn_draw_stream(learner, "others", 25);
    ck_assert_int_eq(rows->count, 25);
    ck_assert_int_eq(rows->stream_rows, 25);
    int equal = 0;
    for (int i = 0; i < 25; i++) {
        ck_assert_int_ge(rows->labels[i], 0);
        ck_assert_int_eq(rows->tasks[i], mn_task(learner));
        ck_assert_int_eq(rows->slots[i], -1);
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(rows->indices[i], rows->indices[j]);
        equal += rows->indices[i] == others->indices[i];
    }
    ck_assert_int_lt(equal, 25);
    return mn_remember(learner, rows, MN_WITHOUT);
}

static mn_status asker_after_task(mn_learner *learner)
{
    MN_TRY(check_stream_draw(learner));
    const mn_buffer *buffer = mn_learner_buffer(learner);
    ck_assert_int_eq(mn_buffer_capacity(buffer), 200);
    ck_assert_int_eq(mn_buffer_used(buffer), 25 * (mn_task(learner) + 1));
    for (int64_t task = 0; task < mn_tasks(learner); task++) {
        const int64_t expected = task <= mn_task(learner) ? 25 : 0;
        const mn_batch *old = mn_draw_of_task(learner, "old", task, 100);
        ck_assert_int_eq(old->count, expected);
        for (int64_t i = 0; i < old->count; i++)
            ck_assert_int_eq(old->tasks[i], task);
        ck_assert_int_le(mn_draw_of_task(learner, "few", task, 7)->count, 7);
    }
    asked++;
    return MN_OK;
}

static mn_status asker_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    const mn_batch *plain = mn_plain(learner, now);
    ck_assert_int_eq(plain->count, now->count);
    ck_assert_int_eq(plain->stream_rows, now->stream_rows);
    ck_assert(same_pixels(plain, now));
    ck_assert_mem_eq(plain->labels, now->labels, (size_t)now->count * sizeof *now->labels);
    ck_assert(!same_inputs(plain, now)); /* the run's stream is augmented */
    ck_assert_int_eq(mn_batch_size(learner), 10);
    return MN_OK;
}

static const mn_strategy asker = {
    MN_STRATEGY_HEADER,       .name = "asker",    .summary = "Asks for rows.",
    .needs = MN_NEEDS_BUFFER, .loss = asker_loss, .after_task = asker_after_task,
};

/* --- a counter of squares, by an expression that keeps rows apart and one that does not --- */

typedef struct squares_state {
    mn_tensor *batched, *row_by_row, *scratch;
} squares_state;

static mn_status squares_open(mn_learner *learner)
{
    squares_state *s = mn_state(learner);
    ck_assert_double_eq_tol(mn_learning_rate(learner), 0.1, 1e-12);
    const mn_shape slab = mn_tensor_shape(mn_network_values(mn_learner_network(learner)));
    MN_TRY(mn_add_scratch(learner, slab, &s->batched));
    MN_TRY(mn_add_scratch(learner, slab, &s->row_by_row));
    return mn_add_scratch(learner, slab, &s->scratch);
}

static mn_var *apart(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    mn_var *logits = mn_forward(learner, batch, MN_EVAL)->logits;
    const int64_t classes = mn_shape_of(logits).size[1];
    return mn_sum(
        mn_mul(mn_log_softmax(logits), mn_one_hot(tape, batch->labels, batch->count, classes)));
}

static mn_var *mixed(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    mn_var *logits = mn_forward(learner, batch, MN_EVAL)->logits;
    const int64_t classes = mn_shape_of(logits).size[1];
    mn_var *log_p = mn_transpose(mn_transpose(mn_log_softmax(logits))); /* not known to be */
    return mn_sum(mn_mul(log_p, mn_one_hot(tape, batch->labels, batch->count, classes)));
}

static mn_status squares_visit(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const squares_state *s = mn_state(learner);
    MN_TRY(mn_tensor_fill(s->batched, 0));
    MN_TRY(mn_tensor_fill(s->row_by_row, 0));
    MN_TRY(mn_add_squared_gradients(learner, batch, apart, s->batched));
    MN_TRY(mn_add_squared_gradients(learner, batch, mixed, s->row_by_row));
    MN_TRY(mn_tensor_copy(s->scratch, s->batched));
    MN_TRY(mn_tensor_axpby(s->scratch, -1, s->row_by_row, 1));
    ck_assert_double_gt(mn_tensor_norm(s->batched), 1e-6);
    ck_assert_double_le(mn_tensor_norm(s->scratch), 1e-5 * mn_tensor_norm(s->batched));
    asked++;
    return MN_OK;
}

static const mn_phase squares_phases[] = {
    {.name = "squares", .source = MN_FROM_STREAM, .visit = squares_visit}, {.name = NULL}};

static const mn_strategy squares = {
    MN_STRATEGY_HEADER,
    .name = "squares",
    .summary = "Squares gradients in two ways.",
    .state_size = sizeof(squares_state),
    .open = squares_open,
    .phases = squares_phases,
};

/* --- who is called when: a letter a step --- */

static char trace[4096];

static mn_status note(char letter)
{
    const size_t used = strlen(trace);
    if (used + 1 < sizeof trace && (used == 0 || trace[used - 1] != letter)) /* once a phase */
        trace[used] = letter;
    return MN_OK;
}

static mn_status base_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)note('b');
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

static int base_steps, early_steps;

static mn_status base_after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)learner;
    (void)now;
    (void)out;
    base_steps++;
    return MN_OK;
}

static mn_status early_after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)learner;
    (void)now;
    (void)out;
    early_steps++;
    return MN_OK;
}

static mn_status early_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)note('e');
    (void)tape;
    mn_term(learner, "early", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

static mn_status late_visit(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)learner;
    (void)tape;
    (void)now;
    return note('l');
}

static const mn_update early_updates[] = {{.name = "early", .loss = early_loss}, {.name = NULL}};
static const mn_phase early_before[] = {{.name = "early", .updates = early_updates},
                                        {.name = NULL}};
static const mn_phase early_phases[] = {{.name = "late", .visit = late_visit}, {.name = NULL}};

static const mn_strategy base = {
    MN_STRATEGY_HEADER,
    .name = "base",
    .summary = "Counts its steps.",
    .loss = base_loss,
    .after_step = base_after_step,
};

static const mn_strategy early = {
    MN_STRATEGY_HEADER,
    .name = "early",
    .summary = "Is there before and after.",
    .phases_before = early_before,
    .phases = early_phases,
    .after_step = early_after_step,
};

/* --- several updates in a step, and si's path over all of them --- */

static const mn_update two_updates[] = {
    {.name = "once", .loss = base_loss}, {.name = "again", .loss = base_loss}, {.name = NULL}};
static const mn_phase two_phases[] = {{.name = "train", .updates = two_updates}, {.name = NULL}};

static const mn_strategy twice = {
    MN_STRATEGY_HEADER,   .name = "twice",   .summary = "Takes two optimiser steps in each.",
    .phases = two_phases, .loss = base_loss,
};

typedef struct witness_state {
    mn_tensor *path, *square;
} witness_state;

static mn_status witness_open(mn_learner *learner)
{
    witness_state *s = mn_state(learner);
    const mn_shape slab = mn_tensor_shape(mn_network_values(mn_learner_network(learner)));
    MN_TRY(mn_keep_tensor(learner, "path", slab, &s->path));
    return mn_add_scratch(learner, slab, &s->square);
}

/* Plain gradient descent moves by -lr g, so what a step adds to the path is lr g^2. */
static mn_status witness_gradients(mn_learner *learner)
{
    const witness_state *s = mn_state(learner);
    const mn_tensor *g = mn_network_gradients(mn_learner_network(learner));
    MN_TRY(mn_tensor_copy(s->square, g));
    MN_TRY(mn_tensor_mul(s->square, g));
    return mn_tensor_axpby(s->path, (float)mn_learning_rate(learner), s->square, 1);
}

static const mn_strategy witness = {
    MN_STRATEGY_HEADER,           .name = "witness",
    .summary = "Adds up lr g^2.", .state_size = sizeof(witness_state),
    .open = witness_open,         .gradients = witness_gradients,
};

/* |x| and |scale y - x| of two tensors of a run file. */
static void read_two(const char *path, const char *one, const char *other, float scale,
                     double *norm, double *difference)
{
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(path, MN_READ, &file));
    mn_network *network;
    const mn_network_spec spec = {"mlp", "{\"widths\": \"50,50\"}", MN_SHAPE(1, 14, 14), 6};
    ck_assert_ok(mn_network_new(&spec, mn_key_of(0, "shape"), &network));
    mn_tensor *x = mn_network_values(network), *y = mn_network_gradients(network);
    ck_assert_ok(mn_runfile_get_tensor(file, one, x));
    ck_assert_ok(mn_runfile_get_tensor(file, other, y));
    *norm = mn_tensor_norm(x);
    ck_assert_ok(mn_tensor_axpby(y, -1, x, scale));
    *difference = mn_tensor_norm(y);
    mn_network_free(network);
    ck_assert_ok(mn_runfile_close(file));
}

static void run_on_figures(const char *strategies, const test_setting *settings)
{
    static const mn_strategy *const all[] = {&asker, &squares, &base, &early, &twice, &witness};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ck_assert_ok(mn_register(MN_KIND_STRATEGY, all[i]));
    char path[600];
    const char *folder = test_folder("services");
    snprintf(path, sizeof path, "%s/run.mneme", folder);
    test_run("split-synthetic", strategies, settings, path);
    test_remove(path);
    (void)rmdir(folder);
}

START_TEST(rows_are_drawn_from_the_task_and_seen_plain)
{
    static const test_setting settings[] = {{"buffer_size", "200"},
                                            {"augment.pad", "2"},
                                            {"labels.fraction", "0.2"},
                                            {"batch", "10"},
                                            {NULL, NULL}};
    run_on_figures("asker", settings);
    ck_assert_int_eq(asked, 3);
}
END_TEST

START_TEST(squares_are_the_same_with_and_without_a_batched_form)
{
    static const test_setting settings[] = {{"dataset.train_per_class", "20"}, {NULL, NULL}};
    run_on_figures("squares", settings);
    ck_assert_int_eq(asked, 3 * 4); /* 40 images a task in batches of 10 */
    static const test_setting normed[] = {
        {"dataset.train_per_class", "20"}, {"network.batch_norm", "true"}, {NULL, NULL}};
    run_on_figures("squares", normed);
}
END_TEST

START_TEST(an_add_on_may_come_first_and_its_steps_are_not_the_bases)
{
    static const test_setting settings[] = {{"dataset.train_per_class", "20"}, {NULL, NULL}};
    run_on_figures("base+early", settings);
    ck_assert_str_eq(trace, "ebleblebl");
    ck_assert_int_eq(base_steps, 3 * 4);
    ck_assert_int_eq(early_steps, 3 * 8);
}
END_TEST

START_TEST(si_follows_every_update_of_a_step)
{
    /* xi far above the squared moves: the importance is the path, over 1e6. */
    static const test_setting settings[] = {{"dataset.train_per_class", "20"},
                                            {"si.c", "0"},
                                            {"si.clip", "0"},
                                            {"si.xi", "1000000"},
                                            {NULL, NULL}};
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &twice));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &witness));
    char path[600];
    snprintf(path, sizeof path, "%s/si.mneme", test_folder("services-si"));
    test_run("split-synthetic", "twice+witness+si", settings, path);
    double norm, difference;
    read_two(path, "witness/path", "si/importance", 1e6F, &norm, &difference);
    ck_assert_double_gt(norm, 1e-3);
    ck_assert_double_le(difference, 1e-4 * norm);
    test_remove(path);
    (void)rmdir(test_folder("services-si"));
}
END_TEST

/* --- an add-on draws in every update of a step of another's --- */

typedef struct drawn {
    float noise;
    double key;
    int64_t slot[16];
} drawn;

enum { UPDATES = 20 };       /* of gss, most of which add no term */
static drawn draws[UPDATES]; /* of a step */
static int drawing_updates;

static mn_status drawer_term(mn_learner *learner, mn_tape *tape, const mn_out *const *published,
                             int n)
{
    drawn *d = &draws[drawing_updates++];
    const mn_batch *rows = mn_draw(learner, "mine", 16);
    (void)published, (void)n;
    ck_assert_int_le(drawing_updates, UPDATES);
    d->noise = mn_host(mn_noise(learner, tape, "mine", MN_SHAPE(1)))[0];
    d->key = mn_random_uniform(mn_strategy_key(learner, "mine"), 0);
    for (int i = 0; i < 16; i++)
        d->slot[i] = i < rows->count ? rows->slots[i] : -1;
    return MN_OK;
}

static mn_status drawer_after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)now, (void)out;
    for (int i = 0; i < drawing_updates; i++)
        for (int j = 0; j < i; j++) {
            ck_assert(draws[i].noise != draws[j].noise);
            ck_assert(draws[i].key != draws[j].key);
            ck_assert(draws[i].slot[15] < 0 ||
                      memcmp(draws[i].slot, draws[j].slot, sizeof draws[i].slot) != 0);
        }
    /* The first update's numbers are those of a step that has one. */
    ck_assert(draws[0].key == mn_random_uniform(mn_strategy_key(learner, "mine"), 0));
    ck_assert_int_eq(drawing_updates, UPDATES);
    asked += drawing_updates;
    drawing_updates = 0;
    return MN_OK;
}

static const mn_strategy drawer = {
    MN_STRATEGY_HEADER,
    .name = "drawer",
    .summary = "Draws in each update.",
    .term = drawer_term,
    .after_step = drawer_after_step,
};

START_TEST(an_add_on_draws_anew_in_each_update_of_a_step)
{
    static const test_setting settings[] = {{"dataset.train_per_class", "20"},
                                            {"buffer_size", "100"},
                                            {"gss.iterations", "3"},
                                            {NULL, NULL}};
    char path[600];
    snprintf(path, sizeof path, "%s/drawer.mneme", test_folder("services-drawer"));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &drawer));
    asked = 0;
    test_run("split-synthetic", "gss+drawer", settings, path);
    ck_assert_int_eq(asked, 3 * 4 * UPDATES);
    test_remove(path);
    (void)rmdir(test_folder("services-drawer"));
}
END_TEST

/* --- a batch comes onto the tape once a step --- */

static void check_input(mn_learner *learner, const mn_batch *batch)
{
    const float *values;
    ck_assert_ok(mn_values(mn_learner_input(learner, batch), &values));
    const int64_t count = batch->count * mn_shape_count(batch->image);
    ck_assert_mem_eq(values, batch->x, (size_t)count * sizeof *values);
}

static mn_var *sum_of_logits(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    check_input(learner, batch);
    mn_var *logits = mn_forward(learner, batch, MN_EVAL)->logits;
    return mn_sum(mn_transpose(mn_transpose(logits))); /* row by row: the tape is reset */
}

static mn_status bring(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    mn_batch question = *batch, part = *batch;
    question.labels = NULL;
    part.count--;
    mn_var *x = mn_learner_input(learner, batch);
    ck_assert_ptr_eq(mn_learner_input(learner, &question), x);
    ck_assert_ptr_ne(mn_learner_input(learner, &part), x);
    ck_assert_ptr_ne(mn_learner_input(learner, mn_plain(learner, batch)), x);
    check_input(learner, &part);
    check_input(learner, batch);
    const size_t bytes = mn_tape_bytes(tape);
    for (int i = 0; i < 1000; i++)
        (void)mn_learner_input(learner, batch);
    ck_assert_uint_eq(mn_tape_bytes(tape), bytes);
    mn_tensor *sum;
    MN_TRY(mn_tensor_new(MN_F32, mn_tensor_shape(mn_network_values(mn_learner_network(learner))),
                         &sum));
    ck_assert_ok(mn_add_squared_gradients(learner, batch, sum_of_logits, sum));
    mn_tensor_free(sum);
    check_input(learner, batch);
    asked++;
    return MN_OK;
}

static const mn_phase bringing_phases[] = {
    {.name = "bring", .source = MN_FROM_STREAM, .visit = bring}, {.name = NULL}};
static const mn_strategy bringing = {MN_STRATEGY_HEADER, .name = "bringing",
                                     .phases = bringing_phases};

START_TEST(a_batch_comes_onto_the_tape_once_a_step)
{
    static const test_setting settings[] = {{"dataset.train_per_class", "20"}, {NULL, NULL}};
    char path[600];
    snprintf(path, sizeof path, "%s/bringing.mneme", test_folder("services-bringing"));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &bringing));
    asked = 0;
    test_run("split-synthetic", "bringing", settings, path);
    ck_assert_int_eq(asked, 3 * 4);
    test_remove(path);
    (void)rmdir(test_folder("services-bringing"));
}
END_TEST

/* --- images that a network makes --- */

/* As the test's normalisation has it: (unit - 0.25) / 0.5. */
static mn_status check_generated(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    mn_var *unit = mn_pixels(learner, tape, batch);
    const int64_t pixels = mn_shape_count(batch->image);
    const mn_range range = {1, 3};
    const mn_batch *same = mn_plain_images(learner, unit, mn_learner_network(learner), range);
    const float *value = mn_host(unit);
    ck_assert_ptr_nonnull(value);
    ck_assert_int_eq(same->count, batch->count);
    ck_assert_int_eq(same->stream_rows, 0);
    ck_assert(same_pixels(same, batch));
    for (int64_t i = 0; i < batch->count * pixels; i++) {
        ck_assert_double_eq_tol((double)value[i], batch->pixels[i] / 255.0, 1e-6);
        ck_assert_double_eq_tol((double)same->x[i], ((double)value[i] - 0.25) / 0.5, 1e-6);
    }
    const mn_out *out = mn_forward(learner, mn_plain(learner, batch), MN_EVAL | MN_NO_GRADIENT);
    const float *logits = mn_host(out->logits);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    for (int64_t row = 0; row < same->count; row++) {
        const int32_t label = same->labels[row];
        ck_assert_int_ge(label, 1);
        ck_assert_int_le(label, 3);
        for (int k = 1; k <= 3; k++)
            ck_assert(logits[row * classes + k] <= logits[row * classes + label]);
        ck_assert_int_eq(same->tasks[row], label / 2);
        ck_assert_int_eq(same->slots[row], -1);
        ck_assert_int_eq(same->indices[row], -1);
    }
    ck_assert_int_eq(mn_plain_images(learner, unit, NULL, range)->labels[0], -1);
    asked++;
    return MN_OK;
}

static mn_status refused_shape(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    mn_range all = mn_classes(learner, MN_ALL);
    (void)mn_plain_images(learner, mn_zeros(tape, MN_SHAPE(batch->count, 7)), NULL, all);
    return MN_OK;
}

static const mn_phase drawing_phases[] = {
    {.name = "draw", .source = MN_FROM_STREAM, .visit = check_generated, .as_trained = true},
    {.name = NULL},
};
static const mn_strategy drawing = {MN_STRATEGY_HEADER, .name = "drawing",
                                    .phases = drawing_phases};
static const mn_phase misdrawing_phases[] = {
    {.name = "draw", .source = MN_FROM_STREAM, .visit = refused_shape},
    {.name = NULL},
};
static const mn_strategy misdrawing = {MN_STRATEGY_HEADER, .name = "misdrawing",
                                       .phases = misdrawing_phases};

START_TEST(images_that_a_network_made_are_rows_like_others)
{
    static const test_setting settings[] = {{"normalise.mean", "0.25"},
                                            {"normalise.deviation", "0.5"},
                                            {"augment.flip", "true"},
                                            {NULL, NULL}};
    char path[600];
    snprintf(path, sizeof path, "%s/drawing.mneme", test_folder("services-drawing"));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &drawing));
    asked = 0;
    test_run("split-synthetic", "finetune+drawing", settings, path);
    ck_assert_int_gt(asked, 0);
    test_remove(path);
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &misdrawing));
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", "finetune+misdrawing", &experiment));
    ck_assert_fails(mn_experiment_run(experiment, path, NULL), MN_BAD_SHAPE, "expected (B,");
    mn_experiment_free(experiment);
    test_remove(path);
    (void)rmdir(test_folder("services-drawing"));
}
END_TEST

/* --- a look at the whole buffer before scores --- */

static int64_t visited; /* rows, by one look */

static mn_status count_rows(mn_learner *learner, mn_tape *tape, const mn_batch *rows)
{
    (void)learner, (void)tape;
    visited += rows->count;
    return MN_OK;
}

static mn_status looking_before_scores(mn_learner *learner)
{
    visited = 0;
    MN_TRY(mn_visit_buffer(learner, count_rows));
    ck_assert_int_eq(visited, mn_buffer_used(mn_learner_buffer(learner)));
    asked++;
    return MN_OK;
}

static mn_status looking_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return mn_remember(learner, now, MN_WITHOUT);
}

static const mn_strategy looking = {MN_STRATEGY_HEADER, .name = "looking", .needs = MN_NEEDS_BUFFER,
                                    .loss = looking_loss, .before_scores = looking_before_scores};

/* Of three tasks: of the untrained network, after each task, and of the next task after two. */
START_TEST(what_is_before_scores_is_done_once_an_evaluation)
{
    static const test_setting settings[] = {
        {"buffer_size", "30"}, {"eval_batch", "7"}, {NULL, NULL}};
    char path[600];
    snprintf(path, sizeof path, "%s/looking.mneme", test_folder("services-looking"));
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &looking));
    asked = 0;
    test_run("split-synthetic", "looking", settings, path);
    ck_assert_int_eq(asked, 1 + 3 + 2);
    ck_assert_int_eq(visited, 30);
    test_remove(path);
    (void)rmdir(test_folder("services-looking"));
}
END_TEST

MN_SUITE("services", what_is_before_scores_is_done_once_an_evaluation,
         images_that_a_network_made_are_rows_like_others, si_follows_every_update_of_a_step,
         an_add_on_draws_anew_in_each_update_of_a_step, a_batch_comes_onto_the_tape_once_a_step,
         rows_are_drawn_from_the_task_and_seen_plain,
         squares_are_the_same_with_and_without_a_batched_form,
         an_add_on_may_come_first_and_its_steps_are_not_the_bases)
