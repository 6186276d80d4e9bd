/* jail_report.c - a role's confinement as the kernel reports it. Runs in: all roles, once. Owns:
 * nothing. Trusts: the kernel. */
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "frame/jail_report.h"

#define STATUS_MAX_BYTES 4096 /* of /proc/self/status: 1.5 KiB on Linux 6 */

void
jail_report_ask(struct jail_report *r)
{
	r->dumpable = prctl(PR_GET_DUMPABLE);
	if (getresuid(&r->uid[0], &r->uid[1], &r->uid[2]) < 0 ||
	    getresgid(&r->gid[0], &r->gid[1], &r->gid[2]) < 0)
		memset(r->uid, 0, sizeof r->uid);
	getrlimit(RLIMIT_NOFILE, &r->files);
	getrlimit(RLIMIT_NPROC, &r->processes);
	getrlimit(RLIMIT_CORE, &r->core);
}

/* The value of one line: key is "\nKey:". */
static void
tell_line(const char *status, const char *key, const char *name, struct buf *told)
{
	const char *line = strstr(status, key);
	char value[64];
	size_t n;

	if (line == NULL)
		return; /* this kernel does not say */
	line += strlen(key) + strspn(line + strlen(key), " \t");
	n = strcspn(line, "\t\n");
	n = n < sizeof value ? n : sizeof value - 1;
	memcpy(value, line, n);
	value[n] = '\0';
	buf_json_str(told, name, value);
}

/* One number if all three agree, as they must. */
static void
tell_ids(const char *name, const unsigned id[static 3], struct buf *told)
{
	struct buf text = {0};

	if (id[0] == id[1] && id[1] == id[2])
		buf_addf(&text, "%u", id[0]);
	else
		buf_addf(&text, "%u/%u/%u", id[0], id[1], id[2]);
	buf_json_str(told, name, buf_str(&text));
	buf_free(&text);
}

static void
tell_limit(const char *name, const struct rlimit *limit, struct buf *told)
{
	if (limit->rlim_max == RLIM_INFINITY)
		buf_json_str(told, name, NULL);
	else
		buf_json_int(told, name, (int64_t)limit->rlim_max);
}

static void
add_skipped(struct buf *text, const char *what, const char *why)
{
	if (why != NULL)
		buf_addf(text, "%s%s: %s", text->len > 0 ? "; " : "", what, why);
}

static void
tell_skipped(const struct jail_report *r, struct buf *told)
{
	struct buf text = {0};

	add_skipped(&text, "empty root, change of user", r->root ? NULL : "not started as root");
	add_skipped(&text, "memory kept out of swap", r->no_lock);
	add_skipped(&text, "landlock", r->no_landlock);
	add_skipped(&text, "filter of system calls", r->no_calls);
	buf_json_str(told, "skipped", buf_str(&text));
	buf_free(&text);
}

void
jail_report_tell(const struct jail_report *r, struct buf *told)
{
	char status[STATUS_MAX_BYTES];
	ssize_t n = pread(r->status, status, sizeof status - 1, 0);

	status[n > 0 ? n : 0] = '\0';
	buf_addc(told, '{');
	buf_json_int(told, "pid", getpid());
	tell_ids("uid", r->uid, told);
	tell_ids("gid", r->gid, told);
	tell_line(status, "\nCapEff:", "capabilities", told);
	tell_line(status, "\nNoNewPrivs:", "no_new_privs", told);
	tell_line(status, "\nSeccomp:", "seccomp", told);
	tell_line(status, "\nSeccomp_filters:", "seccomp_filters", told);
	tell_line(status, "\nVmLck:", "locked", told);
	buf_json_int(told, "landlock", r->landlock);
	buf_json_int(told, "dumpable", r->dumpable);
	tell_limit("files", &r->files, told);
	tell_limit("processes", &r->processes, told);
	tell_limit("core", &r->core, told);
	buf_json_str(told, "chroot", r->chroot ? "yes" : "no");
	tell_skipped(r, told);
	buf_addc(told, '}');
}
