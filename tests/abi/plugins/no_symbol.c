/* A library, but no plugin. */
int fluxgate_not_a_plugin(void);
int fluxgate_not_a_plugin(void) {
    return 1;
}
