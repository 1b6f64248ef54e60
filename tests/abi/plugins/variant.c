/* Plugins that are wrong in one way each, chosen by a VARIANT_... definition; without one, a good plugin in plain C with a
 * source that hangs until it is cancelled, one that makes malformed batches, and an output that discards. */
/* A variant leaves out what makes it wrong, so something is unused in each. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#pragma GCC diagnostic ignored "-Wunused-variable"

#include "fluxgate/stage.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#define TEXT(literal)                                                                                                                                \
    { literal, sizeof(literal) - 1 }

typedef struct hang {
    atomic_int cancelled;
} hang;

static int32_t hang_create(const fg_stage_config* config, const fg_host* host, void** stage, fg_error* error) {
    (void)config;
    (void)host;
    (void)error;
    *stage = calloc(1, sizeof(hang));
    return *stage == NULL ? FG_ERR_LIMIT : FG_OK;
}
static uint32_t one_partition(void* stage) {
    (void)stage;
    return 1;
}
/* Deliberately ignores its timeout. */
static int32_t hang_next(void* stage, int64_t timeout_ns, fg_batch* batch, fg_error* error) {
    const struct timespec pause = {0, 1000000};
    (void)timeout_ns;
    (void)batch;
    (void)error;
    while (!atomic_load(&((hang*)stage)->cancelled))
        thrd_sleep(&pause, NULL);
    return FG_ERR_CANCELLED;
}
static int32_t acknowledge(void* stage, uint64_t sequence, int32_t outcome, fg_error* error) {
    (void)stage;
    (void)sequence;
    (void)outcome;
    (void)error;
    return FG_OK;
}
static void hang_cancel(void* stage) {
    atomic_store(&((hang*)stage)->cancelled, 1);
}
static void no_wake(void* stage) {
    (void)stage;
}
static void free_stage(void* stage) {
    free(stage);
}

static const char bad_text[] = "ab\n";
static const fg_span bad_spans[] = {{0, 200000, 0, 1}};

/* A span that reaches far out of its text. */
static int32_t spans_next(void* stage, int64_t timeout_ns, fg_batch* batch, fg_error* error) {
    (void)stage;
    (void)timeout_ns;
    (void)error;
    memset(batch, 0, sizeof *batch);
    batch->sequence = 1;
    batch->count = 1;
    batch->text = bad_text;
    batch->text_size = sizeof bad_text - 1;
    batch->messages = bad_spans;
    return FG_OK;
}
/* A partition that does not exist. */
static int32_t partition_next(void* stage, int64_t timeout_ns, fg_batch* batch, fg_error* error) {
    static const fg_span good = {0, 2, 0, 2};
    const int32_t code = spans_next(stage, timeout_ns, batch, error);
    batch->messages = &good;
    batch->partition = 77;
    return code;
}
/* An answer that has no meaning for next. */
static int32_t code_next(void* stage, int64_t timeout_ns, fg_batch* batch, fg_error* error) {
    (void)stage;
    (void)timeout_ns;
    (void)batch;
    (void)error;
    return FG_BUSY;
}

static int32_t discard_write(void* stage, fg_batch* batch, uint64_t token, fg_error* error) {
    const fg_host* host = *(const fg_host**)stage;
    (void)error;
    if (batch->release != NULL) batch->release(batch);
    host->complete(host->context, token, FG_DELIVERED);
    return FG_OK;
}
static int32_t discard_create(const fg_stage_config* config, const fg_host* host, void** stage, fg_error* error) {
    (void)config;
    (void)error;
    *stage = calloc(1, sizeof(const fg_host*));
    if (*stage == NULL) return FG_ERR_LIMIT;
    *(const fg_host**)*stage = host;
    return FG_OK;
}
static int32_t discard_poll(void* stage, int64_t timeout_ns, int64_t* next_deadline_ns, fg_error* error) {
    (void)stage;
    (void)timeout_ns;
    (void)next_deadline_ns;
    (void)error;
    return FG_OK;
}
static int32_t discard_flush(void* stage, int64_t deadline_ns, fg_error* error) {
    (void)stage;
    (void)deadline_ns;
    (void)error;
    return FG_OK;
}

#define SOURCE(NEXT)                                                                                                                                 \
    {                                                                                                                                                \
        .size = sizeof(fg_source_api), .create = hang_create, .partition_count = one_partition, .next = NEXT, .acknowledge = acknowledge,            \
        .cancel = hang_cancel, .wake = no_wake, .release = free_stage                                                                                \
    }

#if defined(VARIANT_SMALL_TABLE)
static const fg_source_api hang_api = {.size = 16, .create = hang_create};
#elif defined(VARIANT_NULL_ENTRY)
static const fg_source_api hang_api = SOURCE(NULL);
#elif defined(VARIANT_LARGER_TABLES)
/* As a later version would have it: the same beginning, more behind. */
typedef struct later_source_api {
    fg_source_api known;
    void (*future)(void);
} later_source_api;
static later_source_api larger = {SOURCE(hang_next), NULL};
#else
static const fg_source_api hang_api = SOURCE(hang_next);
#endif
static const fg_source_api spans_api = SOURCE(spans_next);
static const fg_source_api partition_api = SOURCE(partition_next);
static const fg_source_api code_api = SOURCE(code_next);
static const fg_output_api discard_api = {sizeof(fg_output_api), 0, discard_create, discard_write, discard_poll, discard_flush, free_stage};

#if defined(VARIANT_WRONG_KIND)
#define HANG_KIND 9
#else
#define HANG_KIND FG_KIND_SOURCE
#endif
#if defined(VARIANT_WRONG_NAME)
#define HANG_NAME "output/hang"
#elif defined(VARIANT_LARGER_TABLES)
#define HANG_NAME "input/larger@v1"
#else
#define HANG_NAME "input/hang@v1"
#endif

#define TYPE(KIND, NAME, API)                                                                                                                        \
    { sizeof(fg_stage_type), KIND, TEXT(NAME), TEXT("1.0.0"), TEXT(""), NULL, 0, API, NULL }
#if defined(VARIANT_LARGER_TABLES)
static const fg_stage_type hang_type = TYPE(HANG_KIND, HANG_NAME, &larger);
#elif defined(VARIANT_NO_API)
static const fg_stage_type hang_type = TYPE(HANG_KIND, HANG_NAME, NULL);
#else
static const fg_stage_type hang_type = TYPE(HANG_KIND, HANG_NAME, &hang_api);
#endif
static const fg_stage_type spans_type = TYPE(FG_KIND_SOURCE, "input/bad-spans@v1", &spans_api);
static const fg_stage_type partition_type = TYPE(FG_KIND_SOURCE, "input/bad-partition@v1", &partition_api);
static const fg_stage_type code_type = TYPE(FG_KIND_SOURCE, "input/bad-code@v1", &code_api);
static const fg_stage_type discard_type = TYPE(FG_KIND_OUTPUT, "output/discard@v1", &discard_api);

#if defined(VARIANT_TWICE)
static const fg_stage_type* const types[] = {&hang_type, &hang_type};
#elif defined(VARIANT_NULL_TYPE)
static const fg_stage_type* const types[] = {&hang_type, NULL};
#elif defined(VARIANT_LARGER_TABLES)
static const fg_stage_type* const types[] = {&hang_type};
#else
static const fg_stage_type* const types[] = {&hang_type, &spans_type, &partition_type, &code_type, &discard_type};
#endif

FLUXGATE_EXPORT int32_t fluxgate_plugin_init(int32_t abi_version, fg_plugin* plugin, fg_error* error);
FLUXGATE_EXPORT int32_t fluxgate_plugin_init(int32_t abi_version, fg_plugin* plugin, fg_error* error) {
    static const fg_text name = TEXT("variant"), version = TEXT("1.0.0");
    (void)error;
    (void)spans_type;
    (void)partition_type;
    (void)code_type;
    (void)discard_type;
    if (abi_version < FLUXGATE_ABI_VERSION_1_0_0) return FG_ERR_NOT_IMPLEMENTED;
#if defined(VARIANT_OLDER)
    return FG_ERR_NOT_IMPLEMENTED; /* speaks something before 1.0.0 only */
#endif
#if defined(VARIANT_UNKNOWN_CODE)
    return -57;
#endif
#if defined(VARIANT_LARGER_TABLES)
    larger.known.size = sizeof larger;
#endif
    plugin->abi_version = FLUXGATE_ABI_VERSION_1_0_0;
#if defined(VARIANT_NEWER)
    plugin->abi_version = 2000000; /* fills a version that nobody asked for */
#endif
    plugin->name = name;
    plugin->version = version;
    plugin->types = types;
    plugin->type_count = sizeof types / sizeof types[0];
#if defined(VARIANT_NO_TYPES)
    plugin->types = NULL;
#endif
#if defined(VARIANT_TOO_MANY)
    plugin->type_count = (size_t)-1;
#endif
    return FG_OK;
}
