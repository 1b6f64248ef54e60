/* A host in plain C11: loads a source plugin, configures it with a document, pulls batches, prints their messages to
 * standard output and acknowledges them.
 *
 *   fluxgate-c-host [--once] PLUGIN.so SOURCE.json
 *
 * Exit: 0 done (also when the reader of standard output went away), 1 failed while running, 2 usage, plugin or
 * configuration, 130 interrupted. Secrets come from the environment; log lines and dead letters go to standard error. */
#define _POSIX_C_SOURCE 200809L
#include "host_table.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };
enum { MAX_DOCUMENT_BYTES = 16 * 1024 * 1024 };

/* How long one call of next may take; an interrupt is seen after that at the latest. */
static const int64_t pull_timeout_ns = INT64_C(200) * 1000 * 1000;

static volatile sig_atomic_t interrupted = 0;

static void on_signal(int number) {
    (void)number;
    interrupted = 1;
}

static fg_text text_of(const char* s) {
    return (fg_text){s, strlen(s)};
}

/* The whole file, 0-terminated, or NULL after saying why. The caller frees it. */
static char* read_file(const char* path, size_t* size) {
    FILE* file = fopen(path, "rb");
    char* text = file == NULL ? NULL : malloc(MAX_DOCUMENT_BYTES + 1);
    if (text == NULL) {
        fprintf(stderr, "c-host: cannot read %s: %s\n", path, strerror(errno));
        if (file != NULL) fclose(file);
        return NULL;
    }
    *size = fread(text, 1, MAX_DOCUMENT_BYTES + 1, file);
    const char* trouble = ferror(file) != 0 ? "reading failed" : *size > MAX_DOCUMENT_BYTES ? "longer than 16 MiB" : NULL;
    fclose(file);
    if (trouble != NULL) {
        fprintf(stderr, "c-host: cannot use %s: %s\n", path, trouble);
        free(text);
        return NULL;
    }
    text[*size] = '\0';
    return text;
}

/* Loads the library and has it fill the table. It is never unloaded. */
static int load_plugin(const char* path, fg_plugin* plugin) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "c-host: cannot load %s: %s\n", path, dlerror());
        return 0;
    }
    fg_plugin_init_fn init = NULL;
    void* symbol = dlsym(library, FLUXGATE_PLUGIN_SYMBOL);
    if (symbol == NULL) {
        fprintf(stderr, "c-host: %s is no stage plugin: it does not export %s\n", path, FLUXGATE_PLUGIN_SYMBOL);
        return 0;
    }
    memcpy(&init, &symbol, sizeof init); /* ISO C has no cast from void* to a function */
    fg_error error = {0};
    memset(plugin, 0, sizeof *plugin);
    plugin->size = sizeof *plugin;
    const int32_t code = init(FLUXGATE_ABI_VERSION, plugin, &error);
    if (code != FG_OK) {
        print_error(path, code, &error);
        release_error(&error);
        return 0;
    }
    return 1;
}

/* Whether every required entry of a source is there. */
static int is_complete(const fg_source_api* api) {
    return api != NULL && api->size >= offsetof(fg_source_api, release) + sizeof api->release && api->create != NULL &&
           api->partition_count != NULL && api->next != NULL && api->acknowledge != NULL && api->cancel != NULL && api->wake != NULL &&
           api->release != NULL;
}

/* The plugin's first source type. */
static const fg_stage_type* find_source(const fg_plugin* plugin, const char* path) {
    for (size_t i = 0; i < plugin->type_count; ++i) {
        const fg_stage_type* type = plugin->types[i];
        if (type->kind == FG_KIND_SOURCE && is_complete(type->api)) return type;
    }
    fprintf(stderr, "c-host: %s offers no complete source stage\n", path);
    return NULL;
}

static void print_violation(void* context, int32_t severity, fg_text pointer, fg_text message) {
    (void)context;
    fprintf(stderr, "%s at %.*s: %.*s\n", severity == FG_SEVERITY_WARNING ? "warning" : "error", pointer.size == 0 ? 1 : (int)pointer.size,
            pointer.size == 0 ? "/" : pointer.data, (int)message.size, message.data);
}

/* Says everything that is wrong with the document. */
static int is_valid(const fg_stage_type* type, fg_text document) {
    if (type->size < offsetof(fg_stage_type, validate) + sizeof type->validate || type->validate == NULL) return 1; /* create will say it */
    fg_error error = {0};
    const int32_t code = type->validate(document, print_violation, NULL, &error);
    if (code != FG_OK && code != FG_ERR_CONFIGURATION) print_error("validating the document", code, &error);
    release_error(&error);
    return code == FG_OK;
}

static int acknowledge(const fg_source_api* api, void* stage, uint64_t sequence, int32_t outcome) {
    fg_error error = {0};
    const int32_t code = api->acknowledge(stage, sequence, outcome, &error);
    if (code != FG_OK) print_error("acknowledging a batch", code, &error);
    release_error(&error);
    return code == FG_OK;
}

enum printed { PRINTED, READER_GONE, PRINT_FAILED };

/* A batch is delivered when all of its text, which is JSON Lines, went out. */
static enum printed print_batch(const fg_batch* batch) {
    if (fwrite(batch->text, 1, batch->text_size, stdout) == batch->text_size && fflush(stdout) == 0) return PRINTED;
    if (errno == EPIPE) return READER_GONE;
    fprintf(stderr, "c-host: cannot write to standard output: %s\n", strerror(errno));
    return PRINT_FAILED;
}

/* Pulls until the source ends, something fails or somebody interrupts. */
static int run(const fg_source_api* api, void* stage) {
    for (;;) {
        if (interrupted) return EXIT_INTERRUPTED;
        fg_batch batch;
        fg_error error = {0};
        memset(&batch, 0, sizeof batch);
        const int32_t code = api->next(stage, pull_timeout_ns, &batch, &error);
        if (code == FG_NOTHING_YET) continue;
        if (code == FG_ENDED) return EXIT_DONE;
        if (code != FG_OK) {
            print_error("reading", code, &error);
            release_error(&error);
            return EXIT_FAILED;
        }
        const uint64_t sequence = batch.sequence;
        const enum printed printed = print_batch(&batch);
        if (batch.release != NULL) batch.release(&batch);
        const int acknowledged = acknowledge(api, stage, sequence, printed == PRINTED ? FG_DELIVERED : FG_ABANDONED);
        if (printed == READER_GONE) return EXIT_DONE;
        if (printed == PRINT_FAILED || !acknowledged) return EXIT_FAILED;
    }
}

/* Makes the stage, runs it and ends it. */
static int drive(const fg_stage_type* type, fg_text document, uint32_t flags) {
    const fg_source_api* api = type->api;
    const fg_stage_config config = {.size = sizeof config,
                                    .flags = flags,
                                    .document = document,
                                    .pipeline_id = text_of("c-host"),
                                    .instance_id = text_of("local"),
                                    .stage_id = text_of("input"),
                                    .partition = 0,
                                    .partition_count = 1};
    void* stage = NULL;
    fg_error error = {0};
    int32_t code = api->create(&config, c_host_table(), &stage, &error);
    if (code != FG_OK) {
        print_error("making the stage", code, &error);
        release_error(&error);
        return EXIT_USAGE;
    }
    int result = run(api, stage);
    api->cancel(stage);
    if (api->stop != NULL) {
        code = api->stop(stage, &error);
        if (code != FG_OK) {
            print_error("stopping", code, &error);
            if (result == EXIT_DONE) result = EXIT_FAILED;
        }
        release_error(&error);
    }
    api->release(stage);
    return result;
}

int main(int argc, char** argv) {
    const int once = argc > 1 && strcmp(argv[1], "--once") == 0;
    if (argc != 3 + once) {
        fputs("usage: fluxgate-c-host [--once] PLUGIN.so SOURCE.json\n", stderr);
        return EXIT_USAGE;
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN; /* a reader that went away is an error of fwrite */
    sigaction(SIGPIPE, &action, NULL);

    fg_plugin plugin;
    size_t size = 0;
    if (!load_plugin(argv[1 + once], &plugin)) return EXIT_USAGE;
    const fg_stage_type* type = find_source(&plugin, argv[1 + once]);
    if (type == NULL) return EXIT_USAGE;
    char* text = read_file(argv[2 + once], &size);
    if (text == NULL) return EXIT_USAGE;
    const fg_text document = {text, size};
    const int result = is_valid(type, document) ? drive(type, document, once ? FG_RUN_ONCE : 0) : EXIT_USAGE;
    free(text);
    return result;
}
