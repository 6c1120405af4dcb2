// The floor: maps memory as a backend does, gives the same advice, and populates it with N threads, each its share, in one call.
// usage: fill private|memfd|hugetlb MIB THREADS     prints the seconds it took
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

static const size_t huge = 2 << 20;
static char *memory;
static size_t share;
static pthread_barrier_t gate;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void *work(void *number)
{
    pthread_barrier_wait(&gate);
    if (madvise(memory + (size_t)number * share, share, MADV_POPULATE_WRITE))
        die("MADV_POPULATE_WRITE");
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int count, char **words)
{
    if (count != 4)
        return 2;
    size_t size = strtoul(words[2], NULL, 10) << 20;
    int threads = atoi(words[3]), file = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (strcmp(words[1], "private")) {
        flags = MAP_SHARED;
        file = memfd_create("fill", strcmp(words[1], "hugetlb") ? 0 : MFD_HUGETLB | 21u << MFD_HUGE_SHIFT);
        if (file < 0 || ftruncate(file, size))
            die("memfd");
    }
    char *place = mmap(NULL, size + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        die("mmap");
    memory = (char *)(((size_t)place + huge - 1) & ~(huge - 1));
    if (mmap(memory, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file, 0) == MAP_FAILED)
        die("mmap");
    madvise(memory, size, MADV_HUGEPAGE);
    madvise(memory, size, MADV_DONTFORK);

    share = size / threads;
    pthread_t workers[threads];
    pthread_barrier_init(&gate, NULL, threads + 1);
    for (long i = 0; i < threads; i++)
        pthread_create(&workers[i], NULL, work, (void *)i);
    double start = now();
    pthread_barrier_wait(&gate);
    for (int i = 0; i < threads; i++)
        pthread_join(workers[i], NULL);
    printf("%.6f\n", now() - start);
    return 0;
}
