/* What the calls of shim_calls.c share: which descriptors and names lie below the watched directory, and the record. */
#ifndef FLUXGATE_POWER_LOSS_SHIM_H
#define FLUXGATE_POWER_LOSS_SHIM_H

#include "shim_faults.h"
#include "trace_format.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* A descriptor of a file or directory below the root. */
struct watched {
    char* name; /* relative to the root; NULL: not watched */
    dev_t device;
    ino_t inode;
    bool directory, append, synced; /* synced: O_SYNC or O_DSYNC */
};

extern pthread_mutex_t lock; /* held around a call and its record; what follows wants it, but for refuse() and below() */
extern int trace;            /* -1: there is nothing to watch */

/* Ends the program, for this would change files unseen. */
_Noreturn void refuse(const char* call, const char* name);

void record(enum fg_trace_op op, ino_t inode, off_t offset, const char* name, const char* name2, int error);
void record_write(const struct watched* file, off_t offset, const struct iovec* pieces, int count, size_t size);

/* The name relative to the root, in `out`; false when it lies elsewhere. Leaves errno as it is. */
bool below(int directory, const char* path, char out[PATH_MAX]);

struct watched* remember(int fd, const char* name, int flags);
void forget(int fd);
/* NULL: not one of ours. A number that was closed and given out again unseen is found by its inode. */
struct watched* watched(int fd);

/* What a call must answer by the faults: true with errno set. A removal is carried out here. */
bool refused(unsigned classes, const char* name, bool* half);

#endif
