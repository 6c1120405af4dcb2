/* Receives memory of the daemon by SCM_RIGHTS, adds one to each of its first bytes, and prints what was there.
   Usage: consumer SOCKET ID */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return 1;
}

/* One line; the descriptor that comes with its first byte, or -1. */
static int read_line(int s, char *line, size_t size, int *descriptor)
{
    size_t used = 0;
    *descriptor = -1;
    while (used < size - 1) {
        char control[CMSG_SPACE(sizeof(int))];
        struct iovec piece = {line + used, size - 1 - used};
        struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t got = recvmsg(s, &message, MSG_CMSG_CLOEXEC);
        if (got <= 0)
            return -1;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
                memcpy(descriptor, CMSG_DATA(c), sizeof(int));
        used += (size_t)got;
        line[used] = 0;
        if (strchr(line, '\n'))
            return 0;
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char line[65536], request[256];
    int descriptor, s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (argc != 3)
        return 2;
    strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
    if (connect(s, (struct sockaddr *)&address, sizeof address))
        return fail("connect");
    if (read_line(s, line, sizeof line, &descriptor))
        return fail("greeting");
    if (write(s, "{\"execute\":\"qmp_capabilities\"}\n", 31) != 31 || read_line(s, line, sizeof line, &descriptor))
        return fail("negotiation");
    int length = snprintf(request, sizeof request, "{\"execute\":\"memdev-map\",\"arguments\":{\"id\":\"%s\"}}\n", argv[2]);
    if (write(s, request, (size_t)length) != length || read_line(s, line, sizeof line, &descriptor) || descriptor < 0)
        return fail("memdev-map");
    char *size = strstr(line, "\"size\": ");
    if (!size)
        return fail(line);
    size_t bytes = strtoull(size + 8, NULL, 10);
    unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED)
        return fail("mmap");
    for (int i = 0; i < 4; i++)
        printf("%02x", memory[i]++);
    printf(" %zu\n", bytes);
    return 0;
}
