/* channels.c -- lists of a number for each channel. */
#include "experiment/channels.h"
#include "base/numbers.h"

#include <math.h>
#include <string.h>

mn_status mn_channels_measure(const mn_dataset *dataset, const int64_t *places, int64_t count,
                              bool mean, bool deviation, mn_transform *transform)
{
    mn_channel_values channel[4];
    MN_TRY(mn_dataset_channels(dataset, places, count, channel));
    for (int64_t c = 0; c < transform->channels; c++) {
        if (mean)
            transform->mean[c] = (float)channel[c].mean;
        if (deviation && channel[c].deviation > 0)
            transform->deviation[c] = (float)channel[c].deviation;
    }
    return MN_OK;
}

bool mn_is_measured(const char *text)
{
    return strcmp(text, "measured") == 0;
}

mn_status mn_channels_parse(const char *where, const char *text, int64_t channels, float otherwise,
                            float *values)
{
    int64_t count = 0;
    bool fits = true;
    mn_list list = {.rest = text};
    for (int64_t i = 0; i < channels; i++)
        values[i] = otherwise;
    if (mn_is_measured(text))
        return MN_OK;
    for (; fits && mn_list_next(&list); count++) {
        double number = 0;
        fits = count < channels && mn_number_real(list.item, &number) && fabs(number) < 1e30;
        if (fits)
            values[count] = (float)number;
    }
    return fits && !list.broken && (count == 0 || count == channels)
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "%s: '%s' should list %lld numbers, one a channel, or be "
                         "measured",
                         where, text, (long long)channels);
}
