/* command_line.h - what the command line asks for. */
#ifndef UNICHAT_CONFIG_COMMAND_LINE_H
#define UNICHAT_CONFIG_COMMAND_LINE_H

typedef enum command {
    COMMAND_RUN,
    COMMAND_CHECK_CONFIG,
    COMMAND_TOKEN,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_PRINT_DOC,
    COMMAND_PRINT_EXAMPLE,
    COMMAND_WRONG, /* standard error has been told why */
} command;

typedef struct command_line {
    command command;
    const char *config_path; /* NULL: no file */
    /* of the command token; NULL where not given */
    const char *role;
    const char *sub;
    const char *name;
    const char *expires; /* "1h" where not given */
} command_line;

void command_line_parse(command_line *line, int argc, char **argv);

/* Usage and every setting, on standard output. */
void command_line_help(void);

#endif
