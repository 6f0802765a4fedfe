/* Whatever a user types for a number or a list, it is read in one way or refused with one line. */
#include "base/names.h"
#include "base/numbers.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

static void read_number(const char *text)
{
    double real;
    int64_t whole;
    char written[MN_NUMBER_TEXT];
    const bool is_real = mn_number_real(text, &real), is_whole = mn_number_whole(text, &whole);
    demand(!is_real || isfinite(real), "a number that is none");
    demand(!is_whole || (is_real && (double)whole == real), "whole numbers are read as other ones");
    if (!is_real)
        return;
    double back;
    mn_number_text(real, written);
    demand(mn_number_real(written, &back) && back == real, "a number is not read back");
}

/* What stands in a list is read back when it is written as one. */
static void read_list(const char *text)
{
    mn_list list = {.rest = text};
    while (mn_list_next(&list)) {
        char quoted[2 * sizeof list.item + 3];
        demand(mn_list_quote(list.item, quoted) == quoted + strlen(quoted),
               "no end of a quotation");
        mn_list again = {.rest = quoted};
        demand(mn_list_next(&again) && strcmp(again.item, list.item) == 0 &&
                   !mn_list_next(&again) && !again.broken,
               "an item is not read back");
        read_number(list.item);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    int64_t numbers[8], listed;
    char *text = malloc(count + 1);
    demand(text != NULL, "out of memory");
    memcpy(text, bytes, count);
    text[count] = '\0';
    read_number(text);
    read_list(text);
    const mn_status status = mn_list_wholes("list", text, -5, 1000, 8, numbers, &listed);
    demand_message(status);
    for (int64_t i = 0; status == MN_OK && i < listed; i++)
        demand(numbers[i] >= -5 && numbers[i] <= 1000, "a number out of its range");
    mn_name_for_file(text);
    demand(strchr(text, '/') == NULL && strcmp(text, "..") != 0, "a name leaves its folder");
    free(text);
    return 0;
}
