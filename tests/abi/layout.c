/* The layout of every struct of stage.h on 64-bit systems, frozen with ABI version 1.0.0. A plugin that was built against an
 * old header must find everything where it was: entries are only ever appended, and a size here grows only together with a
 * new version. Compiled as C11. */
#include "fluxgate/stage.h"

#include <stddef.h>

#define FROZEN_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "the size of " #type " changed")
#define FROZEN(type, member, at) _Static_assert(offsetof(type, member) == (at), #type "." #member " moved")

_Static_assert(sizeof(void*) == 8, "this table is for 64-bit systems");
_Static_assert(FLUXGATE_ABI_VERSION_1_0_0 == 1000000, "a version never changes its number");

FROZEN_SIZE(fg_text, 16);
FROZEN(fg_text, data, 0);
FROZEN(fg_text, size, 8);

FROZEN_SIZE(fg_error, 56);
FROZEN(fg_error, code, 0);
FROZEN(fg_error, http_status, 4);
FROZEN(fg_error, retryable, 8);
FROZEN(fg_error, reserved, 12);
FROZEN(fg_error, message, 16);
FROZEN(fg_error, server_text, 24);
FROZEN(fg_error, details, 32);
FROZEN(fg_error, private_data, 40);
FROZEN(fg_error, release, 48);

FROZEN_SIZE(fg_span, 16);
FROZEN(fg_span, offset, 0);
FROZEN(fg_span, size, 4);
FROZEN(fg_span, payload_offset, 8);
FROZEN(fg_span, payload_size, 12);

FROZEN_SIZE(fg_batch, 64);
FROZEN(fg_batch, sequence, 0);
FROZEN(fg_batch, partition, 8);
FROZEN(fg_batch, count, 12);
FROZEN(fg_batch, text, 16);
FROZEN(fg_batch, text_size, 24);
FROZEN(fg_batch, messages, 32);
FROZEN(fg_batch, received_ns, 40);
FROZEN(fg_batch, private_data, 48);
FROZEN(fg_batch, release, 56);

FROZEN_SIZE(fg_field, 32);
FROZEN(fg_field, name, 0);
FROZEN(fg_field, value, 16);

FROZEN_SIZE(fg_secret, 32);
FROZEN(fg_secret, data, 0);
FROZEN(fg_secret, size, 8);
FROZEN(fg_secret, private_data, 16);
FROZEN(fg_secret, release, 24);

FROZEN_SIZE(fg_blob, 32);
FROZEN(fg_blob, data, 0);
FROZEN(fg_blob, size, 8);
FROZEN(fg_blob, private_data, 16);
FROZEN(fg_blob, release, 24);

FROZEN_SIZE(fg_state_change, 40);
FROZEN(fg_state_change, key, 0);
FROZEN(fg_state_change, value, 16);
FROZEN(fg_state_change, erase, 32);

FROZEN_SIZE(fg_dead_letter, 72);
FROZEN(fg_dead_letter, code, 0);
FROZEN(fg_dead_letter, text, 16);
FROZEN(fg_dead_letter, partition, 32);
FROZEN(fg_dead_letter, sequence, 40);
FROZEN(fg_dead_letter, truncated, 48);
FROZEN(fg_dead_letter, raw, 56);

FROZEN_SIZE(fg_host, 96);
FROZEN(fg_host, size, 0);
FROZEN(fg_host, abi_version, 4);
FROZEN(fg_host, context, 8);
FROZEN(fg_host, log, 16);
FROZEN(fg_host, resolve_secret, 24);
FROZEN(fg_host, state_get, 32);
FROZEN(fg_host, state_commit, 40);
FROZEN(fg_host, metric, 48);
FROZEN(fg_host, dead_letter, 56);
FROZEN(fg_host, set_health, 64);
FROZEN(fg_host, monotonic_ns, 72);
FROZEN(fg_host, wall_ns, 80);
FROZEN(fg_host, complete, 88);

FROZEN_SIZE(fg_stage_config, 80);
FROZEN(fg_stage_config, size, 0);
FROZEN(fg_stage_config, flags, 4);
FROZEN(fg_stage_config, document, 8);
FROZEN(fg_stage_config, pipeline_id, 24);
FROZEN(fg_stage_config, instance_id, 40);
FROZEN(fg_stage_config, stage_id, 56);
FROZEN(fg_stage_config, partition, 72);
FROZEN(fg_stage_config, partition_count, 76);

FROZEN_SIZE(fg_source_api, 96);
FROZEN(fg_source_api, size, 0);
FROZEN(fg_source_api, reserved, 4);
FROZEN(fg_source_api, create, 8);
FROZEN(fg_source_api, partition_count, 16);
FROZEN(fg_source_api, next, 24);
FROZEN(fg_source_api, acknowledge, 32);
FROZEN(fg_source_api, cancel, 40);
FROZEN(fg_source_api, wake, 48);
FROZEN(fg_source_api, stop, 56);
FROZEN(fg_source_api, release, 64);
FROZEN(fg_source_api, check, 72);
FROZEN(fg_source_api, schema, 80);
FROZEN(fg_source_api, plan, 88);

FROZEN_SIZE(fg_processor_api, 32);
FROZEN(fg_processor_api, size, 0);
FROZEN(fg_processor_api, reserved, 4);
FROZEN(fg_processor_api, create, 8);
FROZEN(fg_processor_api, process, 16);
FROZEN(fg_processor_api, release, 24);

FROZEN_SIZE(fg_output_api, 48);
FROZEN(fg_output_api, size, 0);
FROZEN(fg_output_api, reserved, 4);
FROZEN(fg_output_api, create, 8);
FROZEN(fg_output_api, write, 16);
FROZEN(fg_output_api, poll, 24);
FROZEN(fg_output_api, flush, 32);
FROZEN(fg_output_api, release, 40);

FROZEN_SIZE(fg_stage_type, 88);
FROZEN(fg_stage_type, size, 0);
FROZEN(fg_stage_type, kind, 4);
FROZEN(fg_stage_type, name, 8);
FROZEN(fg_stage_type, version, 24);
FROZEN(fg_stage_type, schema, 40);
FROZEN(fg_stage_type, secret_settings, 56);
FROZEN(fg_stage_type, secret_setting_count, 64);
FROZEN(fg_stage_type, api, 72);
FROZEN(fg_stage_type, validate, 80);

FROZEN_SIZE(fg_plugin, 56);
FROZEN(fg_plugin, size, 0);
FROZEN(fg_plugin, abi_version, 4);
FROZEN(fg_plugin, name, 8);
FROZEN(fg_plugin, version, 24);
FROZEN(fg_plugin, types, 40);
FROZEN(fg_plugin, type_count, 48);

/* Numbers travel, so they are frozen too. */
_Static_assert(FG_OK == 0 && FG_NOTHING_YET == 1 && FG_ENDED == 2 && FG_BUSY == 3, "answers");
_Static_assert(FG_ERR_INTERNAL == 100 && FG_ERR_JQ == 123, "errors");
_Static_assert(FG_KIND_SOURCE == 1 && FG_KIND_PROCESSOR == 2 && FG_KIND_OUTPUT == 3, "kinds");
_Static_assert(FG_DELIVERED == 1 && FG_ABANDONED == 2, "outcomes");
_Static_assert(FG_LOG_DEBUG == 0 && FG_LOG_ERROR == 3, "levels");
_Static_assert(FG_HEALTH_OK == 0 && FG_HEALTH_NEEDS_ATTENTION == 2, "health");
_Static_assert(FG_METRIC_COUNTER == 0 && FG_METRIC_GAUGE == 1 && FG_METRIC_HISTOGRAM == 2, "metrics");

int fluxgate_layout_is_frozen(void);
int fluxgate_layout_is_frozen(void) {
    return 1;
}
