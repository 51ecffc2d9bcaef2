/* token_command.h - `unichat-bridge token`: prints a JWT, for trying and for tests. */
#ifndef UNICHAT_IDENTITY_TOKEN_COMMAND_H
#define UNICHAT_IDENTITY_TOKEN_COMMAND_H

#include "config/config.h"

/* What the command line asks for; NULL where an option was not given. */
typedef struct token_wish {
    const char *role;
    const char *sub;
    const char *name;
    const char *expires;
} token_wish;

/* Prints the token on standard output, or what is wrong on standard error. Returns the exit code.
 */
int token_command(const config *conf, const token_wish *wish);

#endif
