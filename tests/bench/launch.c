/* bench_launch CORE OUTPUT PROGRAM [ARGUMENT...]: runs a program bound to a core (-1: any), its standard output into the file
 * OUTPUT, and prints what the system says of it when it has ended, as one line of JSON. It is this small because a process
 * inherits the peak memory of the one that started it: nothing below that could be measured. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): its documented name */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void become(int core, const char* output, char** command) {
    if (core >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)core, &set);
        sched_setaffinity(0, sizeof set, &set); /* where it is refused the figures are only noisier */
    }
    const int in = open("/dev/null", O_RDONLY), out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0) _exit(126);
    close(in);
    close(out);
    execvp(command[0], command);
    _exit(127);
}

int main(int argc, char** argv) {
    if (argc < 4) {
        fputs("bench_launch CORE OUTPUT PROGRAM [ARGUMENT...]\n", stderr);
        return 2;
    }
    const double begin = now();
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) become(atoi(argv[1]), argv[2], argv + 3);
    int status = 0;
    struct rusage usage;
    if (wait4(child, &status, 0, &usage) != child) return 1;
    const double end = now();
    printf("{\"exit\":%d,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"peak_kib\":%ld}\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
           end - begin, seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
    return 0;
}
