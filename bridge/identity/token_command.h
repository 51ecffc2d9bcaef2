/* token_command.h - `unichat-bridge token`: prints a JWT, for trying and for tests. */
#ifndef UNICHAT_IDENTITY_TOKEN_COMMAND_H
#define UNICHAT_IDENTITY_TOKEN_COMMAND_H

#include "config/command_line.h"
#include "config/config.h"

/* Prints the token on standard output, or what is wrong on standard error. Returns the exit code.
 */
int token_command(const config *conf, const command_line *line);

#endif
