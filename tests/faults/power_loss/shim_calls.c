/* The C library's calls that change files, in front of the library's own. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))

/* --- opening and closing --- */

static int open_watched(int directory, const char* path, const char* name, int flags, mode_t mode) {
    if ((flags & O_TMPFILE) == O_TMPFILE) refuse("O_TMPFILE", name);
    pthread_mutex_lock(&lock);
    struct stat info;
    const int code = errno;
    const bool existed = fstatat(directory, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
    errno = code;
    const bool writes = (flags & O_ACCMODE) != O_RDONLY, creates = !existed && (flags & O_CREAT) != 0;
    bool half = false;
    long fd = -1;
    if (!refused((writes ? CALL_OPEN : 0u) | (creates ? CALL_ROOM | CALL_ENTRY : 0u), name, &half))
        fd = syscall(SYS_openat, directory, path, flags, mode);
    if (fd >= 0) {
        const struct watched* file = remember((int)fd, name, flags);
        if (creates) {
            record(FG_TRACE_CREATE, file->inode, 0, name, "", 0);
        } else if (writes && (flags & O_TRUNC) != 0) {
            record(FG_TRACE_TRUNCATE, file->inode, 0, name, "", 0);
        }
    }
    pthread_mutex_unlock(&lock);
    return (int)fd;
}

static int open_any(int directory, const char* path, int flags, mode_t mode) {
    char name[PATH_MAX];
    if (below(directory, path, name)) return open_watched(directory, path, name, flags, mode);
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}

#define MODE_OF(flags)                                                                                                                               \
    mode_t mode = 0;                                                                                                                                 \
    if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) {                                                                                \
        va_list rest;                                                                                                                                \
        va_start(rest, flags);                                                                                                                       \
        mode = va_arg(rest, mode_t);                                                                                                                 \
        va_end(rest);                                                                                                                                \
    }

SHIM int open(const char* path, int flags, ...) {
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}
SHIM int open64(const char* path, int flags, ...) {
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}
SHIM int openat(int directory, const char* path, int flags, ...) {
    MODE_OF(flags)
    return open_any(directory, path, flags, mode);
}
SHIM int openat64(int directory, const char* path, int flags, ...) {
    MODE_OF(flags)
    return open_any(directory, path, flags, mode);
}
SHIM int creat(const char* path, mode_t mode) {
    return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
SHIM int creat64(const char* path, mode_t mode) {
    return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
/* What the compiler makes of open() without a mode. */
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int directory, const char* path, int flags);
int __openat64_2(int directory, const char* path, int flags);
SHIM int __open_2(const char* path, int flags) {
    return open_any(AT_FDCWD, path, flags, 0);
}
SHIM int __open64_2(const char* path, int flags) {
    return open_any(AT_FDCWD, path, flags, 0);
}
SHIM int __openat_2(int directory, const char* path, int flags) {
    return open_any(directory, path, flags, 0);
}
SHIM int __openat64_2(int directory, const char* path, int flags) {
    return open_any(directory, path, flags, 0);
}

SHIM int close(int fd) {
    if (trace < 0) return (int)syscall(SYS_close, fd);
    pthread_mutex_lock(&lock);
    forget(fd);
    const int answer = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&lock);
    return answer;
}

static int copied(int from, int to) {
    if (trace < 0 || to < 0 || from == to) return to;
    pthread_mutex_lock(&lock);
    const struct watched* file = watched(from);
    if (file != NULL) {
        remember(to, file->name, (file->append ? O_APPEND : 0) | (file->synced ? O_SYNC : 0));
    } else {
        forget(to);
    }
    pthread_mutex_unlock(&lock);
    return to;
}

SHIM int dup(int fd) {
    return copied(fd, (int)syscall(SYS_dup, fd));
}
SHIM int dup2(int fd, int to) {
    return fd == to ? (fcntl(fd, F_GETFD) < 0 ? -1 : to) : copied(fd, (int)syscall(SYS_dup3, fd, to, 0));
}
SHIM int dup3(int fd, int to, int flags) {
    return copied(fd, (int)syscall(SYS_dup3, fd, to, flags));
}
static int control(int fd, int command, void* argument) {
    const int answer = (int)syscall(SYS_fcntl, fd, command, argument);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? copied(fd, answer) : answer;
}
SHIM int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void* argument = va_arg(rest, void*);
    va_end(rest);
    return control(fd, command, argument);
}
int fcntl64(int fd, int command, ...);
SHIM int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void* argument = va_arg(rest, void*);
    va_end(rest);
    return control(fd, command, argument);
}

/* --- bytes --- */

static ssize_t raw_write(int fd, const struct iovec* pieces, int count, off_t at, bool positioned) {
    return positioned ? syscall(SYS_pwritev, fd, pieces, count, (unsigned long)at, 0ul) : syscall(SYS_writev, fd, pieces, count);
}

/* Of a write that is to be short: half of its first piece that is not empty. */
static ssize_t write_half(int fd, const struct iovec* pieces, int count, off_t at, bool positioned) {
    while (count > 1 && pieces->iov_len == 0) {
        ++pieces;
        --count;
    }
    const struct iovec half = {pieces->iov_base, pieces->iov_len > 1 ? pieces->iov_len / 2 : pieces->iov_len};
    return raw_write(fd, &half, 1, at, positioned);
}

static ssize_t write_any(int fd, const struct iovec* pieces, int count, off_t at, bool positioned) {
    if (trace < 0) return raw_write(fd, pieces, count, at, positioned);
    pthread_mutex_lock(&lock);
    const struct watched* file = watched(fd);
    if (file == NULL) { /* a pipe, say, where it may wait */
        pthread_mutex_unlock(&lock);
        return raw_write(fd, pieces, count, at, positioned);
    }
    bool half = false;
    ssize_t written = -1;
    if (!refused(CALL_WRITE, file->name, &half)) written = (half ? write_half : raw_write)(fd, pieces, count, at, positioned);
    if (written > 0) {
        const bool positions = positioned && !file->append; /* Linux appends whatever the offset says */
        const off_t offset = positions ? at : (positioned ? syscall(SYS_lseek, fd, 0, SEEK_END) : syscall(SYS_lseek, fd, 0, SEEK_CUR)) - written;
        record_write(file, offset, pieces, count, (size_t)written);
        if (file->synced) record(FG_TRACE_SYNC, file->inode, 0, file->name, "", 0);
    }
    pthread_mutex_unlock(&lock);
    return written;
}

SHIM ssize_t write(int fd, const void* bytes, size_t size) {
    const struct iovec piece = {(void*)(uintptr_t)bytes, size};
    return write_any(fd, &piece, 1, 0, false);
}
SHIM ssize_t writev(int fd, const struct iovec* pieces, int count) {
    return write_any(fd, pieces, count, 0, false);
}
SHIM ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
    const struct iovec piece = {(void*)(uintptr_t)bytes, size};
    return write_any(fd, &piece, 1, at, true);
}
SHIM ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
    return pwrite(fd, bytes, size, at);
}
SHIM ssize_t pwritev(int fd, const struct iovec* pieces, int count, off_t at) {
    return write_any(fd, pieces, count, at, true);
}
SHIM ssize_t pwritev64(int fd, const struct iovec* pieces, int count, off64_t at) {
    return write_any(fd, pieces, count, at, true);
}

SHIM int ftruncate(int fd, off_t size) {
    if (trace < 0) return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    const struct watched* file = watched(fd);
    bool half = false;
    int answer = -1;
    if (file == NULL || !refused(CALL_ROOM, file->name, &half)) answer = (int)syscall(SYS_ftruncate, fd, size);
    if (file != NULL && answer == 0) record(FG_TRACE_TRUNCATE, file->inode, size, file->name, "", 0);
    pthread_mutex_unlock(&lock);
    return answer;
}
SHIM int ftruncate64(int fd, off64_t size) {
    return ftruncate(fd, size);
}

/* --- syncs --- */

static int sync_any(long call, int fd) {
    if (trace < 0) return (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    const struct watched* file = watched(fd);
    if (file == NULL) {
        pthread_mutex_unlock(&lock);
        return (int)syscall(call, fd);
    }
    bool half = false;
    const bool fails = refused(file->directory ? CALL_SYNC_DIRECTORY : CALL_SYNC, file->name, &half);
    const int code = errno;
    record(file->directory ? FG_TRACE_SYNC_DIRECTORY : FG_TRACE_SYNC, file->inode, 0, file->name, "", fails ? code : 0);
    pthread_mutex_unlock(&lock);
    errno = code;
    return fails ? -1 : 0;
}

SHIM int fsync(int fd) {
    return sync_any(SYS_fsync, fd);
}
SHIM int fdatasync(int fd) {
    return sync_any(SYS_fdatasync, fd);
}
/* sync_file_range is let through unseen: it promises nothing (neither sizes nor the disk's own cache), so nothing is durable by it. */

/* --- names --- */

/* A call on one or two names below the root. `result` is what the system answered. */
static int with_names(unsigned classes, enum fg_trace_op op, const char* name, const char* name2, long call, long a, const void* b, long c,
                      const void* d, long e) {
    pthread_mutex_lock(&lock);
    bool half = false;
    int answer = -1;
    if (!refused(classes, name2[0] == 0 ? name : name2, &half)) answer = (int)syscall(call, a, b, c, d, e);
    if (answer == 0) record(op, 0, 0, name, name2, 0);
    pthread_mutex_unlock(&lock);
    return answer;
}

static int both_names(unsigned classes, enum fg_trace_op op, long call, int from, const char* path, int to, const char* path2, unsigned flags) {
    char name[PATH_MAX], name2[PATH_MAX];
    const bool first = below(from, path, name), second = below(to, path2, name2);
    if (!first && !second) return (int)syscall(call, from, path, to, path2, flags);
    if (first != second) refuse("moving across the border", first ? name : name2);
    if (op == FG_TRACE_RENAME && (flags & RENAME_EXCHANGE) != 0) refuse("an exchange", name);
    return with_names(classes, op, name, name2, call, from, path, to, path2, flags);
}

SHIM int linkat(int from, const char* path, int to, const char* path2, int flags) {
    return both_names(CALL_LINK | CALL_ROOM | CALL_ENTRY, FG_TRACE_LINK, SYS_linkat, from, path, to, path2, (unsigned)flags);
}
SHIM int link(const char* path, const char* path2) {
    return linkat(AT_FDCWD, path, AT_FDCWD, path2, 0);
}
SHIM int renameat2(int from, const char* path, int to, const char* path2, unsigned flags) {
    return both_names(CALL_ENTRY, FG_TRACE_RENAME, SYS_renameat2, from, path, to, path2, flags);
}
SHIM int renameat(int from, const char* path, int to, const char* path2) {
    return renameat2(from, path, to, path2, 0);
}
SHIM int rename(const char* path, const char* path2) {
    return renameat2(AT_FDCWD, path, AT_FDCWD, path2, 0);
}
SHIM int unlinkat(int directory, const char* path, int flags) {
    char name[PATH_MAX];
    if (!below(directory, path, name)) return (int)syscall(SYS_unlinkat, directory, path, flags);
    return with_names(CALL_ENTRY, (flags & AT_REMOVEDIR) != 0 ? FG_TRACE_REMOVE_DIRECTORY : FG_TRACE_UNLINK, name, "", SYS_unlinkat, directory, path,
                      flags, NULL, 0);
}
SHIM int unlink(const char* path) {
    return unlinkat(AT_FDCWD, path, 0);
}
SHIM int rmdir(const char* path) {
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
SHIM int mkdirat(int directory, const char* path, mode_t mode) {
    char name[PATH_MAX];
    if (!below(directory, path, name)) return (int)syscall(SYS_mkdirat, directory, path, mode);
    return with_names(CALL_ROOM | CALL_ENTRY, FG_TRACE_MAKE_DIRECTORY, name, "", SYS_mkdirat, directory, path, (long)mode, NULL, 0);
}
SHIM int mkdir(const char* path, mode_t mode) {
    return mkdirat(AT_FDCWD, path, mode);
}

/* --- what is let through only where nothing is lost by it --- */

/* SQLite's -shm is the index of its log, shared through memory. It is rebuilt from the log by whoever opens the database first, so
 * a power loss may leave anything in it: the replay does. */
SHIM void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
    if (trace >= 0 && fd >= 0 && (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0) {
        pthread_mutex_lock(&lock);
        const struct watched* file = watched(fd);
        if (file != NULL) {
            const size_t length = strlen(file->name);
            if (length < 4 || strcmp(file->name + length - 4, "-shm") != 0) refuse("mapping for writing", file->name);
            record(FG_TRACE_MAP, file->inode, 0, file->name, "", 0);
        }
        pthread_mutex_unlock(&lock);
    }
    return (void*)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}
SHIM void* mmap64(void* at, size_t size, int protection, int flags, int fd, off64_t offset) {
    return mmap(at, size, protection, flags, fd, offset);
}

static void refuse_if_watched(const char* call, int fd) {
    pthread_mutex_lock(&lock);
    const struct watched* file = watched(fd);
    if (file != NULL) refuse(call, file->name);
    pthread_mutex_unlock(&lock);
}

SHIM int ioctl(int fd, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void* argument = va_arg(rest, void*);
    va_end(rest);
    if (request == FICLONE || request == FICLONERANGE) refuse_if_watched("FICLONE", fd);
    return (int)syscall(SYS_ioctl, fd, request, argument);
}
SHIM int fallocate(int fd, int mode, off_t offset, off_t size) {
    refuse_if_watched("fallocate", fd);
    return (int)syscall(SYS_fallocate, fd, mode, offset, size);
}
SHIM int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
    return fallocate(fd, mode, offset, size);
}
SHIM int posix_fallocate(int fd, off_t offset, off_t size) {
    return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}
SHIM int posix_fallocate64(int fd, off64_t offset, off64_t size) {
    return posix_fallocate(fd, offset, size);
}
SHIM ssize_t copy_file_range(int from, off64_t* at, int to, off64_t* at2, size_t size, unsigned flags) {
    refuse_if_watched("copy_file_range", to);
    return syscall(SYS_copy_file_range, from, at, to, at2, size, flags);
}
SHIM ssize_t sendfile(int to, int from, off_t* at, size_t size) {
    refuse_if_watched("sendfile", to);
    return syscall(SYS_sendfile, to, from, at, size);
}
SHIM ssize_t sendfile64(int to, int from, off64_t* at, size_t size) {
    return sendfile(to, from, at, size);
}
SHIM int truncate(const char* path, off_t size) {
    char name[PATH_MAX];
    if (below(AT_FDCWD, path, name)) refuse("truncate", name);
    return (int)syscall(SYS_truncate, path, size);
}
SHIM int truncate64(const char* path, off64_t size) {
    return truncate(path, size);
}
static void refuse_symlink(int directory, const char* path) {
    char name[PATH_MAX];
    if (below(directory, path, name)) refuse("a symbolic link", name);
}
SHIM int symlinkat(const char* target, int directory, const char* path) {
    refuse_symlink(directory, path);
    return (int)syscall(SYS_symlinkat, target, directory, path);
}
SHIM int symlink(const char* target, const char* path) {
    return symlinkat(target, AT_FDCWD, path);
}
