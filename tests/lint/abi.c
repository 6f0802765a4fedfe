/* abi.c -- the layout of every struct that plugins and mneme share, and the value of every
 * constant.
 *
 * A plugin that was compiled earlier has the old layout in it, and only the ABI numbers tell mneme
 * so. What changes here must raise the numbers named above it.  Compiling this file is the test;
 * abi.sh sees to it that no member is missing. */
#include <mneme/features.h>
#include <mneme/layers.h>
#include <mneme/mixing.h>
#include <mneme/strategy.h>
#include <stddef.h>

/* The numbers that the layouts below belong to. */
_Static_assert(MN_STRATEGY_ABI == 6 && MN_POLICY_ABI == 4 && MN_NETWORK_ABI == 3 &&
                   MN_DATASET_ABI == 8 && MN_PLUGIN_ABI == 1,
               "an ABI number was raised: bring it and the layouts in abi.c up to date");

/* Another processor or data model has layouts of its own, in which plugins for it are compiled. */
#if defined __x86_64__ && defined __LP64__
#define STRUCT(type, bytes)                                                                        \
    _Static_assert(sizeof(type) == (bytes), #type " has another size: raise " NUMBERS)
#define MEMBER(type, member, offset, bytes)                                                        \
    _Static_assert(offsetof(type, member) == (offset) && sizeof(((type *)0)->member) == (bytes),   \
                   #type "." #member " has moved: raise " NUMBERS)
#else
#define STRUCT(type, bytes)                 _Static_assert(sizeof(type) > 0, "")
#define MEMBER(type, member, offset, bytes) _Static_assert(sizeof(((type *)0)->member) > 0, "")
#endif
#define VALUE(constant, number)                                                                    \
    _Static_assert((int)(constant) == (number), #constant " has another value: raise " NUMBERS)

/* --- every kind of plugin ----------------------------------------------------------------------
 */
#define NUMBERS "MN_STRATEGY_ABI, MN_POLICY_ABI, MN_NETWORK_ABI and MN_DATASET_ABI"

STRUCT(mn_descriptor, 48);
MEMBER(mn_descriptor, abi, 0, 4);
MEMBER(mn_descriptor, size, 4, 4);
MEMBER(mn_descriptor, name, 8, 8);
MEMBER(mn_descriptor, summary, 16, 8);
MEMBER(mn_descriptor, cite, 24, 8);
MEMBER(mn_descriptor, options, 32, 8);
MEMBER(mn_descriptor, options_size, 40, 8);

STRUCT(mn_option, 96);
MEMBER(mn_option, name, 0, 8);
MEMBER(mn_option, type, 8, 4);
MEMBER(mn_option, offset, 16, 8);
MEMBER(mn_option, default_bool, 24, 1);
MEMBER(mn_option, default_int, 32, 8);
MEMBER(mn_option, default_real, 40, 8);
MEMBER(mn_option, default_text, 48, 8);
MEMBER(mn_option, least, 56, 8);
MEMBER(mn_option, most, 64, 8);
MEMBER(mn_option, choices, 72, 8);
MEMBER(mn_option, help, 80, 8);
MEMBER(mn_option, changes_no_result, 88, 1);

STRUCT(mn_shape, 48);
MEMBER(mn_shape, rank, 0, 4);
MEMBER(mn_shape, size, 8, 40);

STRUCT(mn_key, 16);
MEMBER(mn_key, word, 0, 16);

/* The last of the enums that macros define. */
_Static_assert(MN_BACKEND_FAILED == 15 && MN_I32 == 3 && MN_KIND_DATASET == 3,
               "mn_status, mn_dtype or mn_kind has other values: raise " NUMBERS);

VALUE(MN_OPTION_BOOL, 0);
VALUE(MN_OPTION_INT, 1);
VALUE(MN_OPTION_REAL, 2);
VALUE(MN_OPTION_TEXT, 3);
VALUE(MN_OPTION_CHOICE, 4);

/* --- what a shared object hands out ------------------------------------------------------------
 */
#undef NUMBERS
#define NUMBERS "MN_PLUGIN_ABI"

STRUCT(mn_plugin, 16);
MEMBER(mn_plugin, abi, 0, 4);
MEMBER(mn_plugin, kind, 4, 4);
MEMBER(mn_plugin, descriptor, 8, 8);

/* --- strategies and policies -------------------------------------------------------------------
 */
#undef NUMBERS
#define NUMBERS "MN_STRATEGY_ABI and MN_POLICY_ABI"

STRUCT(mn_batch_column, 48);
MEMBER(mn_batch_column, name, 0, 32);
MEMBER(mn_batch_column, width, 32, 8);
MEMBER(mn_batch_column, values, 40, 8);

STRUCT(mn_batch, 512);
MEMBER(mn_batch, count, 0, 8);
MEMBER(mn_batch, stream_rows, 8, 8);
MEMBER(mn_batch, image, 16, 48);
MEMBER(mn_batch, x, 64, 8);
MEMBER(mn_batch, pixels, 72, 8);
MEMBER(mn_batch, labels, 80, 8);
MEMBER(mn_batch, tasks, 88, 8);
MEMBER(mn_batch, indices, 96, 8);
MEMBER(mn_batch, slots, 104, 8);
MEMBER(mn_batch, columns, 112, 4);
MEMBER(mn_batch, column, 120, 384);
MEMBER(mn_batch, type, 504, 4);

VALUE(MN_ROW_U8, 0);
VALUE(MN_ROW_F32, 1);
VALUE(MN_ROW_F16, 2);
VALUE(MN_ROW_X, 3);

VALUE(MN_UNLABELLED, -1);
VALUE(MN_NO_TASK, -1);
VALUE(MN_NO_INDEX, -1);
VALUE(MN_NO_SLOT, -1);

/* --- strategies and networks -------------------------------------------------------------------
 */
#undef NUMBERS
#define NUMBERS "MN_STRATEGY_ABI and MN_NETWORK_ABI"

STRUCT(mn_op, 40);
MEMBER(mn_op, name, 0, 8);
MEMBER(mn_op, attributes_bytes, 8, 8);
MEMBER(mn_op, shape, 16, 8);
MEMBER(mn_op, forward, 24, 8);
MEMBER(mn_op, backward, 32, 8);

STRUCT(mn_forwarded, 24);
MEMBER(mn_forwarded, logits, 0, 8);
MEMBER(mn_forwarded, features, 8, 8);
MEMBER(mn_forwarded, maps, 16, 8);

STRUCT(mn_role_map, 32);
MEMBER(mn_role_map, name, 0, 8);
MEMBER(mn_role_map, value, 8, 8);
MEMBER(mn_role_map, mean, 16, 8);
MEMBER(mn_role_map, variance, 24, 8);

STRUCT(mn_parameter, 32);
MEMBER(mn_parameter, name, 0, 8);
MEMBER(mn_parameter, kind, 8, 4);
MEMBER(mn_parameter, head, 12, 1);
MEMBER(mn_parameter, value, 16, 8);
MEMBER(mn_parameter, gradient, 24, 8);

STRUCT(mn_network_type, 72);
MEMBER(mn_network_type, abi, 0, 4);
MEMBER(mn_network_type, size, 4, 4);
MEMBER(mn_network_type, name, 8, 8);
MEMBER(mn_network_type, summary, 16, 8);
MEMBER(mn_network_type, cite, 24, 8);
MEMBER(mn_network_type, options, 32, 8);
MEMBER(mn_network_type, options_size, 40, 8);
MEMBER(mn_network_type, build, 48, 8);
MEMBER(mn_network_type, forward, 56, 8);
MEMBER(mn_network_type, parallel, 64, 1);

STRUCT(mn_network_spec, 72);
MEMBER(mn_network_spec, type, 0, 8);
MEMBER(mn_network_spec, options, 8, 8);
MEMBER(mn_network_spec, input, 16, 48);
MEMBER(mn_network_spec, classes, 64, 8);

STRUCT(mn_schedule, 112);
MEMBER(mn_schedule, kind, 0, 4);
MEMBER(mn_schedule, factor, 8, 8);
MEMBER(mn_schedule, every, 16, 8);
MEMBER(mn_schedule, milestones, 24, 64);
MEMBER(mn_schedule, least, 88, 8);
MEMBER(mn_schedule, warm_up, 96, 8);
MEMBER(mn_schedule, start, 104, 8);

STRUCT(mn_layer_start, 24);
MEMBER(mn_layer_start, weight, 0, 4);
MEMBER(mn_layer_start, bias, 4, 4);
MEMBER(mn_layer_start, scale, 8, 8);
MEMBER(mn_layer_start, head, 16, 1);

VALUE(MN_HEAD_LINEAR, 0);
VALUE(MN_HEAD_COSINE, 1);
VALUE(MN_HEAD_MULTI, 2);

STRUCT(mn_head, 16);
MEMBER(mn_head, kind, 0, 8);
MEMBER(mn_head, classes, 8, 8);

STRUCT(mn_walk, 24);
MEMBER(mn_walk, network, 0, 8);
MEMBER(mn_walk, mode, 8, 4);
MEMBER(mn_walk, parameter, 12, 4);
MEMBER(mn_walk, statistic, 16, 4);

VALUE(MN_TRAIN, 0);
VALUE(MN_TRAIN_FROZEN, 1);
VALUE(MN_EVAL, 2);
VALUE(MN_NO_GRADIENT, 16);
VALUE(MN_NORM_INPUTS, 32);
VALUE(MN_ATTENTIONS, 64);
VALUE(MN_MAP_BEFORE_POOLING, 0);
VALUE(MN_MAP_INTO_NORM, 1);
VALUE(MN_MAP_SCORES, 2);
VALUE(MN_MAP_HEADS, 3);
VALUE(MN_MAP_NAMED, 4);
VALUE(MN_WEIGHT, 0);
VALUE(MN_BIAS, 1);
VALUE(MN_NORM_SCALE, 2);
VALUE(MN_NORM_SHIFT, 3);
VALUE(MN_INITIAL_ZERO, 0);
VALUE(MN_INITIAL_ONE, 1);
VALUE(MN_INITIAL_XAVIER_UNIFORM, 2);
VALUE(MN_INITIAL_KAIMING_NORMAL, 3);
VALUE(MN_INITIAL_PYTORCH_UNIFORM, 4);
VALUE(MN_INITIAL_NORMAL, 5);
VALUE(MN_CONSTANT, 0);
VALUE(MN_STEP, 1);
VALUE(MN_MULTISTEP, 2);
VALUE(MN_COSINE, 3);
VALUE(MN_PLATEAU, 4);
VALUE(MN_NORM_BATCH, 0);
VALUE(MN_NORM_BATCH_FROZEN, 1);
VALUE(MN_NORM_RUNNING, 2);

/* --- strategies --------------------------------------------------------------------------------
 */
#undef NUMBERS
#define NUMBERS "MN_STRATEGY_ABI"

STRUCT(mn_update, 32);
MEMBER(mn_update, name, 0, 8);
MEMBER(mn_update, optimiser, 8, 8);
MEMBER(mn_update, loss, 16, 8);
MEMBER(mn_update, every, 24, 8);

STRUCT(mn_phase, 72);
MEMBER(mn_phase, name, 0, 8);
MEMBER(mn_phase, source, 8, 4);
MEMBER(mn_phase, epochs, 16, 8);
MEMBER(mn_phase, steps, 24, 8);
MEMBER(mn_phase, batch, 32, 8);
MEMBER(mn_phase, updates, 40, 8);
MEMBER(mn_phase, reset, 48, 4);
MEMBER(mn_phase, visit, 56, 8);
MEMBER(mn_phase, as_trained, 64, 1);
MEMBER(mn_phase, after_selection, 65, 1);

STRUCT(mn_probe, 16);
MEMBER(mn_probe, name, 0, 8);
MEMBER(mn_probe, scores, 8, 8);

STRUCT(mn_strategy, 208);
MEMBER(mn_strategy, abi, 0, 4);
MEMBER(mn_strategy, size, 4, 4);
MEMBER(mn_strategy, name, 8, 8);
MEMBER(mn_strategy, summary, 16, 8);
MEMBER(mn_strategy, cite, 24, 8);
MEMBER(mn_strategy, options, 32, 8);
MEMBER(mn_strategy, options_size, 40, 8);
MEMBER(mn_strategy, state_size, 48, 8);
MEMBER(mn_strategy, needs, 56, 8);
MEMBER(mn_strategy, open, 64, 8);
MEMBER(mn_strategy, phases, 72, 8);
MEMBER(mn_strategy, before_task, 80, 8);
MEMBER(mn_strategy, loss, 88, 8);
MEMBER(mn_strategy, term, 96, 8);
MEMBER(mn_strategy, gradients, 104, 8);
MEMBER(mn_strategy, after_step, 112, 8);
MEMBER(mn_strategy, after_epoch, 120, 8);
MEMBER(mn_strategy, after_task, 128, 8);
MEMBER(mn_strategy, policy, 136, 8);
MEMBER(mn_strategy, scores, 144, 8);
MEMBER(mn_strategy, phases_before, 152, 8);
MEMBER(mn_strategy, probes, 160, 8);
MEMBER(mn_strategy, differs, 168, 8);
MEMBER(mn_strategy, forget, 176, 8);
MEMBER(mn_strategy, before_scores, 184, 8);
MEMBER(mn_strategy, phases_filling, 192, 8);
MEMBER(mn_strategy, column, 200, 8);

STRUCT(mn_out, 48);
MEMBER(mn_out, logits, 0, 8);
MEMBER(mn_out, features, 8, 8);
MEMBER(mn_out, batch, 16, 8);
MEMBER(mn_out, network, 24, 8);
MEMBER(mn_out, mode, 32, 4);
MEMBER(mn_out, maps, 40, 8);

STRUCT(mn_validation, 24);
MEMBER(mn_validation, images, 0, 8);
MEMBER(mn_validation, accuracy, 8, 8);
MEMBER(mn_validation, loss, 16, 8);

STRUCT(mn_range, 16);
MEMBER(mn_range, first, 0, 8);
MEMBER(mn_range, count, 8, 8);

STRUCT(mn_column_value, 16);
MEMBER(mn_column_value, name, 0, 8);
MEMBER(mn_column_value, value, 8, 8);

STRUCT(mn_mixing, 24);
MEMBER(mn_mixing, count, 0, 8);
MEMBER(mn_mixing, partner, 8, 8);
MEMBER(mn_mixing, share, 16, 8);

STRUCT(mn_view_spec, 184);
MEMBER(mn_view_spec, size, 0, 8);
MEMBER(mn_view_spec, area_least, 8, 8);
MEMBER(mn_view_spec, area_most, 16, 8);
MEMBER(mn_view_spec, aspect_least, 24, 8);
MEMBER(mn_view_spec, aspect_most, 32, 8);
MEMBER(mn_view_spec, flip, 40, 8);
MEMBER(mn_view_spec, jitter, 48, 8);
MEMBER(mn_view_spec, brightness, 56, 8);
MEMBER(mn_view_spec, contrast, 64, 8);
MEMBER(mn_view_spec, saturation, 72, 8);
MEMBER(mn_view_spec, hue, 80, 8);
MEMBER(mn_view_spec, grey, 88, 8);
MEMBER(mn_view_spec, blur, 96, 8);
MEMBER(mn_view_spec, blur_kernel, 104, 8);
MEMBER(mn_view_spec, sigma_least, 112, 8);
MEMBER(mn_view_spec, sigma_most, 120, 8);
MEMBER(mn_view_spec, solarise, 128, 8);
MEMBER(mn_view_spec, equalise, 136, 8);
MEMBER(mn_view_spec, cutout, 144, 8);
MEMBER(mn_view_spec, cutout_size, 152, 8);
MEMBER(mn_view_spec, small_size, 160, 8);
MEMBER(mn_view_spec, small_area_least, 168, 8);
MEMBER(mn_view_spec, small_area_most, 176, 8);

STRUCT(mn_transform, 88);
MEMBER(mn_transform, channels, 0, 8);
MEMBER(mn_transform, mean, 8, 16);
MEMBER(mn_transform, deviation, 24, 16);
MEMBER(mn_transform, pad, 40, 8);
MEMBER(mn_transform, pad_mode, 48, 4);
MEMBER(mn_transform, flip, 52, 1);
MEMBER(mn_transform, views, 56, 8);
MEMBER(mn_transform, offset, 64, 8);
MEMBER(mn_transform, scale, 72, 8);
MEMBER(mn_transform, type, 80, 4);

VALUE(MN_PAD_ZERO, 0);
VALUE(MN_PAD_EDGE, 1);
VALUE(MN_PAD_REFLECT, 2);
VALUE(MN_PAST, 0);
VALUE(MN_PRESENT, 1);
VALUE(MN_FUTURE, 2);
VALUE(MN_SEEN, 3);
VALUE(MN_ALL, 4);
VALUE(MN_NEEDS_BUFFER, 1);
VALUE(MN_NEEDS_TASK_BOUNDARIES, 2);
VALUE(MN_NEEDS_CONTIGUOUS_CLASSES, 4);
VALUE(MN_NEEDS_TEST_TASK, 8);
VALUE(MN_NEEDS_PAST_DATA, 16);
VALUE(MN_USES_UNLABELLED, 32);
VALUE(MN_NEEDS_SELECTION, 64);
VALUE(MN_FILLS_BUFFER, 128);
VALUE(MN_FROM_STREAM, 0);
VALUE(MN_FROM_SEEN, 1);
VALUE(MN_FROM_BUFFER, 2);
VALUE(MN_FROM_NOTHING, 3);
VALUE(MN_FROM_BOTH, 4);
VALUE(MN_FROM_HELD_OUT, 5);
VALUE(MN_FROM_VALIDATION, 6);
VALUE(MN_FRESH_EACH_TASK, 0);
VALUE(MN_FRESH_EACH_PHASE, 1);
VALUE(MN_KEPT, 2);
VALUE(MN_USUAL_EPOCHS, -1);

/* --- policies ----------------------------------------------------------------------------------
 */
#undef NUMBERS
#define NUMBERS "MN_POLICY_ABI"

STRUCT(mn_candidate, 32);
MEMBER(mn_candidate, label, 0, 4);
MEMBER(mn_candidate, task, 4, 4);
MEMBER(mn_candidate, seen, 8, 8);
MEMBER(mn_candidate, class_seen, 16, 8);
MEMBER(mn_candidate, score, 24, 8);

STRUCT(mn_selection, 40);
MEMBER(mn_selection, rows, 0, 8);
MEMBER(mn_selection, features, 8, 8);
MEMBER(mn_selection, width, 16, 8);
MEMBER(mn_selection, first_class, 24, 8);
MEMBER(mn_selection, classes, 32, 8);

STRUCT(mn_policy, 80);
MEMBER(mn_policy, abi, 0, 4);
MEMBER(mn_policy, size, 4, 4);
MEMBER(mn_policy, name, 8, 8);
MEMBER(mn_policy, summary, 16, 8);
MEMBER(mn_policy, cite, 24, 8);
MEMBER(mn_policy, options, 32, 8);
MEMBER(mn_policy, options_size, 40, 8);
MEMBER(mn_policy, wants, 48, 8);
MEMBER(mn_policy, place, 56, 8);
MEMBER(mn_policy, select, 64, 8);
MEMBER(mn_policy, compared, 72, 8);

VALUE(MN_WANTS_FEATURES, 1);
VALUE(MN_SELECTS_BY_TASK, 2);
VALUE(MN_WANTS_LOSSES, 4);
VALUE(MN_WANTS_SIMILARITY, 8);
VALUE(MN_FILLS_ONCE, 16);

/* --- data sets ---------------------------------------------------------------------------------
 */
#undef NUMBERS
#define NUMBERS "MN_DATASET_ABI"

STRUCT(mn_images, 32);
MEMBER(mn_images, count, 0, 8);
MEMBER(mn_images, pixels, 8, 8);
MEMBER(mn_images, labels, 16, 8);
MEMBER(mn_images, domains, 24, 8);

STRUCT(mn_features_spec, 16);
MEMBER(mn_features_spec, layer, 0, 8);
MEMBER(mn_features_spec, type, 8, 4);
STRUCT(mn_pack_watch, 16);
MEMBER(mn_pack_watch, context, 0, 8);
MEMBER(mn_pack_watch, go_on, 8, 8);

VALUE(MN_DIGEST, 9);
VALUE(MN_STAMP, 24);

STRUCT(mn_channel_values, 32);
MEMBER(mn_channel_values, least, 0, 8);
MEMBER(mn_channel_values, greatest, 8, 8);
MEMBER(mn_channel_values, mean, 16, 8);
MEMBER(mn_channel_values, deviation, 24, 8);

STRUCT(mn_dataset, 240);
MEMBER(mn_dataset, name, 0, 64);
MEMBER(mn_dataset, channels, 64, 8);
MEMBER(mn_dataset, height, 72, 8);
MEMBER(mn_dataset, width, 80, 8);
MEMBER(mn_dataset, classes, 88, 8);
MEMBER(mn_dataset, class_names, 96, 8);
MEMBER(mn_dataset, memory, 104, 8);
MEMBER(mn_dataset, train, 112, 32);
MEMBER(mn_dataset, test, 144, 32);
MEMBER(mn_dataset, offset, 176, 8);
MEMBER(mn_dataset, scale, 184, 8);
MEMBER(mn_dataset, digest, 192, 4);
MEMBER(mn_dataset, notes, 200, 8);
MEMBER(mn_dataset, source, 208, 8);
MEMBER(mn_dataset, type, 216, 4);
MEMBER(mn_dataset, moved, 220, 1);
MEMBER(mn_dataset, domains, 224, 8);
MEMBER(mn_dataset, domain_names, 232, 8);

STRUCT(mn_dataset_type, 64);
MEMBER(mn_dataset_type, abi, 0, 4);
MEMBER(mn_dataset_type, size, 4, 4);
MEMBER(mn_dataset_type, name, 8, 8);
MEMBER(mn_dataset_type, summary, 16, 8);
MEMBER(mn_dataset_type, cite, 24, 8);
MEMBER(mn_dataset_type, options, 32, 8);
MEMBER(mn_dataset_type, options_size, 40, 8);
MEMBER(mn_dataset_type, obtain, 48, 8);
MEMBER(mn_dataset_type, read, 56, 8);
