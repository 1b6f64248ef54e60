/* Which call is to fail, and how: FLUXGATE_POWER_FAULTS holds up to eight faults "KIND:AFTER:COUNT:PART" with ';' between them.
 * The fault answers COUNT calls (0: every one) that its kind concerns on files whose name, relative to the watched directory,
 * contains PART (an empty one: on all), after AFTER of them were let through.
 *
 *   enospc       whatever needs room answers ENOSPC: write, create, mkdir, link
 *   full         the same, but the first write takes a half, as a disk that becomes full does
 *   short        a write takes a half and says so
 *   eio          a write answers EIO
 *   sync-eio     fsync and fdatasync of a file answer EIO
 *   dir-sync-eio fsync of a directory answers EIO
 *   erofs        opening for writing, creating, mkdir, link, rename and unlink answer EROFS
 *   no-link      link answers EPERM, as on a file system without hard links
 *   remove       the file with the name PART is removed behind the program's back, before a write to any file
 */
#ifndef FLUXGATE_POWER_LOSS_SHIM_FAULTS_H
#define FLUXGATE_POWER_LOSS_SHIM_FAULTS_H

#include <stdbool.h>

enum call_class { CALL_WRITE = 1, CALL_ROOM = 2, CALL_SYNC = 4, CALL_OPEN = 8, CALL_ENTRY = 16, CALL_LINK = 32, CALL_SYNC_DIRECTORY = 64 };

enum { ANSWER_HALF = -1, ANSWER_REMOVE = -2 };

/* Reads the variable; false when it is not understood. */
bool read_faults(const char* text);

/* What a call of these classes (CALL_... or-ed) on this name must answer: 0 as ever, an errno, or one of ANSWER_... above; with
 * ANSWER_REMOVE the name of the file to remove in `removed`. One call at a time. */
int fault_of(unsigned classes, const char* name, const char** removed);

#endif
