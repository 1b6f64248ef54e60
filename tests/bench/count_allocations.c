/* Preloaded (LD_PRELOAD) it counts every allocation of a process: operator new comes here too. The scenarios ask for the
 * count; a program that knows nothing of it gets it written to the file that FLUXGATE_BENCH_ALLOCATIONS names, at its end. */
/* NOLINTBEGIN(bugprone-reserved-identifier): these names are glibc's own */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* glibc's own, under the names that it keeps for those who stand before it. */
extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* block, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

static atomic_uint_fast64_t allocations;

static void count(void) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
}

EXPORT uint64_t fluxgate_bench_allocations(void);
EXPORT uint64_t fluxgate_bench_allocations(void) {
    return atomic_load_explicit(&allocations, memory_order_relaxed);
}

EXPORT void* malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

EXPORT void* calloc(size_t n, size_t size) {
    count();
    return __libc_calloc(n, size);
}

EXPORT void* realloc(void* block, size_t size) {
    count();
    return __libc_realloc(block, size);
}

EXPORT void* memalign(size_t alignment, size_t size);
EXPORT void* memalign(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

EXPORT void* aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void** block, size_t alignment, size_t size) {
    count();
    void* const made = __libc_memalign(alignment, size);
    if (made == NULL) return 12; /* ENOMEM */
    *block = made;
    return 0;
}

__attribute__((destructor)) static void report(void) {
    const char* const path = getenv("FLUXGATE_BENCH_ALLOCATIONS");
    if (path == NULL) return;
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return;
    if (dprintf(fd, "%llu\n", (unsigned long long)fluxgate_bench_allocations()) < 0) perror(path);
    close(fd);
}
