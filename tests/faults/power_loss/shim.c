/* A shared library to preload. It writes down what the program does to the files below one directory: bytes, names and syncs, in
 * their order. A power loss at any moment can then be computed from the record, which no SIGKILL can show, for a killed
 * program's bytes stay in the system's cache. It can also answer as a disk in trouble does (shim_faults.h).
 *
 * One lock is held around a call and its record, so the order of the records is the order of the effects. Calls are made as
 * system calls. Syncs are written down, not carried out: what counts is the record, and it is quick on any disk.
 *
 * What it does not see (stdio's own writes, other programs) the replay finds: it compares its whole result with the directory.
 * What would change files unseen is refused by ending the program. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_DESCRIPTORS = 4096 };

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watched table[MAX_DESCRIPTORS];
static char root[PATH_MAX];
static size_t root_size;
int trace = -1;

/* --- refusing and recording --- */

_Noreturn void refuse(const char* call, const char* name) {
    char text[PATH_MAX + 128];
    const int size = snprintf(text, sizeof text, "power-loss shim: %s of '%s' is not modelled; the program is ended\n", call, name);
    syscall(SYS_write, 2, text, (size_t)size);
    abort();
}

static void put(const void* bytes, size_t size) {
    const char* at = bytes;
    while (size > 0) {
        const long written = syscall(SYS_write, trace, at, size);
        if (written <= 0) refuse("recording", root);
        at += written;
        size -= (size_t)written;
    }
}

void record(enum fg_trace_op op, ino_t inode, off_t offset, const char* name, const char* name2, int error) {
    const struct fg_trace_record head = {.magic = FG_TRACE_MAGIC,
                                         .op = op,
                                         .inode = inode,
                                         .offset = (uint64_t)offset,
                                         .path_bytes = (uint32_t)strlen(name),
                                         .path2_bytes = (uint32_t)strlen(name2),
                                         .error = error};
    put(&head, sizeof head);
    put(name, head.path_bytes);
    put(name2, head.path2_bytes);
}

void record_write(const struct watched* file, off_t offset, const struct iovec* pieces, int count, size_t size) {
    const struct fg_trace_record head = {.magic = FG_TRACE_MAGIC,
                                         .op = FG_TRACE_WRITE,
                                         .inode = file->inode,
                                         .offset = (uint64_t)offset,
                                         .data_bytes = size,
                                         .path_bytes = (uint32_t)strlen(file->name)};
    put(&head, sizeof head);
    put(file->name, head.path_bytes);
    for (int i = 0; i < count && size > 0; ++i) {
        const size_t part = pieces[i].iov_len < size ? pieces[i].iov_len : size;
        put(pieces[i].iov_base, part);
        size -= part;
    }
}

__attribute__((constructor)) static void begin(void) {
    const char *directory = getenv(FG_POWER_ROOT), *file = getenv(FG_POWER_TRACE), *faults = getenv(FG_POWER_FAULTS);
    if (directory == NULL || file == NULL) return;
    if (strlen(directory) >= sizeof root) refuse("watching", directory);
    if (faults != NULL && !read_faults(faults)) refuse("the variable " FG_POWER_FAULTS, faults);
    const long fd = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) refuse("opening the trace", file);
    trace = (int)fd;
    strcpy(root, directory);
    root_size = strlen(root);
}

/* --- names and descriptors --- */

/* Takes "", "." and ".." out of an absolute path. */
static void tidy(char* path) {
    char out[PATH_MAX] = "";
    size_t size = 0;
    char* rest = path;
    for (char* part = strtok_r(path, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
        if (strcmp(part, ".") == 0) continue;
        if (strcmp(part, "..") == 0) {
            while (size > 0 && out[--size] != '/') {
            }
            out[size] = 0;
            continue;
        }
        size += (size_t)snprintf(out + size, sizeof out - size, "/%s", part);
        if (size >= sizeof out) return;
    }
    strcpy(path, size == 0 ? "/" : out);
}

bool below(int directory, const char* path, char out[PATH_MAX]) {
    if (trace < 0 || path == NULL) return false;
    const int code = errno;
    char full[2 * PATH_MAX] = "";
    if (path[0] != '/') {
        if (directory == AT_FDCWD) {
            if (syscall(SYS_getcwd, full, (size_t)PATH_MAX) < 0) full[0] = 0;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
            const long size = syscall(SYS_readlinkat, AT_FDCWD, link, full, (size_t)PATH_MAX - 1);
            full[size > 0 ? size : 0] = 0;
        }
        strcat(full, "/");
    }
    errno = code;
    if (strlen(path) >= PATH_MAX || strlen(full) + strlen(path) >= PATH_MAX) return false;
    strcat(full, path);
    tidy(full);
    if (strncmp(full, root, root_size) != 0 || (full[root_size] != '/' && full[root_size] != 0)) return false;
    strcpy(out, full[root_size] == 0 ? "" : full + root_size + 1);
    return true;
}

void forget(int fd) {
    if (fd < 0 || fd >= MAX_DESCRIPTORS) return;
    free(table[fd].name);
    table[fd] = (struct watched){0};
}

struct watched* remember(int fd, const char* name, int flags) {
    struct stat info;
    if (fd >= MAX_DESCRIPTORS || fstat(fd, &info) != 0) refuse("so many descriptors, opening", name);
    forget(fd);
    table[fd] =
        (struct watched){strdup(name), info.st_dev, info.st_ino, S_ISDIR(info.st_mode), (flags & O_APPEND) != 0, (flags & (O_SYNC | O_DSYNC)) != 0};
    return &table[fd];
}

struct watched* watched(int fd) {
    if (trace < 0 || fd < 0 || fd >= MAX_DESCRIPTORS || table[fd].name == NULL) return NULL;
    struct stat info;
    const int code = errno;
    const bool same = fstat(fd, &info) == 0 && info.st_dev == table[fd].device && info.st_ino == table[fd].inode;
    errno = code;
    if (!same) forget(fd);
    return same ? &table[fd] : NULL;
}

bool refused(unsigned classes, const char* name, bool* half) {
    const char* removed = name;
    const int answer = fault_of(classes, name, &removed);
    if (answer == 0) return false;
    record(FG_TRACE_FAULT, 0, 0, removed, "", answer > 0 ? answer : 0);
    if (answer == ANSWER_HALF) {
        *half = true;
        return false;
    }
    if (answer == ANSWER_REMOVE) {
        char full[2 * PATH_MAX];
        snprintf(full, sizeof full, "%s/%s", root, removed);
        if (syscall(SYS_unlinkat, AT_FDCWD, full, 0) == 0) record(FG_TRACE_UNLINK, 0, 0, removed, "", 0);
        return false;
    }
    errno = answer;
    return true;
}
