#define _POSIX_C_SOURCE 200809L
#include "host_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Untrusted bytes as one line of printable ASCII. */
static void print_escaped(fg_text text) {
    for (size_t i = 0; i < text.size; ++i) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c < 0x7F && c != '\\')
            fputc(c, stderr);
        else
            fprintf(stderr, "\\x%02X", (unsigned)c);
    }
}

static const char* level_name(int32_t level) {
    switch (level) {
    case FG_LOG_DEBUG: return "debug";
    case FG_LOG_INFO: return "info";
    case FG_LOG_WARNING: return "warning";
    default: return "error";
    }
}

/* Several threads may log: one line is written under stdio's own lock. */
static void host_log(void* context, int32_t level, fg_text event, fg_text message, const fg_field* fields, size_t field_count) {
    (void)context;
    if (level == FG_LOG_DEBUG) return;
    flockfile(stderr);
    fprintf(stderr, "%s ", level_name(level));
    print_escaped(event);
    fputs(": ", stderr);
    print_escaped(message);
    for (size_t i = 0; i < field_count; ++i) {
        fputc(' ', stderr);
        print_escaped(fields[i].name);
        fputc('=', stderr);
        print_escaped(fields[i].value);
    }
    fputc('\n', stderr);
    funlockfile(stderr);
}

/* A copy of a message that the error owns. Without memory only the code travels. */
static void release_message(fg_error* error) {
    free(error->private_data);
    error->private_data = NULL;
    error->message = NULL;
    error->release = NULL;
}

static int32_t fail(fg_error* error, int32_t code, const char* message, const char* detail) {
    if (error == NULL) return code;
    const size_t size = strlen(message) + strlen(detail) + 1;
    char* text = malloc(size);
    error->code = code;
    if (text == NULL) return code;
    snprintf(text, size, "%s%s", message, detail);
    error->message = text;
    error->private_data = text;
    error->release = release_message;
    return code;
}

/* Through a volatile pointer, so that the compiler cannot leave it out. */
static void release_secret(fg_secret* secret) {
    volatile char* bytes = secret->private_data;
    for (size_t i = 0; i < secret->size; ++i)
        bytes[i] = 0;
    free(secret->private_data);
    memset(secret, 0, sizeof *secret);
}

static int32_t host_resolve_secret(void* context, fg_text name, fg_secret* out, fg_error* error) {
    (void)context;
    char variable[256];
    if (name.size == 0 || name.size >= sizeof variable) return fail(error, FG_ERR_SECRET, "the name of a secret has 1 to 255 bytes", "");
    memcpy(variable, name.data, name.size);
    variable[name.size] = '\0';
    const char* value = getenv(variable);
    if (value == NULL) return fail(error, FG_ERR_SECRET, "the secret is not set; put it into the environment variable ", variable);
    size_t size = strlen(value);
    if (size > 0 && value[size - 1] == '\n') --size;
    char* copy = malloc(size + 1);
    if (copy == NULL) return fail(error, FG_ERR_SECRET, "no memory for the secret ", variable);
    memcpy(copy, value, size);
    out->data = copy;
    out->size = size;
    out->private_data = copy;
    out->release = release_secret;
    return FG_OK;
}

static int32_t host_state_get(void* context, fg_text key, fg_blob* out, fg_error* error) {
    (void)context, (void)key, (void)out;
    return fail(error, FG_ERR_STATE, "this host keeps no state", "");
}

static int32_t host_state_commit(void* context, const fg_state_change* changes, size_t count, fg_error* error) {
    (void)context, (void)changes, (void)count;
    return fail(error, FG_ERR_STATE, "this host keeps no state", "");
}

static void host_metric(void* context, int32_t kind, fg_text name, const fg_field* labels, size_t label_count, double value) {
    (void)context, (void)kind, (void)name, (void)labels, (void)label_count, (void)value;
}

/* On record means here: written to standard error, which the user may send to a file. */
static int32_t host_dead_letter(void* context, const fg_dead_letter* letter, fg_error* error) {
    (void)context;
    flockfile(stderr);
    fputs("dead letter ", stderr);
    print_escaped(letter->code);
    fputs(": ", stderr);
    print_escaped(letter->text);
    fputs(letter->truncated != 0 ? "; begins with: " : "; whole: ", stderr);
    print_escaped(letter->raw);
    fputc('\n', stderr);
    const int failed = fflush(stderr) != 0 || ferror(stderr) != 0;
    funlockfile(stderr);
    return failed ? fail(error, FG_ERR_DEAD_LETTER, "standard error cannot be written", "") : FG_OK;
}

static void host_set_health(void* context, int32_t level, fg_text code, fg_text text) {
    const char* name = level == FG_HEALTH_OK ? "ok" : level == FG_HEALTH_RETRYING ? "retrying" : "needs attention";
    (void)context;
    flockfile(stderr);
    fprintf(stderr, "health %s ", name);
    print_escaped(code);
    fputs(": ", stderr);
    print_escaped(text);
    fputc('\n', stderr);
    funlockfile(stderr);
}

static int64_t now(clockid_t clock) {
    struct timespec t = {0, 0};
    clock_gettime(clock, &t); /* both clocks always exist on the systems this runs on */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t host_monotonic_ns(void* context) {
    (void)context;
    return now(CLOCK_MONOTONIC);
}

static int64_t host_wall_ns(void* context) {
    (void)context;
    return now(CLOCK_REALTIME);
}

/* Only outputs complete tokens, and this program loads none. */
static void host_complete(void* context, uint64_t token, int32_t outcome) {
    (void)context, (void)token, (void)outcome;
}

const fg_host* c_host_table(void) {
    static const fg_host table = {
        .size = sizeof(fg_host),
        .abi_version = FLUXGATE_ABI_VERSION,
        .context = NULL,
        .log = host_log,
        .resolve_secret = host_resolve_secret,
        .state_get = host_state_get,
        .state_commit = host_state_commit,
        .metric = host_metric,
        .dead_letter = host_dead_letter,
        .set_health = host_set_health,
        .monotonic_ns = host_monotonic_ns,
        .wall_ns = host_wall_ns,
        .complete = host_complete,
    };
    return &table;
}

void print_error(const char* what, int32_t code, const fg_error* error) {
    flockfile(stderr);
    fprintf(stderr, "c-host: %s: ", what);
    if (error->message != NULL)
        print_escaped((fg_text){error->message, strlen(error->message)});
    else
        fprintf(stderr, "error %d", (int)code);
    if (error->server_text != NULL) {
        fputs(" (the server said: ", stderr);
        print_escaped((fg_text){error->server_text, strlen(error->server_text)});
        fputc(')', stderr);
    }
    fputc('\n', stderr);
    funlockfile(stderr);
}

void release_error(fg_error* error) {
    if (error->release != NULL) error->release(error);
}
