/* process.h - what the process asks of its system. */
#ifndef UNICHAT_BASE_PROCESS_H
#define UNICHAT_BASE_PROCESS_H

/* Raises the limit of open files to what is useful and allowed, and logs it; each client needs one.
 * A higher limit that was set on purpose stays. */
void process_raise_open_files(void);

/* How many files may be open. */
unsigned process_open_files(void);

/* Tells the service manager ("READY=1", "STOPPING=1"), if there is one ($NOTIFY_SOCKET). */
void process_notify(const char *state);

#endif
