/* weights.c -- a network's weights from a safetensors file, whoever named them.
 *
 * A name in the file is tried as it stands, then with its parts renamed, then without a prefix that
 * a wrapper put before it, and so on; what the network calls so is meant. */
#include "nn/weights.h"
#include "nn/network.h"
#include "nn/positions.h"
#include "tensor/file/safetensors.h"

#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 256 };

/* --- names --- */

/* Prefixes of parameter names in files that were saved from a wrapper of the network. */
static const char *const prefixes[] = {
    "module.",    /* torch.nn.DataParallel and DistributedDataParallel */
    "_orig_mod.", /* torch.compile */
    "net.",       /* a model of Mammoth (Buzzega et al.) around its backbone */
    "model.",     /* Lightning modules, by habit */
    "backbone.",  /* Avalanche, PyCIL and detection code */
};

/* Whole parts of names, between dots, that others call otherwise. */
static const struct {
    const char *theirs, *ours;
} parts[] = {
    {"downsample", "shortcut"},   /* torchvision's residual blocks; ours are named as Mammoth's */
    {"fc", "classifier"},         /* torchvision's and PyCIL's head */
    {"linear", "classifier"},     /* the head of the DER authors' ResNet-18 */
    {"heads.head", "classifier"}, /* torchvision's transformers; before its 0.14 */
    {"mlp.linear_1", "mlp.0"},    /* also their MLPs */
    {"mlp.linear_2", "mlp.3"},
    /* timm's and DeiT's transformers; ours are named as torchvision's */
    {"cls_token", "class_token"},
    {"pos_embed", "encoder.pos_embedding"},
    {"patch_embed.proj", "conv_proj"},
    {"blocks.", "encoder.layers.encoder_layer_"},
    {"norm1", "ln_1"},
    {"attn.qkv.weight", "self_attention.in_proj_weight"},
    {"attn.qkv.bias", "self_attention.in_proj_bias"},
    {"attn.proj", "self_attention.out_proj"},
    {"norm2", "ln_2"},
    {"mlp.fc1", "mlp.0"},
    {"mlp.fc2", "mlp.3"},
    {"norm", "encoder.ln"},
    {"head", "classifier"},
};

/* A head that stands behind a dropout in a sequence of its own: torchvision's MobileNetV2. */
static const char behind_dropout[] = "classifier.1.", in_front[] = "classifier.";

/* Of a transformer's positions, which fit a grid of another size once they are resampled. */
static const char positions[] = "encoder.pos_embedding";

/* Counts batches, which no arithmetic of ours uses: PyTorch needs it only without a momentum. */
static const char batch_counter[] = "num_batches_tracked";

/* "condense/images": what a strategy trained beside the network, as mneme exports it.  PyTorch
 * names no parameter so. */
static bool is_of_strategy(const char *name)
{
    return strchr(name, '/') != NULL;
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* What the name begins with, of others' parts: where it ends, and *ours in its place; NULL: none.
 */
static const char *their_part(const char *name, const char **ours)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const size_t length = strlen(parts[i].theirs);
        if (strncmp(name, parts[i].theirs, length) != 0 ||
            (name[length] != '.' && name[length] != '\0' && name[length - 1] != '.'))
            continue;
        *ours = parts[i].ours;
        return name + length;
    }
    return NULL;
}

/* "layer2.0.downsample.0.weight" -> "layer2.0.shortcut.0.weight"; "" where it would be too long. */
static void rename_parts(const char *name, char renamed[NAME_BYTES])
{
    size_t used = 0;
    while (*name != '\0' && used < NAME_BYTES) {
        const char *ours = name, *rest = their_part(name, &ours);
        const int length = (int)(rest != NULL ? strlen(ours) : strcspn(name, "."));
        rest = rest != NULL ? rest : name + length;
        used += (size_t)snprintf(renamed + used, NAME_BYTES - used, "%.*s%s", length, ours,
                                 *rest == '.' ? "." : "");
        name = rest + (*rest == '.');
    }
    if (used >= NAME_BYTES || used == 0)
        renamed[0] = '\0';
}

static void rename_head(const char *name, char renamed[NAME_BYTES])
{
    const size_t length = sizeof behind_dropout - 1;
    const bool found = strncmp(name, behind_dropout, length) == 0;
    snprintf(renamed, NAME_BYTES, "%s%s", in_front, found ? name + length : "");
}

static const char *without_prefix(const char *name)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return name + strlen(prefixes[i]);
    return NULL;
}

/* --- a file against a network --- */

typedef struct target {
    const char *name;
    mn_tensor *tensor;
    bool head, wanted; /* not wanted: of a head that is left alone */
    int64_t from;      /* tensor of the file; -1: none */
} target;

/* Names of one kind of trouble: the first few of them, and how many there are. */
typedef struct names {
    char text[200];
    int listed, left;
} names;

typedef struct fitting {
    const mn_safetensors *file;
    const char *path;
    target *target;
    int targets;
    bool head;      /* the file's classifier is wanted */
    mn_shape image; /* what the network sees */
    names missing, extra, misshapen;
    bool beyond_head; /* not all trouble is the head's */
} fitting;

static void add_name(names *list, const char *text)
{
    const size_t used = strlen(list->text);
    if (used + strlen(text) + 3 > sizeof list->text) {
        list->left++;
        return;
    }
    snprintf(list->text + used, sizeof list->text - used, "%s%s", used > 0 ? ", " : "", text);
    list->listed++;
}

static target *find_target(fitting *fit, const char *name)
{
    for (int i = 0; i < fit->targets; i++)
        if (strcmp(fit->target[i].name, name) == 0)
            return &fit->target[i];
    return NULL;
}

/* The tensor of the network that a name in a file means; NULL: none. */
static target *meant(fitting *fit, const char *name)
{
    char renamed[NAME_BYTES];
    for (; name != NULL; name = without_prefix(name)) {
        target *found = find_target(fit, name);
        rename_parts(name, renamed);
        if (found == NULL)
            found = find_target(fit, renamed);
        rename_head(name, renamed);
        if (found == NULL)
            found = find_target(fit, renamed);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* Of a classifier, whatever classifier the network has. */
static bool is_of_head(const char *name)
{
    static const char ours[] = "classifier.";
    char renamed[NAME_BYTES];
    for (; name != NULL; name = without_prefix(name)) {
        rename_parts(name, renamed);
        if (strncmp(renamed, ours, strlen(ours)) == 0)
            return true;
    }
    return false;
}

/* A module that PyTorch code registers twice is saved twice, under both names: the DER authors'
 * ResNet-18 has "conv1" and "_features.0", and "linear" and "classifier". */
static bool is_again(const fitting *fit, int64_t i)
{
    for (int t = 0; t < fit->targets; t++)
        if (fit->target[t].from >= 0 && mn_safetensors_equal(fit->file, i, fit->target[t].from))
            return true;
    return false;
}

static mn_status match(fitting *fit)
{
    const int64_t count = mn_safetensors_count(fit->file);
    for (int64_t i = 0; i < count; i++) {
        const char *name = mn_safetensors_at(fit->file, i)->name;
        target *found = ends_with(name, batch_counter) ? NULL : meant(fit, name);
        if (found == NULL || !found->wanted)
            continue;
        if (found->from >= 0 && !mn_safetensors_equal(fit->file, i, found->from))
            return mn_fail(MN_BAD_VALUE,
                           "%s: '%.100s' and '%.100s' are both the network's %s, and they differ",
                           fit->path, mn_safetensors_at(fit->file, found->from)->name, name,
                           found->name);
        found->from = i;
    }
    return MN_OK;
}

static void look_at_target(fitting *fit, const target *ours)
{
    char text[NAME_BYTES], is[64], expected[64];
    const mn_shape here = mn_tensor_shape(ours->tensor);
    if (!ours->wanted)
        return;
    if (ours->from < 0) {
        add_name(&fit->missing, ours->name);
    } else {
        const mn_shape there = mn_safetensors_at(fit->file, ours->from)->shape;
        if (mn_shape_equal(there, here) ||
            (strcmp(ours->name, positions) == 0 && mn_positions_fit(there, here, fit->image)))
            return;
        snprintf(text, sizeof text, "%s, which is %s instead of %s", ours->name,
                 mn_shape_text(there, is), mn_shape_text(here, expected));
        add_name(&fit->misshapen, text);
    }
    fit->beyond_head |= !ours->head;
}

/* "; missing fc2.weight, fc2.bias and 3 more" */
static void describe(const names *list, const char *what, char *text, size_t bytes)
{
    const size_t used = strlen(text);
    if (list->listed + list->left == 0)
        return;
    if (list->listed == 0)
        snprintf(text + used, bytes - used, "; %s %d with long names", what, list->left);
    else if (list->left == 0)
        snprintf(text + used, bytes - used, "; %s %s", what, list->text);
    else
        snprintf(text + used, bytes - used, "; %s %s and %d more", what, list->text, list->left);
}

/* Everything that does not fit is named in one line. */
static mn_status check_fit(fitting *fit, const mn_network_spec *spec)
{
    char trouble[800] = "";
    for (int t = 0; t < fit->targets; t++)
        look_at_target(fit, &fit->target[t]);
    for (int64_t i = 0; i < mn_safetensors_count(fit->file); i++) {
        const char *name = mn_safetensors_at(fit->file, i)->name;
        if (is_of_strategy(name) || ends_with(name, batch_counter) || meant(fit, name) != NULL ||
            is_again(fit, i) || (!fit->head && is_of_head(name)))
            continue;
        add_name(&fit->extra, name);
        fit->beyond_head = true;
    }
    describe(&fit->missing, "missing", trouble, sizeof trouble);
    describe(&fit->extra, "extra", trouble, sizeof trouble);
    describe(&fit->misshapen, "misshapen", trouble, sizeof trouble);
    if (trouble[0] == '\0')
        return MN_OK;
    return mn_fail(MN_BAD_SHAPE, "%s does not fit the network %s%s%s", fit->path, spec->type,
                   trouble, fit->beyond_head ? "" : "; --no-init-head loads everything else");
}

/* Positions of another grid are brought to the network's; all else has its shape. */
static mn_status put(const fitting *fit, const target *ours, const float *values)
{
    const mn_shape there = mn_safetensors_at(fit->file, ours->from)->shape;
    if (mn_shape_equal(there, mn_tensor_shape(ours->tensor)))
        return mn_tensor_write(ours->tensor, values, mn_tensor_bytes(ours->tensor));
    return mn_positions_resample(values, there, fit->image, ours->tensor);
}

static mn_status take(const fitting *fit)
{
    for (int t = 0; t < fit->targets; t++) {
        float *values;
        if (fit->target[t].from < 0)
            continue;
        MN_TRY(mn_safetensors_floats(fit->file, fit->target[t].from, &values));
        const mn_status status = put(fit, &fit->target[t], values);
        mn_memory_give(values);
        MN_TRY(status);
    }
    return MN_OK;
}

/* The network's parameters, then its statistics; the caller frees. */
static mn_status list_targets(mn_network *network, bool head, target **targets, int *count)
{
    const int parameters = mn_network_parameter_count(network);
    *count = parameters + mn_network_statistic_count(network);
    *targets = mn_memory_take_zeroed((size_t)*count + 1, sizeof **targets);
    if (*targets == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for %d names of weights", *count);
    for (int i = 0; i < parameters; i++) {
        const mn_parameter *parameter = mn_network_parameter(network, i);
        (*targets)[i] = (target){parameter->name, parameter->value, parameter->head,
                                 head || !parameter->head, -1};
    }
    for (int i = parameters; i < *count; i++) {
        target *statistic = &(*targets)[i];
        *statistic = (target){.wanted = true, .from = -1};
        statistic->tensor = mn_network_statistic(network, i - parameters, &statistic->name);
    }
    return MN_OK;
}

static mn_status load_from(mn_network *network, const mn_safetensors *file, const char *path,
                           bool head)
{
    const mn_network_spec *spec = mn_network_spec_of(network);
    fitting fit = {.file = file, .path = path, .head = head, .image = mn_network_seen(network)};
    mn_status status = list_targets(network, head, &fit.target, &fit.targets);
    if (status == MN_OK)
        status = match(&fit);
    if (status == MN_OK)
        status = check_fit(&fit, spec);
    if (status == MN_OK)
        status = take(&fit);
    mn_memory_give(fit.target);
    return status;
}

mn_status mn_weights_load(mn_network *network, const char *path, const char *digest, bool head)
{
    char found[MN_DIGEST_TEXT];
    mn_safetensors *file;
    MN_TRY(mn_safetensors_open(path, &file));
    mn_safetensors_digest(file, found);
    const mn_status status =
        strcmp(found, digest) == 0
            ? load_from(network, file, path, head)
            : mn_fail(MN_CORRUPT, "%s has digest %s, but the run is to begin with %s", path, found,
                      digest);
    mn_safetensors_close(file);
    return status;
}
