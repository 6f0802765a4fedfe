/* marks.c -- numbers for the images of a class, and marks for those of a task. */
#include "judge/marks.h"
#include "learner/scoring.h"

#include <float.h>
#include <math.h>
#include <mneme/judge.h>
#include <string.h>

static double squared_distance(const float *a, const float *b, int64_t width)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

static double diversity_of(const mn_judge_images *i, int64_t width)
{
    double sum = 0;
    for (int64_t a = 0; a < i->count; a++)
        for (int64_t b = 0; b < a; b++)
            sum += sqrt(squared_distance(i->features + a * width, i->features + b * width, width));
    const double pairs = (double)(i->count * (i->count - 1)) / 2;
    return pairs > 0 ? sum / pairs : (double)NAN;
}

static int64_t agreed_of(const mn_judge_images *i, int32_t label, int64_t seen, int64_t classes)
{
    int64_t agreed = 0;
    for (int64_t row = 0; row < i->count; row++)
        agreed += mn_argmax(i->scores + row * classes, seen) == label;
    return agreed;
}

/* Mean over rows of `of` (count, width) of the distance to the nearest row of `to`. */
static double mean_nearest(int64_t count, const float *of, int64_t to_count, const float *to,
                           int64_t width)
{
    double sum = 0;
    for (int64_t a = 0; a < count; a++) {
        double least = DBL_MAX;
        for (int64_t b = 0; b < to_count; b++)
            least = fmin(least, squared_distance(of + a * width, to + b * width, width));
        sum += sqrt(least);
    }
    return sum / (double)count; /* NaN of none */
}

mn_judged_images mn_judge_measure(const mn_judge_view *view, const mn_judge_images *images,
                                  const mn_judge_images *train)
{
    return (mn_judged_images){
        .count = images->count,
        .agreed = agreed_of(images, view->label, view->seen, view->classes),
        .diversity = diversity_of(images, view->width),
        .nearest = mean_nearest(images->count, images->features, train->count, train->features,
                                view->width),
        .nearest_pixels =
            mean_nearest(images->count, images->unit, train->count, train->unit, view->pixels),
    };
}

void mn_judge_marks(const mn_judged_class *classes, int64_t count,
                    mn_judged_mark marks[MN_JUDGED_MARKS])
{
    double agreed = 0, made = 0, worst = 1, sum[3] = {0}, real[3] = {0};
    for (int64_t i = 0; i < count; i++) {
        const mn_judged_images *m = &classes[i].made, *r = &classes[i].real;
        agreed += (double)m->agreed;
        made += (double)m->count;
        worst = fmin(worst, m->count > 0 ? (double)m->agreed / (double)m->count : 0);
        if (m->count < 2 || r->count < 2)
            continue;
        const double of_made[] = {m->diversity, m->nearest, m->nearest_pixels};
        const double of_real[] = {r->diversity, r->nearest, r->nearest_pixels};
        for (int k = 0; k < 3; k++) {
            sum[k] += of_made[k];
            real[k] += of_real[k];
        }
    }
    const mn_judged_mark all[MN_JUDGED_MARKS] = {
        {"agreement", "share of images that the judge takes for their class", agreed / made, 0.75},
        {"worst class", "the same of the class that it knows least", worst, 0.5},
        {"diversity", "distance between two images of a class, beside real ones'", sum[0] / real[0],
         0.5},
        {"nearest", "distance to the nearest training image, beside real ones'", sum[1] / real[1],
         1},
        {"nearest, pixels", "the same in pixels", sum[2] / real[2], 1},
    };
    memcpy(marks, all, sizeof all);
}
