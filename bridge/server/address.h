/* address.h - a client's address as a key for limits. Pure. */
#ifndef UNICHAT_SERVER_ADDRESS_H
#define UNICHAT_SERVER_ADDRESS_H

#define ADDRESS_KEY_SIZE 64

/*
 * The key of an address in text form: an IPv4 address is its own; of an IPv6 one only the first 64
 * bits count, because whoever has one has all that begin so. What is no address is its own key.
 */
void address_key(const char *address, char out[ADDRESS_KEY_SIZE]);

#endif
