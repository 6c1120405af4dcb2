/* The least that a server of this protocol can do: it waits with epoll, counts requests by their braces and answers each with the same
 * bytes. What stands between it and us is ours; what it takes itself is the machine's. usage: floor SOCKET */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char greeting[] = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";
static const char reply[] = "{\"return\": 4096}\r\n";

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void answer(int client)
{
    /* All clients of the load generator send whole requests and nothing else. */
    static char bytes[1 << 16];
    ssize_t count = recv(client, bytes, sizeof bytes, 0);
    if (count <= 0) {
        close(client);
        return;
    }
    int depth = 0;
    for (ssize_t i = 0; i < count; i++) {
        depth += (bytes[i] == '{') - (bytes[i] == '}');
        if (bytes[i] == '}' && depth == 0 && send(client, reply, sizeof reply - 1, MSG_NOSIGNAL) < 0)
            return;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path)
        return 2;
    strcpy(address.sun_path, argv[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), events = epoll_create1(0);
    if (listener < 0 || events < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0)
        die(argv[1]);
    struct epoll_event one = {.events = EPOLLIN, .data.fd = listener}, ready[64];
    epoll_ctl(events, EPOLL_CTL_ADD, listener, &one);
    for (;;) {
        int count = epoll_wait(events, ready, 64, -1);
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (ready[i].data.fd != listener) {
                answer(ready[i].data.fd);
                continue;
            }
            one.data.fd = accept(listener, NULL, NULL);
            if (one.data.fd < 0)
                continue;
            send(one.data.fd, greeting, sizeof greeting - 1, MSG_NOSIGNAL);
            epoll_ctl(events, EPOLL_CTL_ADD, one.data.fd, &one);
        }
    }
}
