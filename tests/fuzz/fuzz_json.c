/* Whatever bytes a benchmark's JSON holds, it fills options or is refused with one line; what
 * options it filled, it fills again from what they are written as. */
#include "base/options.h"
#include "tests/fuzz/fuzz.h"

#include <mneme/memory.h>

typedef struct settings {
    double alpha;
    int64_t replay, kind;
    bool nesterov;
} settings;

static const char *const kinds[] = {"step", "cosine", NULL};
static const mn_option table[] = {
    /* no texts: those live as long as the process */
    MN_REAL(settings, alpha, 0.5, 0, 10, "weight"),
    MN_INT(settings, replay, 10, 1, 1024, "rows"),
    MN_CHOICE(settings, kind, 1, kinds, "schedule"),
    MN_BOOL(settings, nesterov, false, "look ahead"),
    MN_END,
};

static void fill(const cJSON *json)
{
    settings s, back;
    mn_options_default(table, &s);
    mn_options_default(table, &back);
    const mn_status status = mn_options_from_json(table, &s, "er", json);
    demand_message(status);
    demand(s.replay >= 1 && s.replay <= 1024 && s.alpha >= 0 && s.alpha <= 10 && s.kind >= 0 &&
               s.kind <= 1,
           "an option out of its range");
    cJSON *written = mn_options_to_json(table, &s);
    demand(written != NULL && mn_options_from_json(table, &back, "er", written) == MN_OK,
           "options are not read back");
    cJSON_Delete(written);
    demand(back.replay == s.replay && back.alpha == s.alpha && back.kind == s.kind &&
               back.nesterov == s.nesterov,
           "options are read back as others");
}

/* Every value as the text that a person would type. */
static void write_all(const cJSON *json)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, json)
    {
        char *text = NULL;
        const mn_status status =
            mn_option_text(member, "er", member->string != NULL ? member->string : "item", &text);
        demand((status == MN_OK) == (text != NULL), "a text without success, or the reverse");
        demand_message(status);
        mn_memory_give(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    cJSON *json = NULL;
    char *text = malloc(count + 1);
    demand(text != NULL, "out of memory");
    memcpy(text, bytes, count);
    text[count] = '\0';
    const mn_status status = mn_json_parse(text, "file", &json);
    demand((status == MN_OK) == (json != NULL), "JSON without success, or the reverse");
    demand_message(status);
    if (status == MN_OK) {
        fill(json);
        write_all(json);
    }
    cJSON_Delete(json);
    free(text);
    return 0;
}
