/*
 * A load generator that costs little: one thread, blocking or polling sockets, no parsing beyond counting line ends.
 *
 *   load SOCKET rtt N [ID]            N qom-get in turn, of object ID: microseconds p50 p99, rate
 *   load SOCKET pipe N DEPTH          N qom-get, DEPTH of them in a write: rate
 *   load SOCKET clients N C           N qom-get in all by C clients, one in flight each: rate, p50, p99
 *   load SOCKET connect N             N times connect, negotiate, one command, close: rate
 *   load SOCKET adddel N              N times object-add and object-del of a 2 MiB memfd: rate
 *   load SOCKET fill-objects N FIRST  N objects of 4 KiB from number FIRST on: rate
 *   load SOCKET one COMMAND           one command: milliseconds to its first and to its last byte, bytes
 *
 * load SOCKET rpc MODE…              the same over JSON-RPC, one message a line; not adddel, fill-objects and one
 *
 * What qom-get reads, the size of the object bench0, is made when it is missing; where there is no memory (qemu-storage-daemon) another
 * object's type. One figure a line, "name value".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ADD(type, more) "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"" type "\",\"id\":\"bench0\"" more "}}\n"
#define NEGOTIATE "{\"execute\":\"qmp_capabilities\"}\n"

static const char *path;

/* A refused command would pass for a quick one. */
static int strict;

/* The socket speaks JSON-RPC. */
static int rpc;

/* The command that is sent over and over. */
static char get[256];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    while (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        if (errno != EAGAIN && errno != EINTR)
            die("connect");
    return fd;
}

static void put(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = write(fd, text, length);
        if (sent <= 0)
            die("write");
        text += sent;
        length -= sent;
    }
}

/* Reads until that many lines have come; returns the bytes. */
static size_t lines(int fd, long count)
{
    static char buffer[1 << 20];
    size_t total = 0;
    while (count > 0) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got <= 0)
            die("read");
        if (strict && memmem(buffer, got, "\"error\":", 8) != NULL) {
            fprintf(stderr, "refused: %.*s", (int)got, buffer);
            exit(1);
        }
        total += got;
        for (char *p = buffer; (p = memchr(p, '\n', buffer + got - p)) != NULL; p++)
            count--;
    }
    return total;
}

static int session(void)
{
    int fd = dial();
    if (rpc)
        return fd;
    lines(fd, 1);
    put(fd, NEGOTIATE, strlen(NEGOTIATE));
    lines(fd, 1);
    return fd;
}

static void say(int fd, const char *text)
{
    put(fd, text, strlen(text));
    lines(fd, 1);
}

static void read_from(const char *id, const char *property)
{
    if (rpc)
        snprintf(get, sizeof get, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"qom-get\",\"params\":{\"path\":\"/objects/%s\",\"property\":\"%s\"}}\n", 1000001, id, property);
    else
        snprintf(get, sizeof get, "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/objects/%s\",\"property\":\"%s\"}}\n", id, property);
}

static int refused(int fd, const char *text)
{
    char reply[512];
    ssize_t got;
    put(fd, text, strlen(text));
    got = read(fd, reply, sizeof reply - 1);
    if (got <= 0)
        die("read");
    reply[got] = 0;
    return strncmp(reply, "{\"error\"", 8) == 0 && strstr(reply, "duplicate") == NULL;
}

static void prepare(void)
{
    int fd = session();
    if (rpc) {
        read_from("bench0", "size");
        say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"object-add\",\"params\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"bench0\",\"size\":4096}}\n");
        close(fd);
        return;
    }
    int no_memory = refused(fd, ADD("memory-backend-ram", ",\"size\":4096"));
    read_from("bench0", no_memory ? "type" : "size");
    if (no_memory)
        say(fd, ADD("throttle-group", ""));
    if (refused(fd, get)) {
        fputs("qom-get is refused\n", stderr);
        exit(1);
    }
    close(fd);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void latencies(double *us, long n)
{
    qsort(us, n, sizeof *us, by_value);
    printf("p50_us %.2f\np99_us %.2f\nmax_us %.2f\n", us[n / 2], us[n * 99 / 100], us[n - 1]);
}

static void rtt(long n)
{
    int fd = session();
    double *us = malloc(n * sizeof *us), start;
    for (long i = 0; i < n / 10 + 1000; i++)
        say(fd, get);
    start = now();
    for (long i = 0; i < n; i++) {
        double t = now();
        say(fd, get);
        us[i] = now() - t;
    }
    printf("rate %.0f\n", n / (now() - start) * 1e6);
    latencies(us, n);
}

static void pipelined(long n, long depth)
{
    int fd = session();
    size_t one = strlen(get);
    char *batch = calloc(one * depth + 1, 1);
    double start;
    for (long i = 0; i < depth; i++)
        memcpy(batch + i * one, get, one);
    /* Requests in flight have ids of their own: seven digits. */
    for (long i = 0; rpc && i < depth; i++) {
        char id[24];
        snprintf(id, sizeof id, "%ld", 1000000 + i);
        memcpy(strstr(batch + i * one, "\"id\":") + 5, id, 7);
    }
    for (long i = 0; i < n / 10; i += depth) {
        put(fd, batch, one * depth);
        lines(fd, depth);
    }
    start = now();
    for (long i = 0; i < n; i += depth) {
        put(fd, batch, one * depth);
        lines(fd, depth);
    }
    printf("rate %.0f\n", n / (now() - start) * 1e6);
}

static void clients(long n, long count)
{
    int poll_fd = epoll_create1(0);
    int *fds = malloc(count * sizeof *fds);
    double *sent = malloc(count * sizeof *sent), *us = malloc(n * sizeof *us), start;
    long done = 0, under_way = 0;
    struct epoll_event events[256];
    for (long i = 0; i < count; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u64 = i};
        fds[i] = session();
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fds[i], &e);
    }
    start = now();
    for (long i = 0; i < count; i++, under_way++) {
        sent[i] = now();
        put(fds[i], get, strlen(get));
    }
    while (done < n) {
        int ready = epoll_wait(poll_fd, events, 256, -1);
        for (int k = 0; k < ready && done < n; k++) {
            long i = events[k].data.u64;
            lines(fds[i], 1);
            us[done++] = now() - sent[i];
            sent[i] = now();
            put(fds[i], get, strlen(get));
        }
    }
    printf("rate %.0f\n", n / (now() - start) * 1e6);
    latencies(us, n);
}

static void connects(long n)
{
    double start = now();
    for (long i = 0; i < n; i++) {
        int fd = session();
        say(fd, get);
        close(fd);
    }
    printf("rate %.0f\n", n / (now() - start) * 1e6);
}

static void adddel(long n)
{
    int fd = session();
    strict = 1;
    char add[256], del[128];
    double start = now();
    for (long i = 0; i < n; i++) {
        snprintf(add, sizeof add, "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-memfd\",\"id\":\"b%ld\",\"size\":2097152}}\n", i);
        snprintf(del, sizeof del, "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"b%ld\"}}\n", i);
        say(fd, add);
        say(fd, del);
    }
    printf("rate %.0f\n", n / (now() - start) * 1e6);
}

static void objects(long n, long first)
{
    int fd = session();
    strict = 1;
    char add[256];
    double start = now();
    for (long i = first; i < first + n; i++) {
        snprintf(add, sizeof add, "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-memfd\",\"id\":\"o%ld\",\"size\":4096}}\n", i);
        say(fd, add);
    }
    printf("rate %.0f\n", n / (now() - start) * 1e6);
}

static void one(const char *command)
{
    int fd = session();
    double start = now(), first;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    put(fd, command, strlen(command));
    put(fd, "\n", 1);
    poll(&ready, 1, -1);
    first = now();
    size_t bytes = lines(fd, 1);
    printf("first_ms %.2f\nms %.2f\nbytes %zu\n", (first - start) / 1e3, (now() - start) / 1e3, bytes);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    path = argv[1];
    if (strcmp(argv[2], "rpc") == 0) {
        rpc = 1;
        argv++;
        argc--;
    }
    const char *mode = argv[2];
    long n = atol(argv[3]), m = argc > 4 ? atol(argv[4]) : 0;
    /* A descriptor for each of thousands of clients. */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (strcmp(mode, "one") != 0 && strcmp(mode, "fill-objects") != 0)
        prepare();
    if (strcmp(mode, "rtt") == 0 && argc > 4)
        read_from(argv[4], "size");
    if (strcmp(mode, "rtt") == 0)
        rtt(n);
    else if (strcmp(mode, "pipe") == 0)
        pipelined(n, m);
    else if (strcmp(mode, "clients") == 0)
        clients(n, m);
    else if (strcmp(mode, "connect") == 0)
        connects(n);
    else if (strcmp(mode, "adddel") == 0)
        adddel(n);
    else if (strcmp(mode, "fill-objects") == 0)
        objects(n, m);
    else if (strcmp(mode, "one") == 0)
        one(argv[3]);
    else
        return 2;
    return 0;
}
