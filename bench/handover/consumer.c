/*
 * What it takes to get at memory that is there already: from the request to the first byte read through a mapping of one's own.
 *
 *   consumer SOCKET ID N     N times memdev-map, receive, mmap, read a byte, munmap, close, memdev-unmap
 *
 * One line: microseconds p50 and p99 to the first byte, p50 to the reply, p50 to give everything back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int s;
static char line[65536];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, line);
    exit(1);
}

/* Reads one line; the descriptor that comes with it, or -1. */
static int receive(void)
{
    size_t used = 0;
    int descriptor = -1;
    do {
        char control[CMSG_SPACE(sizeof(int))];
        struct iovec piece = {line + used, sizeof line - 1 - used};
        struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t got = recvmsg(s, &message, MSG_CMSG_CLOEXEC);
        if (got <= 0)
            die("the connection ended");
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        if (c && c->cmsg_type == SCM_RIGHTS)
            memcpy(&descriptor, CMSG_DATA(c), sizeof descriptor);
        used += (size_t)got;
        line[used] = 0;
    } while (!strchr(line, '\n'));
    return descriptor;
}

static int execute(const char *command, const char *argument, const char *value)
{
    char request[256];
    int length = snprintf(request, sizeof request, "{\"execute\":\"%s\",\"arguments\":{\"%s\":\"%s\"}}\n", command, argument, value);
    if (write(s, request, (size_t)length) != length)
        die(command);
    int descriptor = receive();
    if (strstr(line, "\"error\""))
        die(command);
    return descriptor;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int n = atoi(argv[3]);
    double *total = calloc((size_t)n, sizeof *total), *reply = calloc((size_t)n, sizeof *reply), *back = calloc((size_t)n, sizeof *back);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&address, sizeof address))
        die("connect");
    receive();
    if (write(s, "{\"execute\":\"qmp_capabilities\"}\n", 31) != 31)
        die("negotiation");
    receive();
    volatile unsigned char seen = 0;
    for (int i = -n / 10; i < n; i++) { /* the first ones warm up and do not count */
        double start = now();
        int descriptor = execute("memdev-map", "id", argv[2]);
        double answered = now();
        char *at = strstr(line, "\"size\": ");
        if (descriptor < 0 || !at)
            die("memdev-map");
        size_t size = strtoull(at + 8, NULL, 10);
        unsigned char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (memory == MAP_FAILED)
            die("mmap");
        seen ^= memory[0];
        double there = now();
        char *mapping = strstr(line, "\"mapping\": \"") + 12;
        *strchr(mapping, '"') = 0;
        char name[64];
        snprintf(name, sizeof name, "%s", mapping);
        munmap(memory, size);
        close(descriptor);
        execute("memdev-unmap", "mapping", name);
        if (i >= 0) {
            total[i] = there - start;
            reply[i] = answered - start;
            back[i] = now() - there;
        }
    }
    qsort(total, (size_t)n, sizeof *total, by_value);
    qsort(reply, (size_t)n, sizeof *reply, by_value);
    qsort(back, (size_t)n, sizeof *back, by_value);
    printf("%.1f %.1f %.1f %.1f\n", total[n / 2], total[n - 1 - n / 100], reply[n / 2], back[n / 2]);
    return 0;
}
