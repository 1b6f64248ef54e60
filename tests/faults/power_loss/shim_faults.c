#include "shim_faults.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FAULTS = 8, MAX_PART = 256 };

static const struct kind {
    const char* name;
    unsigned classes;
    int answer;
} kinds[] = {
    {"enospc", CALL_WRITE | CALL_ROOM, ENOSPC},
    {"full", CALL_WRITE | CALL_ROOM, ENOSPC},
    {"short", CALL_WRITE, ANSWER_HALF},
    {"eio", CALL_WRITE, EIO},
    {"sync-eio", CALL_SYNC, EIO},
    {"dir-sync-eio", CALL_SYNC_DIRECTORY, EIO},
    {"erofs", CALL_OPEN | CALL_ENTRY, EROFS},
    {"no-link", CALL_LINK, EPERM},
    {"remove", CALL_WRITE, ANSWER_REMOVE},
};

static struct fault {
    const struct kind* kind;
    unsigned long after, count, seen;
    char part[MAX_PART];
} faults[MAX_FAULTS];
static unsigned fault_count;

static bool read_fault(const char* text, size_t size) {
    char word[32], copy[MAX_PART + 64];
    if (size >= sizeof copy || fault_count == MAX_FAULTS) return false;
    memcpy(copy, text, size);
    copy[size] = 0;
    struct fault* fault = &faults[fault_count];
    if (sscanf(copy, "%31[^:]:%lu:%lu:%255s", word, &fault->after, &fault->count, fault->part) < 3) return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i)
        if (strcmp(word, kinds[i].name) == 0) fault->kind = &kinds[i];
    if (fault->kind == NULL) return false;
    ++fault_count;
    return true;
}

bool read_faults(const char* text) {
    while (*text != 0) {
        const size_t size = strcspn(text, ";");
        if (!read_fault(text, size)) return false;
        text += size + (text[size] == ';' ? 1 : 0);
    }
    return true;
}

int fault_of(unsigned classes, const char* name, const char** removed) {
    for (unsigned i = 0; i < fault_count; ++i) {
        struct fault* fault = &faults[i];
        const struct kind* kind = fault->kind;
        const bool here = kind->answer == ANSWER_REMOVE || strstr(name, fault->part) != NULL;
        if ((kind->classes & classes) == 0 || !here) continue;
        const unsigned long number = fault->seen++;
        if (number < fault->after || (fault->count != 0 && number - fault->after >= fault->count)) continue;
        if (kind->answer == ANSWER_REMOVE) *removed = fault->part;
        const bool becomes_full = strcmp(kind->name, "full") == 0 && number == fault->after && (classes & CALL_WRITE) != 0;
        return becomes_full ? ANSWER_HALF : kind->answer;
    }
    return 0;
}
