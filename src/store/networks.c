/* networks.c -- a network of a run file, for other runs that take it. */
#include "store/networks.h"
#include "base/text.h"
#include "store/query.h"
#include "store/runfile.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <zlib.h>

static mn_status ask(mn_runfile *file, const char *sql, const char *owner, const char *name,
                     mn_query **query)
{
    MN_TRY(mn_query_new(file, sql, query));
    mn_query_set_text(*query, 1, owner);
    mn_query_set_text(*query, 2, name);
    return MN_OK;
}

static mn_status not_found(const mn_runfile *file, const char *owner, const char *name)
{
    return mn_fail(MN_NOT_FOUND, "%s: there is no network '%s' of %s", mn_runfile_path(file), name,
                   owner);
}

mn_status mn_runfile_get_network(mn_runfile *file, const char *owner, const char *name,
                                 mn_network_facts *facts)
{
    static const char sql[] =
        "SELECT type, options, classes FROM network WHERE owner = ?1 AND name = ?2";
    bool row = false;
    mn_query *query;
    *facts = (mn_network_facts){.classes = 0};
    MN_TRY(ask(file, sql, owner, name, &query));
    mn_status status = mn_query_next(query, &row);
    if (status == MN_OK && row) {
        facts->type = mn_text_copy(mn_query_text(query, 0));
        facts->options = mn_text_copy(mn_query_text(query, 1));
        facts->classes = mn_query_int(query, 2);
        if (facts->type == NULL || facts->options == NULL)
            status = mn_fail(MN_NO_MEMORY, "%s: out of memory", mn_runfile_path(file));
    }
    mn_query_free(query);
    if (status == MN_OK && !row)
        status = not_found(file, owner, name);
    if (status != MN_OK)
        mn_network_facts_free(facts);
    return status;
}

void mn_network_facts_free(mn_network_facts *facts)
{
    mn_memory_give(facts->type);
    mn_memory_give(facts->options);
    *facts = (mn_network_facts){.classes = 0};
}

/* Each row's own checksum covers its name, shape and values. */
mn_status mn_runfile_network_digest(mn_runfile *file, const char *owner, const char *name,
                                    char digest[MN_NETWORK_DIGEST])
{
    static const char sql[] = "SELECT crc FROM tensor WHERE owner = ?1 AND part = ?2 "
                              "AND role = 'weight' ORDER BY name";
    bool row = false;
    int64_t rows = 0;
    uLong sum = crc32(0, NULL, 0);
    mn_query *query;
    MN_TRY(ask(file, sql, owner, name, &query));
    mn_status status = mn_query_next(query, &row);
    for (; status == MN_OK && row; rows++) {
        char text[24];
        const int length = snprintf(text, sizeof text, "%lld\n", (long long)mn_query_int(query, 0));
        sum = crc32(sum, (const Bytef *)text, (uInt)length);
        status = mn_query_next(query, &row);
    }
    mn_query_free(query);
    snprintf(digest, MN_NETWORK_DIGEST, "%08lx", sum & 0xffffffffUL);
    return status == MN_OK && rows == 0 ? not_found(file, owner, name) : status;
}
