/* fluxgate/stage.h - the C ABI between a pipeline host and its stages.
 *
 * A stage plugin is a shared library that exports ONE symbol, fluxgate_plugin_init. The host passes the ABI version it
 * speaks and a table that it allocated; the plugin fills the prefix that this version documents. Everything else is
 * reached through function tables.
 *
 * Rules that hold for every entry:
 *  - Tables are append-only. Every table begins with `size`, the number of bytes its writer knows. A reader never reads
 *    an entry beyond `size`. Entries marked REQUIRED must not be NULL; the others may be NULL ("not offered").
 *  - Ownership is said at each pointer. Text (`fg_text`) is a view: UTF-8, not 0-terminated, valid during the call only,
 *    unless an entry says otherwise.
 *  - Exceptions, signals and longjmp never cross. A plugin never calls exit.
 *  - Threads: the host serialises all calls to one stage instance and may make them from different threads, with two
 *    exceptions that may come from any thread at any time: `cancel` and `wake` of a source. A stage never calls the host
 *    from a thread of its own, but for fg_host entries marked THREAD-SAFE.
 *  - Times: durations and instants are nanoseconds in int64_t. Monotonic instants come from fg_host.monotonic_ns.
 *  - Plugins are never unloaded. Batches stay valid after the stage that made them was released.
 *
 * This header is C11 and includes nothing but the standard's headers. Licence: see LICENSE.
 */
#ifndef FLUXGATE_STAGE_H
#define FLUXGATE_STAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define FLUXGATE_EXPORT __declspec(dllexport)
#else
#define FLUXGATE_EXPORT __attribute__((visibility("default")))
#endif

/* Versions are MAJOR * 1000000 + MINOR * 1000 + PATCH. */
#define FLUXGATE_ABI_VERSION_1_0_0 1000000
#define FLUXGATE_ABI_VERSION FLUXGATE_ABI_VERSION_1_0_0

/* The name of the one exported symbol. */
#define FLUXGATE_PLUGIN_SYMBOL "fluxgate_plugin_init"

/* What a call answered. Values below 100 steer the host, values from 100 on are errors; every error has one meaning,
 * and one text (fluxgate::message_of in error.hpp). */
enum fg_code {
    FG_OK = 0,
    FG_NOTHING_YET = 1, /* source: no batch within the timeout, or woken */
    FG_ENDED = 2,       /* source: there will never be another batch */
    FG_BUSY = 3,        /* output: cannot take this batch now; it stays the host's; call poll, then write again */

    FG_ERR_INTERNAL = 100,          /* a defect in the stage or the host */
    FG_ERR_NOT_IMPLEMENTED = 101,   /* this version or entry is not offered */
    FG_ERR_INVALID_ARGUMENT = 102,  /* the caller broke the contract of the entry */
    FG_ERR_CONFIGURATION = 103,     /* the document is wrong; details lists every violation */
    FG_ERR_UNKNOWN_STAGE = 104,     /* no plugin offers the stage type */
    FG_ERR_PLUGIN = 105,            /* a plugin cannot be loaded or broke the ABI */
    FG_ERR_SECRET = 106,            /* a secret reference cannot be resolved */
    FG_ERR_RESOLVE = 107,           /* the host name cannot be resolved */
    FG_ERR_CONNECT = 108,           /* no address of the server accepts a connection, or the connection broke */
    FG_ERR_TLS = 109,               /* the TLS handshake or certificate verification failed */
    FG_ERR_TIMEOUT = 110,           /* a deadline passed */
    FG_ERR_HTTP = 111,              /* the answer is not HTTP, or exceeds a limit of HTTP parsing */
    FG_ERR_HTTP_STATUS = 112,       /* the server answered with a status that is not success */
    FG_ERR_INCOMPLETE = 113,        /* the answer ended before it was complete */
    FG_ERR_CORRUPT = 114,           /* the answer is not annotated CSV */
    FG_ERR_QUERY = 115,             /* the server reported an error of the query inside its answer */
    FG_ERR_RETRIES_EXHAUSTED = 116, /* the configured number of tries is used up */
    FG_ERR_CANCELLED = 117,         /* cancel was called */
    FG_ERR_LIMIT = 118,             /* a configured bound was reached */
    FG_ERR_IO = 119,                /* a file or device failed */
    FG_ERR_OUTPUT_CLOSED = 120,     /* the reader of an output went away (a closed pipe); ends a run quietly */
    FG_ERR_DEAD_LETTER = 121,       /* a dead letter cannot be made durable */
    FG_ERR_STATE = 122,             /* the state store is missing or failed */
    FG_ERR_JQ = 123                 /* a jq expression does not compile or failed */
};

enum fg_log_level { FG_LOG_DEBUG = 0, FG_LOG_INFO = 1, FG_LOG_WARNING = 2, FG_LOG_ERROR = 3 };

enum fg_stage_kind { FG_KIND_SOURCE = 1, FG_KIND_PROCESSOR = 2, FG_KIND_OUTPUT = 3 };

/* What became of a batch. There is no partial outcome. */
enum fg_outcome {
    FG_DELIVERED = 1, /* each message is durable at every output, was dropped by a filter, or is a durable dead letter */
    FG_ABANDONED = 2  /* shutdown or a fatal error: the batch must be read again */
};

enum fg_health_level { FG_HEALTH_OK = 0, FG_HEALTH_RETRYING = 1, FG_HEALTH_NEEDS_ATTENTION = 2 };

enum fg_severity { FG_SEVERITY_ERROR = 0, FG_SEVERITY_WARNING = 1 };

enum fg_run_flags {
    FG_RUN_ONCE = 1u,                 /* source: deliver one complete result, then answer FG_ENDED (or an error, see fg_source_api.next) */
    FG_ACCEPT_CHANGED_QUERY = 1u << 1 /* source: go on from a cursor that was written for another url, organization or query */
};

enum fg_metric_kind { FG_METRIC_COUNTER = 0 /* add value */, FG_METRIC_GAUGE = 1 /* set value */, FG_METRIC_HISTOGRAM = 2 /* observe value */ };

/* A view of UTF-8 text. data may be NULL when size is 0. */
typedef struct fg_text {
    const char* data;
    size_t size;
} fg_text;

/* An error with its diagnostics. The caller zeroes it before the call; the callee fills it only when it answers a code
 * >= 100. The caller calls release (if not NULL) when done. Strings are 0-terminated and owned by the struct. What the
 * server said stands apart from what we say: it is untrusted. Secrets never appear in it. */
typedef struct fg_error {
    int32_t code;            /* enum fg_code */
    int32_t http_status;     /* 0 when there was none */
    int32_t retryable;       /* 1: the same call may succeed later; 0: somebody must change something */
    int32_t reserved;        /* 0 */
    const char* message;     /* what, where, what to do; may be NULL */
    const char* server_text; /* the server's own words, or NULL */
    const char* details;     /* JSON text, or NULL. FG_ERR_CONFIGURATION: [{"pointer","message","severity"}...] */
    void* private_data;      /* the callee's */
    void (*release)(struct fg_error* error);
} fg_error;

/* Where a message stands in its batch's text, in bytes. The payload lies inside the message. */
typedef struct fg_span {
    uint32_t offset, size;
    uint32_t payload_offset, payload_size; /* payload_offset counts from the beginning of the batch's text */
} fg_span;

/* Messages of one partition in one block of text. The text is JSON Lines: the messages lie one behind the other, in
 * order, each followed by one line feed that is not part of its span, and nothing else lies between or around them.
 * The struct is the caller's; what it points to is the batch's, immutable, valid until release, and may be read and
 * released from any thread. */
typedef struct fg_batch {
    uint64_t sequence;  /* unique and rising within a source and run */
    uint32_t partition; /* 0 .. partition count - 1 */
    uint32_t count;     /* number of messages, > 0 from a source */
    const char* text;
    size_t text_size;                        /* <= UINT32_MAX */
    const fg_span* messages;                 /* count spans */
    int64_t received_ns;                     /* wall clock, nanoseconds since 1970 UTC, when the youngest message's bytes were received */
    void* private_data;                      /* the maker's */
    void (*release)(struct fg_batch* batch); /* called once; NULL means nothing to free */
} fg_batch;

/* A name and a value of a structured log line. */
typedef struct fg_field {
    fg_text name, value;
} fg_field;

/* A secret's value. The callee fills it, the caller calls release, which overwrites the bytes. */
typedef struct fg_secret {
    const char* data;
    size_t size;
    void* private_data;
    void (*release)(struct fg_secret* secret);
} fg_secret;

/* A value of the state store, owned until release. */
typedef struct fg_blob {
    const char* data;
    size_t size;
    void* private_data;
    void (*release)(struct fg_blob* blob);
} fg_blob;

/* One change of a state commit. erase != 0 removes the key, else value is put. */
typedef struct fg_state_change {
    fg_text key, value;
    int32_t erase;
} fg_state_change;

/* A row or message that could not be delivered. */
typedef struct fg_dead_letter {
    fg_text code;      /* a short fixed word, e.g. "type-mismatch", "partition-out-of-range" */
    fg_text text;      /* one sentence for a person: what, where, why */
    int64_t partition; /* -1 when unknown */
    uint64_t sequence; /* the batch that covers it; 0 when none does (a source's rows are covered by what it emits next) */
    int32_t truncated; /* 1: raw is only the beginning */
    fg_text raw;       /* any bytes */
} fg_dead_letter;

/* What the host offers. The table outlives every stage. */
typedef struct fg_host {
    uint32_t size;
    uint32_t abi_version;
    void* context; /* first argument of every entry */

    /* THREAD-SAFE. One structured line. event is a fixed word ("query.failed"). REQUIRED */
    void (*log)(void* context, int32_t level, fg_text event, fg_text message, const fg_field* fields, size_t field_count);

    /* Resolves a secret reference: secrets directory, then environment. Called when a query starts, so that rotation
     * needs no restart. FG_ERR_SECRET names the reference and the places tried. REQUIRED */
    int32_t (*resolve_secret)(void* context, fg_text name, fg_secret* out, fg_error* error);

    /* The stage's small key-value store. state_get of a missing key answers FG_OK with data == NULL. state_commit is
     * atomic and durable when it returns FG_OK, and so is then every dead letter that the stage put on record before.
     * FG_ERR_STATE when the run has no state. REQUIRED */
    int32_t (*state_get)(void* context, fg_text key, fg_blob* out, fg_error* error);
    int32_t (*state_commit)(void* context, const fg_state_change* changes, size_t count, fg_error* error);

    /* THREAD-SAFE. Label sets must be bounded. REQUIRED */
    void (*metric)(void* context, int32_t kind, fg_text name, const fg_field* labels, size_t label_count, double value);

    /* Puts a dead letter on record. It is durable before an acknowledgement that covers it is given; for a source that
     * means: before the acknowledgement of the next batch it emits, before its next state_commit returns FG_OK, and
     * before its own end. On an error the stage stops reading and answers FG_ERR_DEAD_LETTER. REQUIRED */
    int32_t (*dead_letter)(void* context, const fg_dead_letter* letter, fg_error* error);

    /* THREAD-SAFE. level is an fg_health_level, code a fixed word, text for a person. REQUIRED */
    void (*set_health)(void* context, int32_t level, fg_text code, fg_text text);

    /* THREAD-SAFE. Nanoseconds of a clock that never jumps / since 1970-01-01 UTC. REQUIRED */
    int64_t (*monotonic_ns)(void* context);
    int64_t (*wall_ns)(void* context);

    /* THREAD-SAFE. An output says once for each written token what became of its batch; may be called inside write,
     * poll, flush and stop. outcome is an fg_outcome. REQUIRED */
    void (*complete)(void* context, uint64_t token, int32_t outcome);
} fg_host;

/* What a stage instance is made from. Valid during create only. */
typedef struct fg_stage_config {
    uint32_t size;
    uint32_t flags;      /* fg_run_flags */
    fg_text document;    /* the stage's JSON object, as written by the user */
    fg_text pipeline_id; /* [A-Za-z0-9._-]+ */
    fg_text instance_id;
    fg_text stage_id;         /* the stage's key in the pipeline document; "input" for its source */
    uint32_t partition;       /* processors and outputs: the partition this instance serves */
    uint32_t partition_count; /* processors and outputs: of the whole pipeline */
} fg_stage_config;

/* Receives one finding about a document. pointer is a JSON pointer (RFC 6901) into the stage's own object. */
typedef void (*fg_violation_fn)(void* context, int32_t severity, fg_text pointer, fg_text message);

/* Receives one line of JSON without line feed (check, schema, plan). Answers 0 to go on, else the call ends early. */
typedef int32_t (*fg_line_fn)(void* context, fg_text json);

/* A source is pulled. */
typedef struct fg_source_api {
    uint32_t size;
    uint32_t reserved;

    /* Makes an instance; no I/O. *stage is the plugin's. FG_ERR_CONFIGURATION lists every violation. REQUIRED */
    int32_t (*create)(const fg_stage_config* config, const fg_host* host, void** stage, fg_error* error);

    /* Number of partitions, 1 .. 1024, fixed for the instance's life. REQUIRED */
    uint32_t (*partition_count)(void* stage);

    /* Drives the stage for at most timeout_ns (0: only what is ready). FG_OK: *batch is filled and the caller's.
     * FG_NOTHING_YET: time is up, or wake was called. FG_ENDED. An error ends the source: next is not called again; trouble
     * that may heal is handled inside. With FG_RUN_ONCE an error also means: the one result could not be had.
     * Deadlines of the stage count only time spent inside next. REQUIRED */
    int32_t (*next)(void* stage, int64_t timeout_ns, fg_batch* batch, fg_error* error);

    /* Exactly one call a batch, in any order, between calls of next. REQUIRED */
    int32_t (*acknowledge)(void* stage, uint64_t sequence, int32_t outcome, fg_error* error);

    /* Any thread. cancel: next answers FG_ERR_CANCELLED soon, now and for ever. wake: a running (or else the next) next
     * answers FG_NOTHING_YET soon. Neither waits. REQUIRED */
    void (*cancel)(void* stage);
    void (*wake)(void* stage);

    /* Last call before release, after every batch was acknowledged: state is written, connections close. May be NULL. */
    int32_t (*stop)(void* stage, fg_error* error);

    /* Frees the instance; batches that are out stay valid. REQUIRED */
    void (*release)(void* stage);

    /* Optional commands: JSON lines to the callback, within deadline_ns (monotonic instant). May be NULL.
     * check tries what the stage needs, step by step, instead of next. One line a step, in order: {"step","status" ("ok",
     * "warning", "failed", "skipped" or "not_reached"),"milliseconds","text","cause","next"}. FG_OK: it went to its end, whatever
     * it found; FG_ERR_CANCELLED: the callback wanted no more.
     * schema says what is in the server. One line a thing, told apart by {"item"}: "bucket", "measurement" with its fields and tags, "cut"
     * where something was left out, in the form that the source type documents. What is looked at is the document's own matter (its
     * setting "schema"). FG_OK: it went to its end, or as far as the deadline allowed, and said so.
     * plan says what a run would do next, and emits and stores nothing. One line a thing, told apart by {"item"}: "query", then what
     * the source type documents ("windows", "rows", "columns", "message", "partitions", "deadLetters"). The first line, which needs no
     * network, has "refused" when a run would not begin at all: why, and what to do. A reload asks for that line only. */
    int32_t (*check)(void* stage, int64_t deadline_ns, fg_line_fn line, void* line_context, fg_error* error);
    int32_t (*schema)(void* stage, int64_t deadline_ns, fg_line_fn line, void* line_context, fg_error* error);
    int32_t (*plan)(void* stage, int64_t deadline_ns, fg_line_fn line, void* line_context, fg_error* error);
} fg_source_api;

/* A processor maps a batch to a batch. One instance a partition. */
typedef struct fg_processor_api {
    uint32_t size;
    uint32_t reserved;
    int32_t (*create)(const fg_stage_config* config, const fg_host* host, void** stage, fg_error* error); /* REQUIRED */

    /* Reads *in (the host's, released after the call) and fills *out with the same sequence and partition; out->count
     * may be 0. An error stops the pipeline; a message that fails is a dead letter instead. REQUIRED */
    int32_t (*process)(void* stage, const fg_batch* in, fg_batch* out, fg_error* error);
    void (*release)(void* stage); /* REQUIRED */
} fg_processor_api;

/* An output makes batches durable. One instance a partition; instances run concurrently. */
typedef struct fg_output_api {
    uint32_t size;
    uint32_t reserved;
    int32_t (*create)(const fg_stage_config* config, const fg_host* host, void** stage, fg_error* error); /* REQUIRED */

    /* FG_OK: the stage owns *batch now and reports complete(token, ...) once, later or inside this call. FG_BUSY: nothing
     * was taken. An error: nothing was taken, the output is broken and the pipeline stops. Never blocks long (< 1 s).
     * REQUIRED */
    int32_t (*write)(void* stage, fg_batch* batch, uint64_t token, fg_error* error);

    /* Works for at most timeout_ns. *next_deadline_ns (monotonic) is when the stage wants the next poll at the latest;
     * the host calls by then and at least every second. REQUIRED */
    int32_t (*poll)(void* stage, int64_t timeout_ns, int64_t* next_deadline_ns, fg_error* error);

    /* Makes everything written durable and completes it, by deadline_ns (monotonic). FG_BUSY: not all done in time. REQUIRED */
    int32_t (*flush)(void* stage, int64_t deadline_ns, fg_error* error);

    /* Frees the instance. Tokens that are still open are completed as FG_ABANDONED by the stage before. REQUIRED */
    void (*release)(void* stage);
} fg_output_api;

/* A stage type as data. Lives as long as the process. */
typedef struct fg_stage_type {
    uint32_t size;
    int32_t kind;                   /* fg_stage_kind */
    fg_text name;                   /* "input/influxdbv2@v1" */
    fg_text version;                /* of the implementation, "1.0.0" */
    fg_text schema;                 /* JSON Schema (draft 7) of the stage's object */
    const fg_text* secret_settings; /* JSON pointers of settings that name secrets */
    size_t secret_setting_count;
    const void* api; /* fg_source_api, fg_processor_api or fg_output_api, by kind */

    /* Reports every violation and warning of a document, schema and meaning, without I/O. May be NULL: then the host
     * checks against the schema only. Answers FG_OK when there is no violation of severity error, else
     * FG_ERR_CONFIGURATION. */
    int32_t (*validate)(fg_text document, fg_violation_fn report, void* report_context, fg_error* error);
} fg_stage_type;

/* The table that fluxgate_plugin_init fills. The host sets size before the call; the plugin fills what fits. */
typedef struct fg_plugin {
    uint32_t size;
    uint32_t abi_version; /* the version the plugin filled, <= the one asked for */
    fg_text name;         /* "influxdb" */
    fg_text version;
    const fg_stage_type* const* types; /* type_count pointers */
    size_t type_count;
} fg_plugin;

/* The one exported symbol: fluxgate_plugin_init. Answers FG_OK, or FG_ERR_NOT_IMPLEMENTED when the plugin does not speak
 * abi_version (the host may then ask for an older one). Thread-safe and repeatable. */
typedef int32_t (*fg_plugin_init_fn)(int32_t abi_version, fg_plugin* plugin, fg_error* error);

#ifdef __cplusplus
}
#endif
#endif
