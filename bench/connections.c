/*
 * connections.c - connects and subscribes many clients as fast as the server takes them, and looks
 * what they cost it.
 *
 * usage: connections COUNT CHANNEL OPENING PORT PID KEY [TOKEN]    prints JSON
 *
 * CHANNEL: a name for all, or with a final '#' one of its own for each. OPENING: so many are on
 * their way at once.
 */
#include "measure.h"
#include "ws_client.h"

#include <stdio.h>
#include <stdlib.h>

static void on_event(void *arg, size_t conn, const char *text, size_t len)
{
    (void)arg;
    die("connection %zu: an event that nobody sent: %.*s", conn, (int)len, text);
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
    double seconds = (double)(now_ns() - start) / 1e9;
    cpu = process_cpu_ns(server) - cpu;
    memory = process_memory(server) - memory;
    printf("{\"connections\":%zu,\"seconds\":%.4f,\"per_second\":%.0f,\"cpu_us_each\":%.2f,\"bytes_"
           "each\":%.0f}\n",
           options.connections, seconds, (double)options.connections / seconds,
           (double)cpu / 1e3 / (double)options.connections,
           (double)memory / (double)options.connections);
    ws_client_close(client);
}
