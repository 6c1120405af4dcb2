/* Put in front of libc by LD_PRELOAD: the clock on the wall is a day behind as soon as the file that CLOCK_BACK names is there. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t behind(void)
{
    const char *file = getenv("CLOCK_BACK");
    return file && access(file, F_OK) == 0 ? 24 * 3600 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int status = syscall(SYS_clock_gettime, clock, time);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec -= behind();
    return status;
}

int gettimeofday(struct timeval *time, void *zone)
{
    int status = syscall(SYS_gettimeofday, time, zone);
    if (status == 0)
        time->tv_sec -= behind();
    return status;
}

time_t time(time_t *result)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result)
        *result = now.tv_sec;
    return now.tv_sec;
}
