/* container_of.h - from a member of a structure, such as a timer, to the structure. */
#ifndef UNICHAT_BASE_CONTAINER_OF_H
#define UNICHAT_BASE_CONTAINER_OF_H

#include <stddef.h>

#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
