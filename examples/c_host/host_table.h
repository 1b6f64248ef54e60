/* The services that a stage needs of its host, in plain C: log lines and dead letters on standard error, secrets from the
 * environment, the system's clocks. No state store: a stage that needs one is told so. */
#ifndef C_HOST_HOST_TABLE_H
#define C_HOST_HOST_TABLE_H

#include "fluxgate/stage.h"

/* The table; lives as long as the process. */
const fg_host* c_host_table(void);

/* "c-host: what: message (the server said: ...)" on standard error. */
void print_error(const char* what, int32_t code, const fg_error* error);

/* Calls the error's release, if there is one. */
void release_error(fg_error* error);

#endif
