/* Stands before the C library for the calls of Start/Posix.cs: each can be made to fail, unmade, the n-th time it is made. All of their
 * arguments and results fit registers, so one shape does for all; what is not here the loader finds in the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define NAMES 32
static struct { const char *name; int count; } made[NAMES];
static char armed[32];
static int nth, error;

void shim_arm(const char *name, int which, int number)
{
    memset(made, 0, sizeof made);
    strncpy(armed, name, sizeof armed - 1);
    nth = which, error = number;
}

/* How often it was made since. */
int shim_count(const char *name)
{
    for (int i = 0; i < NAMES && made[i].name; i++)
        if (strcmp(made[i].name, name) == 0)
            return made[i].count;
    return 0;
}

static long make(const char *name, long a, long b, long c, long d)
{
    int i = 0;
    while (i < NAMES - 1 && made[i].name && strcmp(made[i].name, name) != 0)
        i++;
    made[i].name = name;
    if (++made[i].count == nth && strcmp(armed, name) == 0) {
        errno = error;
        return -1;
    }
    long (*real)(long, long, long, long) = dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), name);
    return real(a, b, c, d);
}

#define CALL(name) long name(long a, long b, long c, long d) { return make(#name, a, b, c, d); }
CALL(socket) CALL(bind) CALL(connect) CALL(listen) CALL(getsockopt) CALL(socketpair)
CALL(fchmod) CALL(lchown) CALL(unlink) CALL(mkdir) CALL(rmdir) CALL(access)
CALL(open) CALL(ftruncate) CALL(write) CALL(flock) CALL(fcntl) CALL(pipe2)
