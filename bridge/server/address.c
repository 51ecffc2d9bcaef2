/* address.c - see address.h. */
#include "server/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define NETWORK_BYTES 8

void address_key(const char *address, char out[ADDRESS_KEY_SIZE])
{
    struct in6_addr ip;

    if (inet_pton(AF_INET6, address, &ip) == 1) {
        memset(ip.s6_addr + NETWORK_BYTES, 0, sizeof(ip.s6_addr) - NETWORK_BYTES);
        inet_ntop(AF_INET6, &ip, out, ADDRESS_KEY_SIZE - 3);
        strcat(out, "/64");
    } else {
        snprintf(out, ADDRESS_KEY_SIZE, "%s", address);
    }
}
