/* Commands about configurations. argv[0] is the name of the command; what they return is the exit
 * code of the process: EX_OK, EX_USAGE, EX_NOINPUT (no such file) or EX_CONFIG. Results go to
 * standard output, complaints to standard error. Thread: the main one. */
#ifndef CONFIG_COMMANDS_H
#define CONFIG_COMMANDS_H

/* lint FILE...: what is wrong; of what is right, the guarantee of each pipeline. */
int command_lint(int argc, char **argv);

/* options [CONNECTOR]: the connectors and the options of pipelines; both sides of one. */
int command_options(int argc, char **argv);

/* print-config FILE: with includes, environment and defaults filled in, and secrets masked. */
int command_print_config(int argc, char **argv);

/* store show|verify|export|drain FILE [PIPELINE]: EX_DATAERR where verify finds anything. */
int command_store(int argc, char **argv);

/* dlq show|replay FILE PIPELINE: its dead letters. Also EX_TEMPFAIL (some failed again) and
 * EX_UNAVAILABLE. */
int command_dlq(int argc, char **argv);

#endif
