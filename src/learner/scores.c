/* scores.c -- the score a buffer policy asks for: an image's loss, or the similarity of its
 * gradient to the gradients of images in the buffer.
 *
 * Losses are read off the forwards that the step has made anyway.  Gradients are those of one more,
 * of the images as evaluation sees them and the weights as they are now; no gradient of an image is
 * written down where the network's ops keep rows apart. */
#include "learner/scores.h"
#include "buffer/draw.h"
#include "buffer/storage.h"
#include "learner/input.h"
#include "learner/learner.h"

#include <math.h>
#include <mneme/losses.h>
#include <mneme/memory.h>
#include <string.h>

typedef struct comparison {
    const mn_batch *both; /* the rows on offer, then some of the buffer's */
    int64_t offered;
    float *largest; /* (offered) */
} comparison;

/* --- losses --- */

/* (B) on the host. */
static mn_status losses(mn_learner *learner, mn_var *logits, const mn_batch *batch,
                        const float **each)
{
    const int64_t classes = mn_shape_of(logits).size[1];
    mn_var *own = mn_one_hot(learner->tape, batch->labels, batch->count, classes);
    mn_var *rows = mn_scale(mn_row_sum(mn_mul(own, mn_log_softmax(logits))), -1);
    const mn_status status = mn_values(rows, each);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "scores for the buffer");
}

static bool begins_with(const mn_batch *batch, const mn_batch *rows)
{
    return batch->count >= rows->stream_rows && batch->stream_rows == rows->stream_rows &&
           memcmp(batch->indices, rows->indices,
                  (size_t)rows->stream_rows * sizeof *rows->indices) == 0;
}

static mn_status losses_of_stream(mn_learner *learner, const mn_batch *rows, float *scores)
{
    mn_network *network = mn_learner_network(learner);
    const mn_batch *batch = rows;
    mn_var *logits = NULL;
    for (int i = 0; i < learner->published_count && logits == NULL; i++) {
        const mn_out *out = &learner->published[i];
        if (out->network == network && begins_with(out->batch, rows)) {
            logits = out->logits;
            batch = out->batch;
        }
    }
    if (logits == NULL)
        logits =
            mn_network_forward(network, mn_learner_input(learner, rows), MN_EVAL | MN_NO_GRADIENT)
                .logits;
    const float *each;
    MN_TRY(losses(learner, logits, batch, &each));
    memcpy(scores, each, (size_t)rows->stream_rows * sizeof *scores);
    return MN_OK;
}

static mn_status refresh_rows(mn_learner *learner, const mn_out *out)
{
    const mn_batch *batch = out->batch;
    const int64_t first = batch->stream_rows, count = batch->count - first;
    if (count < 1 || batch->slots[first] < 0)
        return MN_OK;
    const float *each;
    MN_TRY(losses(learner, out->logits, batch, &each));
    return mn_buffer_update_column(learner->buffer, batch->slots + first, count, MN_SCORE_COLUMN,
                                   each + first);
}

mn_status mn_learner_refresh_scores(mn_learner *learner)
{
    if (learner->buffer == NULL ||
        (mn_buffer_policy_of(learner->buffer)->wants & MN_WANTS_LOSSES) == 0)
        return MN_OK;
    for (int i = 0; i < learner->published_count; i++) {
        const mn_out *out = &learner->published[i];
        const bool trains = (out->mode & (MN_EVAL | MN_NO_GRADIENT)) == 0;
        if (trains && out->network == mn_learner_network(learner))
            MN_TRY(refresh_rows(learner, out));
    }
    return MN_OK;
}

/* --- similarity of gradients --- */

static double cosine(double product, double square, double other_square)
{
    const double scale = sqrt(square) * sqrt(other_square);
    return scale > 0 ? product / scale : 0;
}

static mn_var *loss_of(mn_learner *learner, const mn_batch *batch)
{
    mn_var *x = mn_learner_input(learner, batch);
    const mn_forwarded out = mn_network_forward(mn_learner_network(learner), x, MN_EVAL);
    return mn_cross_entropy(out.logits, batch->labels);
}

static mn_status from_products(const comparison *c, const mn_tensor *products)
{
    const int64_t n = c->both->count;
    float *product = mn_memory_take(mn_tensor_bytes(products), 1);
    if (product == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the products of %lld gradients",
                       (long long)n);
    const mn_status status = mn_tensor_read(products, product, mn_tensor_bytes(products));
    for (int64_t i = 0; i < c->offered && status == MN_OK; i++) {
        double largest = -1;
        for (int64_t j = c->offered; j < n; j++)
            largest = fmax(largest, cosine((double)product[i * n + j], (double)product[i * n + i],
                                           (double)product[j * n + j]));
        c->largest[i] = (float)largest;
    }
    mn_memory_give(product);
    return status;
}

static mn_status gradient_of_row(mn_learner *learner, const comparison *c, int64_t i,
                                 mn_tensor *slab)
{
    const mn_batch row = mn_batch_row(c->both, i);
    MN_TRY(mn_tensor_fill(slab, 0));
    return mn_backward_into(loss_of(learner, &row),
                            mn_network_gradients(mn_learner_network(learner)), slab);
}

/* Where rows meet in the network: a gradient for each row of the buffer, and one that is each row
 * on offer in turn. */
static mn_status row_by_row(mn_learner *learner, const comparison *c, mn_tensor **slab)
{
    const int64_t n = c->both->count;
    for (int64_t j = c->offered; j < n; j++)
        MN_TRY(gradient_of_row(learner, c, j, slab[j - c->offered + 1]));
    for (int64_t i = 0; i < c->offered; i++) {
        MN_TRY(gradient_of_row(learner, c, i, slab[0]));
        double largest = -1;
        for (int64_t j = 1; j <= n - c->offered; j++)
            largest = fmax(largest,
                           cosine(mn_tensor_dot(slab[0], slab[j]), mn_tensor_dot(slab[0], slab[0]),
                                  mn_tensor_dot(slab[j], slab[j])));
        c->largest[i] = (float)largest;
    }
    return MN_OK;
}

static mn_status compare_row_by_row(mn_learner *learner, const comparison *c)
{
    const int64_t slabs = c->both->count - c->offered + 1;
    const mn_shape shape = mn_tensor_shape(mn_network_values(mn_learner_network(learner)));
    mn_tensor **slab = mn_memory_take_zeroed((size_t)slabs, sizeof *slab);
    mn_status status = slab != NULL ? MN_OK : mn_fail(MN_NO_MEMORY, "out of memory");
    for (int64_t i = 0; i < slabs && status == MN_OK; i++)
        status = mn_tensor_new(MN_F32, shape, &slab[i]);
    if (status == MN_OK)
        status = row_by_row(learner, c, slab);
    for (int64_t i = 0; i < slabs && slab != NULL; i++)
        mn_tensor_free(slab[i]);
    mn_memory_give(slab);
    return status;
}

static mn_status compare(mn_learner *learner, const comparison *c)
{
    const int64_t n = c->both->count;
    mn_tensor *products;
    MN_TRY(mn_tensor_new(MN_F32, MN_SHAPE(n, n), &products));
    mn_status status = mn_backward_products(
        loss_of(learner, c->both), mn_network_gradients(mn_learner_network(learner)), products);
    if (status == MN_OK)
        status = from_products(c, products);
    else if (status == MN_UNSUPPORTED && mn_tape_status(learner->tape) == MN_OK)
        status = compare_row_by_row(learner, c);
    mn_tensor_free(products);
    return status;
}

/* Rows of the buffer to compare with, un-augmented. */
static mn_status some_of_buffer(mn_learner *learner, const mn_batch **some)
{
    const mn_policy *policy = mn_buffer_policy_of(learner->buffer);
    const void *options = learner->experiment->section[MN_SECTION_BUFFER].values;
    const int64_t wanted = policy->compared != NULL ? policy->compared(options) : 1;
    const mn_key key = mn_key_of((uint64_t)learner->settings->seed, "buffer.compared");
    int64_t *slots = mn_memory_take((size_t)wanted, sizeof *slots);
    if (slots == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a draw");
    const int64_t count = mn_buffer_draw(
        learner->buffer, mn_key_at(key, (uint64_t)mn_buffer_seen(learner->buffer)), wanted, slots);
    mn_batch_space *space;
    mn_status status = mn_learner_space(learner, &space);
    if (status == MN_OK)
        status = mn_buffer_gather(learner->buffer, slots, count, space);
    mn_memory_give(slots);
    MN_TRY(status);
    *some = mn_plain(learner, &space->batch);
    return MN_OK;
}

static mn_status similarities(mn_learner *learner, const mn_batch *rows, float *scores)
{
    static const float of_the_first = 0.1F;
    const mn_batch *some = NULL;
    MN_TRY(some_of_buffer(learner, &some));
    for (int64_t i = 0; i < rows->stream_rows && some->count == 0; i++)
        scores[i] = of_the_first;
    if (some->count == 0)
        return MN_OK;
    mn_batch offered = *rows;
    offered.count = rows->stream_rows;
    const mn_batch *both = mn_join(learner, mn_plain(learner, &offered), some);
    MN_TRY(mn_learner_check(learner));
    const comparison c = {both, offered.count, scores};
    MN_TRY(compare(learner, &c));
    for (int64_t i = 0; i < offered.count; i++)
        scores[i] += 1;
    return MN_OK;
}

mn_status mn_learner_scores(mn_learner *learner, const mn_batch *rows, float *scores)
{
    if (rows->stream_rows == 0)
        return MN_OK;
    return (mn_buffer_policy_of(learner->buffer)->wants & MN_WANTS_LOSSES) != 0
               ? losses_of_stream(learner, rows, scores)
               : similarities(learner, rows, scores);
}
