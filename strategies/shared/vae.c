/* vae.c -- replay from a variational autoencoder, as in van de Ven and Tolias's version of deep
 * generative replay.  Equations: docs/methods/dgr.md. */
#include "strategies/shared/vae.h"

mn_status mn_vae_add(mn_learner *learner, const char *options, const char *where,
                     mn_network **generator, mn_network **old_generator)
{
    const mn_shape image = mn_network_spec_of(mn_learner_network(learner))->input;
    const mn_network_spec vae = {"vae", options, image, mn_shape_count(image)};
    const mn_status status = mn_add_network(learner, "generator", &vae, generator);
    if (status != MN_OK)
        return mn_fail_in(status, "%s", where);
    return mn_add_network(learner, "old_generator", &vae, old_generator);
}

int64_t mn_vae_latent(const mn_network *vae) /* the decoder's first layer has a column for each */
{
    const int layers = (mn_network_parameter_count(vae) - 5) / 4;
    const mn_parameter *first = mn_network_parameter(vae, 2 * layers + 3);
    return mn_tensor_shape(first->value).size[1];
}

mn_var *mn_vae_images(mn_network *vae, mn_var *codes)
{
    return mn_sigmoid(mn_network_forward(vae, codes, MN_EVAL | MN_NO_GRADIENT).logits);
}

mn_var *mn_vae_draw(mn_learner *learner, mn_tape *tape, mn_network *vae, const char *name,
                    int64_t rows)
{
    return mn_vae_images(vae, mn_noise(learner, tape, name, MN_SHAPE(rows, mn_vae_latent(vae))));
}

void mn_vae_terms(mn_learner *learner, mn_tape *tape, mn_network *vae, const char *const name[2],
                  const char *noise, double weight, mn_var *x)
{
    const int64_t pixels = mn_shape_of(x).size[1], latent = mn_vae_latent(vae);
    mn_var *e = mn_noise(learner, tape, noise, MN_SHAPE(mn_rows_of(x), latent));
    const mn_forwarded out =
        mn_network_forward(vae, mn_concat_columns((mn_var *[]){x, e}, 2), MN_TRAIN);
    mn_var *mean = mn_columns(out.features, 0, latent);
    mn_var *log_variance = mn_columns(out.features, latent, latent);
    mn_var *each = mn_sub(mn_add(mn_square(mean), mn_exp(log_variance)), mn_shift(log_variance, 1));
    mn_term(learner, name[0], weight, mn_binary_cross_entropy(out.logits, x));
    mn_term(learner, name[1], weight, mn_scale(mn_mean(mn_row_sum(each)), 0.5 / (double)pixels));
}

void mn_vae_learn(mn_learner *learner, mn_tape *tape, mn_network *vae, const mn_batch *now,
                  mn_var *drawn)
{
    static const char *const of_stream[] = {"reconstruction", "divergence"};
    static const char *const of_replay[] = {"replay reconstruction", "replay divergence"};
    const double share = 1 / (double)(mn_task(learner) + 1);
    mn_vae_terms(learner, tape, vae, of_stream, "stream", share, mn_pixels(learner, tape, now));
    if (drawn != NULL)
        mn_vae_terms(learner, tape, vae, of_replay, "replay", 1 - share, drawn);
}

mn_status mn_vae_keep_samples(mn_learner *learner, mn_network *vae, int64_t count)
{
    mn_tape *tape;
    if (count == 0)
        return MN_OK;
    MN_TRY(mn_tape_new(&tape));
    mn_var *codes = mn_fixed_noise(learner, tape, "samples", MN_SHAPE(count, mn_vae_latent(vae)));
    const mn_batch *kept =
        mn_plain_images(learner, mn_vae_images(vae, codes), mn_learner_network(learner),
                        mn_classes(learner, MN_SEEN));
    const mn_status status = mn_keep_samples(learner, kept);
    mn_tape_free(tape);
    return status;
}
