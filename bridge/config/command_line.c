/* command_line.c - see command_line.h. Settings and secrets have no options: those of a process can
 * be read by every user of its machine. */
#include "config/command_line.h"
#include "config/config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                      {"check-config", no_argument, NULL, 'k'},
                                      {"help", no_argument, NULL, 'h'},
                                      {"version", no_argument, NULL, 'V'},
                                      {"print-config-doc", no_argument, NULL, 'd'},
                                      {"print-config-example", no_argument, NULL, 'x'},
                                      {"role", required_argument, NULL, 'r'},
                                      {"sub", required_argument, NULL, 's'},
                                      {"name", required_argument, NULL, 'n'},
                                      {"expires", required_argument, NULL, 'e'},
                                      {0}};

/* Options without an argument are commands. */
static command command_of(int option)
{
    switch (option) {
    case 'k':
        return COMMAND_CHECK_CONFIG;
    case 'h':
        return COMMAND_HELP;
    case 'V':
        return COMMAND_VERSION;
    case 'd':
        return COMMAND_PRINT_DOC;
    case 'x':
        return COMMAND_PRINT_EXAMPLE;
    default:
        return COMMAND_WRONG; /* getopt has said why */
    }
}

static void take_option(command_line *line, int option)
{
    const char **slot = option == 'c'   ? &line->config_path
                        : option == 'r' ? &line->role
                        : option == 's' ? &line->sub
                        : option == 'n' ? &line->name
                        : option == 'e' ? &line->expires
                                        : NULL;
    if (slot)
        *slot = optarg;
    else if (line->command != COMMAND_WRONG)
        line->command = command_of(option);
}

void command_line_parse(command_line *line, int argc, char **argv)
{
    *line = (command_line){.expires = "1h"};
    for (int option; (option = getopt_long(argc, argv, "c:hV", known, NULL)) != -1;)
        take_option(line, option);
    if (optind == argc || line->command == COMMAND_WRONG)
        return;
    if (strcmp(argv[optind], "token") == 0 && optind + 1 == argc) {
        line->command = COMMAND_TOKEN;
        return;
    }
    fprintf(stderr, "unichat-bridge: unknown command \"%s\"; see --help\n",
            argv[strcmp(argv[optind], "token") == 0 ? optind + 1 : optind]);
    line->command = COMMAND_WRONG;
}

void command_line_help(void)
{
    puts("unichat-bridge carries the chat between PostgreSQL and its clients.\n"
         "\n"
         "  unichat-bridge [--config FILE]\n"
         "      run in the foreground and log to standard error\n"
         "  unichat-bridge --check-config [--config FILE]\n"
         "      say everything that is wrong with the settings\n"
         "  unichat-bridge token --role player|staff --sub ID [--name NAME] [--expires 1h]\n"
         "                 [--config FILE]\n"
         "      print a token signed with the configured secret\n"
         "  unichat-bridge --print-config-doc | --print-config-example\n"
         "      the settings as docs/configuration.md, or as an example file\n"
         "  unichat-bridge --help | --version\n"
         "\n"
         "SIGHUP reads the settings again; SIGTERM drains and exits, a second one exits now.\n"
         "\n"
         "Settings, with their defaults: NAME = VALUE in FILE, or UNICHAT_NAME in the\n"
         "environment; secrets also as NAME_file, the path of a file that holds the value.");
    config_write_help(stdout);
}
