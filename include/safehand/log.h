/* log.h - logfmt lines (key=value) to stderr; <6> priority prefixes under systemd. Used by: all
 * processes. */
#ifndef SAFEHAND_LOG_H
#define SAFEHAND_LOG_H

struct err;

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* role is written as role=...; level is the least urgent level that is written. Process-wide. */
void log_init(const char *role, enum log_level level);
void log_level_set(enum log_level level);

/* One line: time=... level=... role=... msg=event, then the pairs that fmt prints ("bundle=%s
 * size=%zu"). Each %s value is quoted and escaped if need be by log_event itself: fmt holds only
 * key=%spec pairs separated by one space; specs: %s %d %u %zu %zd %lld %llu %ld %lu %x. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)
/* An error object as code= and error= pairs. */
void log_err(enum log_level level, const char *event, const struct err *e);
/* The line, exit status 1. */
_Noreturn void log_fatal(const char *event, const struct err *e);

#endif
