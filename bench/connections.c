/*
 * connections.c - connects and subscribes many clients as fast as the server takes them, and looks
 * what they cost it.
 *
 * usage: connections COUNT CHANNEL OPENING PORT PID KEY [TOKEN]    prints JSON
 *
 * CHANNEL: a name for all, or with a final '#' one of its own for each. OPENING: so many are on
 * their way at once. The clients stay until standard input ends. The second line says what each
 * has cost from its coming until the server was done with its going.
 */
#include "measure.h"
#include "ws_client.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IDLE_NS 1000000 /* of CPU in a tenth of a second: whatever the server does by itself */

static void on_event(void *arg, size_t conn, const char *text, size_t len)
{
    (void)arg;
    die("connection %zu: an event that nobody sent: %.*s", conn, (int)len, text);
}

static void stay(ws_client *client)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = ws_client_fd(client), .events = POLLIN}};
    char ignored[64];
    for (;;) {
        poll(fds, 2, -1);
        if (fds[1].revents)
            ws_client_poll(client, 0);
        if (fds[0].revents && read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0)
            return;
    }
}

static void await_idle(pid_t server)
{
    int64_t before, after = process_cpu_ns(server);
    do {
        before = after;
        usleep(100000);
        after = process_cpu_ns(server);
    } while (after - before > IDLE_NS);
}

int main(int argc, char **argv)
{
    if (argc < 7)
        die("usage: connections COUNT CHANNEL OPENING PORT PID KEY [TOKEN]");
    ws_options options = {.port = atoi(argv[4]),
                          .key = argv[6],
                          .token = argv[7],
                          .channel = argv[2],
                          .connections = strtoul(argv[1], NULL, 10),
                          .opening = strtoul(argv[3], NULL, 10),
                          .on_event = on_event};
    pid_t server = atoi(argv[5]);
    if (raise_fd_limit() < options.connections + 100)
        die("more file descriptors are needed: ulimit -n %zu", options.connections + 100);

    int64_t memory = process_memory(server), cpu = process_cpu_ns(server), start = now_ns();
    ws_client *client = ws_client_open(&options);
    double count = (double)options.connections, seconds = (double)(now_ns() - start) / 1e9;
    double came = (double)(process_cpu_ns(server) - cpu) / 1e3;
    memory = process_memory(server) - memory;
    printf("{\"connections\":%zu,\"seconds\":%.4f,\"per_second\":%.0f,\"cpu_us_each\":%.2f,"
           "\"bytes_each\":%.0f",
           options.connections, seconds, count / seconds, came / count, (double)memory / count);
    printf("\n"); /* for who waits for the line */
    fflush(stdout);
    stay(client);
    ws_client_close(client);
    await_idle(server);
    printf(",\"visit_us_each\":%.2f}\n", (double)(process_cpu_ns(server) - cpu) / 1e3 / count);
}
