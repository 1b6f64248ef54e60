/* What the shim writes and the replay reads: one record a call that changed the watched directory, or tried to sync something
 * in it, in the order in which the calls returned. Native byte order; a record is this header, then `path`, `path2` and `data`.
 * Paths are relative to the watched directory; the directory itself is "". */
#ifndef FLUXGATE_POWER_LOSS_TRACE_FORMAT_H
#define FLUXGATE_POWER_LOSS_TRACE_FORMAT_H

#include <stdint.h>

/* The environment of a program under the shim. */
#define FG_POWER_ROOT "FLUXGATE_POWER_ROOT"     /* the watched directory, without symbolic links; none: the shim does nothing */
#define FG_POWER_TRACE "FLUXGATE_POWER_TRACE"   /* the file that records are appended to, outside that directory */
#define FG_POWER_FAULTS "FLUXGATE_POWER_FAULTS" /* see shim_faults.h */

enum { FG_TRACE_MAGIC = 0x46475054 };

enum fg_trace_op {
    FG_TRACE_HAD_DIRECTORY = 1, /* there before the program, and durable */
    FG_TRACE_HAD_FILE,          /* the same, with its bytes as data */
    FG_TRACE_MAKE_DIRECTORY,    /* path */
    FG_TRACE_CREATE,            /* path, inode */
    FG_TRACE_WRITE,             /* inode, offset, data; path: the name under which it was opened */
    FG_TRACE_TRUNCATE,          /* inode, offset: the new size */
    FG_TRACE_SYNC,              /* inode; error: the sync failed with that errno, and what was not durable may never be */
    FG_TRACE_SYNC_DIRECTORY,    /* path; error as above */
    FG_TRACE_LINK,              /* path: the old name, path2: the new one */
    FG_TRACE_RENAME,            /* path: the old name, path2: the new one */
    FG_TRACE_UNLINK,            /* path */
    FG_TRACE_REMOVE_DIRECTORY,  /* path */
    FG_TRACE_MAP,               /* path: a file whose pages are written through memory; its bytes are not in the trace */
    FG_TRACE_FAULT              /* path: a fault was answered there; error: its errno, 0 for a short write or a removal */
};

struct fg_trace_record {
    uint32_t magic;
    uint32_t op;
    uint64_t inode;
    uint64_t offset;
    uint64_t data_bytes;
    uint32_t path_bytes;
    uint32_t path2_bytes;
    int32_t error;
    uint32_t unused;
};

#endif
