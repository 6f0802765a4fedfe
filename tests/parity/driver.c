/* driver.c -- does in mneme what parity.py does in PyTorch:  parity_driver FOLDER
 *
 * parity_driver --instruction-set prints the best set that oneDNN uses.
 *
 * Reads cases.json and cases.f32 from the folder and writes results.json and results.f32 there.  A
 * case that fails becomes a result with an "error", so that one missing op does not hide the rest.
 */
#include "tests/parity/driver.h"
#include "tensor/kernels.h"

#include <stdlib.h>
#include <string.h>

static void carry_out(exchange *e, const cJSON *described)
{
    const cJSON *kind = cJSON_GetObjectItem(described, "kind");
    cJSON *result = cJSON_CreateObject();
    const char *name = cJSON_IsString(kind) ? kind->valuestring : "";
    mn_status status;
    if (strcmp(name, "training") == 0)
        status = parity_training(e, described, result);
    else if (strcmp(name, "weights") == 0)
        status = parity_weights(e, described, result);
    else if (strcmp(name, "view") == 0)
        status = parity_view(e, described, result);
    else if (strcmp(name, "resize") == 0)
        status = parity_resize(e, described, result);
    else
        status = parity_op(e, described, result);
    if (status != MN_OK)
        cJSON_AddStringToObject(result, "error", mn_error());
    cJSON_AddItemToArray(e->results, result);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: parity_driver FOLDER | --instruction-set\n");
        return 2;
    }
    if (strcmp(argv[1], "--instruction-set") == 0) {
        puts(mn_kernels_onednn_instruction_set());
        return EXIT_SUCCESS;
    }
    exchange e;
    const mn_status opened = exchange_open(&e, argv[1]);
    if (opened == MN_OK) {
        const cJSON *described;
        cJSON_ArrayForEach(described, e.cases) carry_out(&e, described);
    }
    const mn_status closed = exchange_close(&e, argv[1]);
    if (opened == MN_OK && closed == MN_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "parity_driver: %s\n", mn_error());
    return EXIT_FAILURE;
}
