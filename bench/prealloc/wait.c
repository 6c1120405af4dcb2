// A second client: asks qom-get in a loop until its standard input ends, then prints the longest wait, the 99.9th percentile and
// the median in milliseconds, and how often it asked.
// usage: wait SOCKET OBJECT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1 << 22 };

static int at;
static double waits[MOST];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void line(void)
{
    char piece[4096];
    ssize_t n;
    do {
        n = read(at, piece, sizeof piece);
        if (n <= 0)
            exit(1);
    } while (piece[n - 1] != '\n');
}

static void ask(const char *what)
{
    if (write(at, what, strlen(what)) < 0)
        exit(1);
    line();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int count, char **words)
{
    if (count != 3)
        return 2;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, words[1], sizeof address.sun_path - 1);
    at = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(at, (struct sockaddr *)&address, sizeof address))
        return 1;
    line();
    ask("{\"execute\":\"qmp_capabilities\"}\n");
    char get[256];
    snprintf(get, sizeof get, "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/objects/%s\",\"property\":\"size\"}}\n", words[2]);
    struct pollfd end = { .fd = 0, .events = POLLIN };
    puts("ready");
    fflush(stdout);
    int asked = 0;
    while (asked < MOST && !poll(&end, 1, 0)) {
        double start = now();
        ask(get);
        waits[asked++] = now() - start;
        // Like a manager that looks often, not like a load test: the fillings are to have the processors.
        usleep(200);
    }
    qsort(waits, asked, sizeof *waits, ascending);
    printf("%.3f %.3f %.3f %d\n", waits[asked - 1], waits[asked - 1 - asked / 1000], waits[asked / 2], asked);
    return 0;
}
