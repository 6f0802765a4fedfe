/* bench_gan.c -- the milliseconds of a step that trains a generator, as JSON:
 *
 *   bench_gan gan-fmnist|gan-cifar100|dgr THREADS STEPS [profile]
 *
 * gan-fmnist and gan-cifar100 are a step of Genifer's generator in the first task, at the sizes of
 * those benchmarks: images, noise included, are made; the discriminator sees the frozen
 * classifier's maps of them and of real ones and makes an Adam step, then the generator, through
 * both, and its running average.  The penalty of every 16th step is left out.  dgr is a step of a
 * later task: the old generator draws, the old solver labels, solver and autoencoder each make an
 * Adam step.  The first steps plan and allocate; they do not count.  gan_torch.py prints the same
 * for PyTorch. */
#include "autograd/profile.h"
#include "bench.h"
#include "strategies/genifer/networks.h"
#include <mneme/losses.h>
#include <mneme/optimiser.h>
#include <omp.h>
#include <string.h>

enum { WARM_UP = 3, MOST_STEPS = 100000, MOST_BATCH = 128 };

typedef struct sizes {
    const char *name, *classifier, *stage;
    mn_shape image;
    int64_t classes, batch;
    mn_generator_options generator;
    mn_discriminator_options discriminator;
} sizes;

static const sizes all_sizes[] = {
    {"gan-fmnist",
     "plain-convnet",
     "layer2",
     {.rank = 3, .size = {1, 28, 28}},
     8,
     32,
     {64, 32, 64, 64, 2},
     {64, 64, 1, 1, 64, 64}},
    {"gan-cifar100",
     "resnet18",
     "layer3",
     {.rank = 3, .size = {3, 32, 32}},
     100,
     64,
     {512, 256, 512, 512, 3},
     {256, 512, 2, 2, 512, 128}},
    {"dgr", "mlp", NULL, {.rank = 3, .size = {1, 28, 28}}, 10, 128, {0}, {0}},
};

/* Networks: of a GAN classifier, discriminator, generator, average; of DGR solver, old solver,
 * generator, old generator. */
enum { CLASSIFIER, DISCRIMINATOR, GENERATOR, AVERAGE, NETWORKS };
enum { SOLVER = CLASSIFIER, OLD_SOLVER = DISCRIMINATOR, OLD_GENERATOR = AVERAGE };

typedef struct work {
    const sizes *of;
    mn_network *network[NETWORKS];
    mn_optimiser *optimiser[NETWORKS]; /* NULL: it stays as it is */
    mn_tape *tape;
    mn_profile profile;
    float *images; /* (batch, image) */
    int32_t labels[MOST_BATCH];
    uint64_t drawn; /* random numbers so far */
} work;

/* Fresh random numbers, looked up as a run looks them up. */
static mn_var *noise(work *w, mn_shape shape)
{
    const int64_t count = mn_shape_count(shape);
    float *numbers = malloc((size_t)count * sizeof *numbers);
    if (numbers == NULL)
        exit(EXIT_FAILURE);
    const mn_key key = mn_key_at(mn_key_of(1, "noise"), w->drawn++);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)mn_random_normal(key, (uint64_t)i);
    mn_var *made = mn_input(w->tape, shape, numbers, false);
    free(numbers);
    return made;
}

static mn_status descend(work *w, int network, mn_var *loss)
{
    MN_TRY(mn_network_zero_gradients(w->network[network]));
    MN_TRY(mn_backward(loss));
    const double since = mn_bench_now();
    MN_TRY(mn_optimiser_step(w->optimiser[network], 1e-4));
    mn_profile_add(&w->profile, "optimiser", mn_bench_now() - since);
    return MN_OK;
}

/* --- a GAN --- */

static mn_var *maps_of(work *w, mn_var *images)
{
    const mn_forwarded seen =
        mn_network_forward(w->network[CLASSIFIER], images, MN_EVAL | MN_NO_GRADIENT);
    return mn_network_map(&seen, w->of->stage);
}

static mn_var *scores_of(work *w, mn_var *maps, mn_var *classes, mn_mode mode)
{
    return mn_discriminator_scores(w->network[DISCRIMINATOR], &w->of->discriminator, maps, classes,
                                   mode);
}

static mn_var *images_of(work *w)
{
    const mn_shape image = w->of->image;
    return mn_input(w->tape, MN_SHAPE(w->of->batch, image.size[0], image.size[1], image.size[2]),
                    w->images, false);
}

static mn_status gan(work *w)
{
    const sizes *of = w->of;
    mn_tape_reset(w->tape);
    mn_var *classes = mn_one_hot(w->tape, w->labels, of->batch, of->classes);
    mn_var *latent = noise(w, MN_SHAPE(of->batch, of->generator.latent));
    mn_var *maps = noise(w, MN_SHAPE(of->batch, mn_generator_noise(&of->generator, of->image)));
    mn_var *fakes =
        mn_generator_images(w->network[GENERATOR], &of->generator, latent, classes, maps, MN_TRAIN);
    mn_var *real_maps = mn_detach(maps_of(w, images_of(w))), *fake_maps = maps_of(w, fakes);
    mn_var *real = scores_of(w, real_maps, classes, MN_TRAIN);
    mn_var *made = scores_of(w, mn_detach(fake_maps), classes, MN_TRAIN);
    MN_TRY(descend(w, DISCRIMINATOR,
                   mn_add(mn_mean(mn_softplus(mn_scale(real, -1))), mn_mean(mn_softplus(made)))));
    made = scores_of(w, fake_maps, classes, MN_TRAIN | MN_NO_GRADIENT);
    MN_TRY(descend(w, GENERATOR, mn_mean(mn_softplus(mn_scale(made, -1)))));
    return mn_network_average(w->network[AVERAGE], w->network[GENERATOR], 0.999);
}

/* --- DGR --- */

static mn_var *autoencoder_loss(work *w, mn_var *x)
{
    enum { LATENT = 100 };
    const double pixels = (double)mn_shape_of(x).size[1];
    mn_var *both[] = {x, noise(w, MN_SHAPE(mn_rows_of(x), LATENT))};
    const mn_forwarded out =
        mn_network_forward(w->network[GENERATOR], mn_concat_columns(both, 2), MN_TRAIN);
    mn_var *mean = mn_columns(out.features, 0, LATENT);
    mn_var *log_variance = mn_columns(out.features, LATENT, LATENT);
    mn_var *each = mn_sub(mn_add(mn_square(mean), mn_exp(log_variance)), mn_shift(log_variance, 1));
    return mn_add(mn_binary_cross_entropy(out.logits, x),
                  mn_scale(mn_mean(mn_row_sum(each)), 0.5 / pixels));
}

static mn_status dgr(work *w)
{
    const int64_t batch = w->of->batch, pixels = mn_shape_count(w->of->image);
    int32_t drawn_labels[MOST_BATCH];
    mn_tape_reset(w->tape);
    mn_var *x = mn_input(w->tape, MN_SHAPE(batch, pixels), w->images, false);
    mn_var *drawn =
        mn_sigmoid(mn_network_forward(w->network[OLD_GENERATOR], noise(w, MN_SHAPE(batch, 100)),
                                      MN_EVAL | MN_NO_GRADIENT)
                       .logits);
    const float *old =
        mn_host(mn_network_forward(w->network[OLD_SOLVER], drawn, MN_EVAL | MN_NO_GRADIENT).logits);
    for (int64_t i = 0; i < batch && old != NULL; i++) {
        drawn_labels[i] = 0;
        for (int32_t k = 1; k < w->of->classes; k++)
            if (old[i * w->of->classes + k] > old[i * w->of->classes + drawn_labels[i]])
                drawn_labels[i] = k;
    }
    mn_network *solver = w->network[SOLVER];
    mn_var *stream = mn_cross_entropy(mn_network_forward(solver, x, MN_TRAIN).logits, w->labels);
    mn_var *replay =
        mn_cross_entropy(mn_network_forward(solver, drawn, MN_TRAIN).logits, drawn_labels);
    MN_TRY(descend(w, SOLVER, mn_axpby(0.5, stream, 0.5, replay)));
    return descend(w, GENERATOR,
                   mn_axpby(0.5, autoencoder_loss(w, x), 0.5, autoencoder_loss(w, drawn)));
}

/* --- preparing --- */

static mn_status prepare_gan(work *w)
{
    const sizes *of = w->of;
    const mn_key key = mn_key_of(1, "weights");
    const mn_network_spec classifier = {of->classifier, NULL, of->image, of->classes};
    const mn_network_spec makes = {.input = of->image, .classes = of->classes};
    MN_TRY(mn_network_new(&classifier, key, &w->network[CLASSIFIER]));
    const mn_shape maps = mn_shape_of(maps_of(w, images_of(w)));
    const mn_network_spec looks = {.input = MN_SHAPE(maps.size[1], maps.size[2], maps.size[3]),
                                   .classes = of->classes};
    MN_TRY(mn_network_new_of(mn_discriminator_type(), &of->discriminator, &looks, key,
                             &w->network[DISCRIMINATOR]));
    for (int i = GENERATOR; i <= AVERAGE; i++)
        MN_TRY(mn_network_new_of(mn_generator_type(), &of->generator, &makes, key, &w->network[i]));
    for (int i = DISCRIMINATOR; i <= GENERATOR; i++)
        MN_TRY(mn_optimiser_new("adam", "{\"beta1\": 0, \"beta2\": 0.99}", w->network[i],
                                &w->optimiser[i]));
    return MN_OK;
}

static mn_status prepare_dgr(work *w)
{
    const sizes *of = w->of;
    const mn_network_spec solver = {of->classifier, "{\"widths\": \"400,400\"}", of->image,
                                    of->classes};
    const mn_network_spec vae = {"vae", NULL, of->image, mn_shape_count(of->image)};
    for (int i = 0; i < NETWORKS; i++)
        MN_TRY(mn_network_new(i == SOLVER || i == OLD_SOLVER ? &solver : &vae,
                              mn_key_of((uint64_t)i, "weights"), &w->network[i]));
    MN_TRY(mn_optimiser_new("adam", NULL, w->network[SOLVER], &w->optimiser[SOLVER]));
    return mn_optimiser_new("adam", NULL, w->network[GENERATOR], &w->optimiser[GENERATOR]);
}

static mn_status prepare(work *w)
{
    const int64_t floats = w->of->batch * mn_shape_count(w->of->image);
    w->images = malloc((size_t)floats * sizeof *w->images);
    if (w->images == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for images");
    for (int64_t i = 0; i < floats; i++)
        w->images[i] = (float)mn_random_uniform(mn_key_of(1, "pixels"), (uint64_t)i);
    for (int64_t i = 0; i < w->of->batch; i++)
        w->labels[i] = (int32_t)(i % w->of->classes);
    MN_TRY(mn_tape_new(&w->tape));
    return w->of->stage != NULL ? prepare_gan(w) : prepare_dgr(w);
}

static void release(work *w)
{
    mn_profile_free(&w->profile);
    mn_tape_free(w->tape);
    for (int i = 0; i < NETWORKS; i++) {
        mn_optimiser_free(w->optimiser[i]);
        mn_network_free(w->network[i]);
    }
    free(w->images);
}

static void measure(work *w, int64_t steps, bool profiled)
{
    static double seconds[MOST_STEPS];
    if (profiled)
        mn_tape_profile(w->tape, &w->profile);
    for (int64_t i = -WARM_UP; i < steps; i++) {
        if (i == 0)
            mn_profile_clear(&w->profile);
        const double before = mn_bench_now();
        mn_bench_demand(w->of->stage != NULL ? gan(w) : dgr(w));
        if (i >= 0)
            seconds[i] = mn_bench_now() - before;
    }
    mn_tape_profile(w->tape, NULL);
    for (int i = 0; profiled && i < w->profile.count; i++) {
        const mn_profile_row *row = &w->profile.rows[i];
        printf("%-22s %-30s %7.3f %7.3f ms\n", row->op,
               row->parameter != NULL ? row->parameter : "",
               1e3 * row->forward_seconds / (double)steps,
               1e3 * row->backward_seconds / (double)steps);
    }
    mn_bench_print_steps(seconds, steps);
}

int main(int argc, char **argv)
{
    work w = {0};
    for (size_t i = 0; argc > 1 && i < sizeof all_sizes / sizeof all_sizes[0]; i++)
        if (strcmp(argv[1], all_sizes[i].name) == 0)
            w.of = &all_sizes[i];
    const int64_t steps = argc > 3 ? atoi(argv[3]) : 0;
    const bool profiled = argc == 5 && strcmp(argv[4], "profile") == 0;
    if (w.of == NULL || (argc != 4 && !profiled) || steps < 1 || steps > MOST_STEPS) {
        fprintf(stderr, "usage: bench_gan gan-fmnist|gan-cifar100|dgr THREADS STEPS [profile]\n");
        return 2;
    }
    omp_set_num_threads(atoi(argv[2]));
    mn_bench_demand(prepare(&w));
    measure(&w, steps, profiled);
    release(&w);
    return 0;
}
