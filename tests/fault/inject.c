/* inject.c - runs a program under ptrace and lets one system call of one of its processes go wrong:
 * the N-th of a kind fails, does half, or the process is killed before or after it. The call keeps
 * its number, with an argument that cannot work: no filter of the process's jail sees another call.
 *
 *	inject [--fault CALL:N:ACT] [--log FILE] [--after CALL] [--record FILE DIR COMM] COMM
 *PROGRAM ARG... inject --calls
 *
 * COMM is the process's name; calls are counted from the first CALL of --after on. ACT: before,
 * after (kill -9), eio, enospc, short, full (short, and the next of its kind enospc). The log has a
 *line for each call, and "hit" for the fault. Ends as PROGRAM does; with status 99 if a fault could
 *not be done as asked. */
#include "fault/trace.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT	 99 /* exit status: this file's fault, not the program's */
#define PIDS	 64 /* processes of one gateway, and the client's */
#define VICTIM	 1u
#define RECORDED 2u

static const struct call calls[] = {
    {"openat", SYS_openat, 0, 1, -1, false, true, true, false},
    {"open", SYS_open, -1, 0, -1, false, true, true, false},
    {"read", SYS_read, 0, -1, 2, false, false, false, false},
    {"pread64", SYS_pread64, 0, -1, 2, false, false, false, false},
    {"readv", SYS_readv, 0, -1, 2, true, false, false, false},
    {"write", SYS_write, 0, -1, 2, false, true, true, false},
    {"pwrite64", SYS_pwrite64, 0, -1, 2, false, true, true, false},
    {"writev", SYS_writev, 0, -1, 2, true, true, true, false},
    {"pwritev", SYS_pwritev, 0, -1, 2, true, true, true, false},
    {"fsync", SYS_fsync, 0, -1, -1, false, true, true, false},
    {"fdatasync", SYS_fdatasync, 0, -1, -1, false, true, true, false},
    {"sync_file_range", SYS_sync_file_range, 0, -1, -1, false, true, true, false},
    {"rename", SYS_rename, -1, 0, -1, false, true, true, false},
    {"renameat", SYS_renameat, 0, 1, -1, false, true, true, false},
    {"renameat2", SYS_renameat2, 0, 1, -1, false, true, true, false},
    {"link", SYS_link, -1, 0, -1, false, true, true, false},
    {"linkat", SYS_linkat, 0, 1, -1, false, true, true, false},
    {"unlink", SYS_unlink, -1, 0, -1, false, false, true, false},
    {"unlinkat", SYS_unlinkat, 0, 1, -1, false, false, true, false},
    {"rmdir", SYS_rmdir, -1, 0, -1, false, false, true, false},
    {"ftruncate", SYS_ftruncate, 0, -1, -1, false, true, true, false},
    {"fallocate", SYS_fallocate, 0, -1, -1, false, true, true, false},
    {"mkdir", SYS_mkdir, -1, 0, -1, false, true, true, false},
    {"mkdirat", SYS_mkdirat, 0, 1, -1, false, true, true, false},
    {"fchown", SYS_fchown, 0, -1, -1, false, false, true, false},
    {"fchmod", SYS_fchmod, 0, -1, -1, false, false, true, false},
    {"sendmsg", SYS_sendmsg, 0, -1, -1, false, false, true, false},
    {"recvmsg", SYS_recvmsg, 0, -1, -1, false, false, true, false},
    {"memfd_create", SYS_memfd_create, -1, 0, -1, false, true, false, false},
    {"mmap", SYS_mmap, 4, -1, -1, false, true, false, true},
    {"fstat", SYS_fstat, 0, -1, -1, false, false, false, false},
    {"newfstatat", SYS_newfstatat, 0, 1, -1, false, false, false, false},
    {"lseek", SYS_lseek, 0, -1, -1, false, false, false, false},
    {"getdents64", SYS_getdents64, 0, -1, -1, false, false, false, false},
    {"fstatfs", SYS_fstatfs, 0, -1, -1, false, false, false, false},
    {"dup", SYS_dup, 0, -1, -1, false, false, false, false},
};
#define CALLS (sizeof calls / sizeof *calls)

struct tracee {
	pid_t pid;
	unsigned role;
	bool known; /* who forked it has said so; until then it is held */
	bool held;
	bool started; /* its calls count */
	bool inside;  /* between entry and exit of the call in stop */
	struct stop stop;
};

static struct {
	struct tracee tracee[PIDS];
	pid_t program;
	const char *victim, *recorded, *after;
	FILE *log;
	unsigned long count[CALLS];
	const struct call *call; /* of the fault; NULL: none */
	unsigned long nth;
	const char *act;
	bool hit;
	struct iovec was; /* restored after a short vector */
} t;

static _Noreturn void
cannot(const char *why)
{
	fprintf(stderr, "inject: %s\n", why);
	exit(CANNOT); /* PTRACE_O_EXITKILL takes the processes along */
}

bool
trace_peek(pid_t pid, uint64_t at, void *to, size_t n)
{
	struct iovec here = {to, n}, there = {(void *)(uintptr_t)at, n};

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)n;
}

/* --- registers --- */

static void
set_arg(pid_t pid, int arg, uint64_t value)
{
	struct user_regs_struct r;
	unsigned long long *const of[] = {&r.rdi, &r.rsi, &r.rdx, &r.r10, &r.r8, &r.r9};

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
		cannot("no registers");
	*of[arg] = value;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &r) < 0)
		cannot("registers cannot be set");
}

static void
set_result(pid_t pid, int64_t value)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
		cannot("no registers");
	r.rax = (unsigned long long)value;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &r) < 0)
		cannot("registers cannot be set");
}

static void
poke_iov_length(pid_t pid, uint64_t at, size_t length)
{
	if (ptrace(PTRACE_POKEDATA, pid, at + offsetof(struct iovec, iov_len), length) < 0)
		cannot("a vector cannot be set");
}

/* --- the fault --- */

static void
make_fail(const struct stop *s)
{
	if (s->call->fd >= 0)
		set_arg(s->pid, s->call->fd, (uint64_t)-1);
	if (s->call->path >= 0)
		set_arg(s->pid, s->call->path, 0);
}

/* Half of what was asked for; of one byte there is no half, and the call is left as it is. */
static void
make_short(const struct stop *s)
{
	uint64_t n = s->arg[s->call->count];

	if (!s->call->vectors) {
		if (n > 1)
			set_arg(s->pid, s->call->count, n / 2);
	} else if (n > 1) {
		set_arg(s->pid, s->call->count, n / 2);
	} else {
		if (!trace_peek(s->pid, s->arg[1], &t.was, sizeof t.was))
			cannot("a vector cannot be read: not root?");
		poke_iov_length(s->pid, s->arg[1], t.was.iov_len / 2);
	}
}

static void
fault_entry(const struct stop *s)
{
	if (t.log != NULL)
		fprintf(t.log, "hit %s %lu %s\n", s->call->name, t.nth, t.act);
	t.hit = true;
	if (strcmp(t.act, "before") == 0)
		kill(s->pid, SIGKILL);
	else if (strcmp(t.act, "short") == 0 || strcmp(t.act, "full") == 0)
		make_short(s);
	else if (strcmp(t.act, "after") != 0)
		make_fail(s);
}

static void
fault_exit(const struct stop *s)
{
	bool fails = strcmp(t.act, "eio") == 0 || strcmp(t.act, "enospc") == 0;

	if (strcmp(t.act, "after") == 0)
		kill(s->pid, SIGKILL);
	if (fails && s->result >= 0)
		cannot("a call that should fail succeeded");
	if (fails)
		set_result(s->pid, t.act[1] == 'i' ? -EIO : -ENOSPC);
	if (t.was.iov_base != NULL)
		poke_iov_length(s->pid, s->arg[1], t.was.iov_len);
	t.was.iov_base = NULL;
	if (strcmp(t.act, "full") == 0) {
		t.act = "enospc";
		t.nth++;
		t.hit = false; /* until it is */
	} else {
		t.call = NULL; /* once */
	}
}

/* --- stops --- */

static struct tracee *
tracee_of(pid_t pid)
{
	struct tracee *free_one = NULL;

	for (size_t i = 0; i < PIDS; i++) {
		if (t.tracee[i].pid == pid)
			return &t.tracee[i];
		if (t.tracee[i].pid == 0 && free_one == NULL)
			free_one = &t.tracee[i];
	}
	if (free_one == NULL)
		cannot("too many processes");
	*free_one = (struct tracee){.pid = pid};
	return free_one;
}

static const struct call *
call_of(const struct __ptrace_syscall_info *i)
{
	for (size_t k = 0; k < CALLS; k++)
		if (calls[k].nr == (long)i->entry.nr)
			return calls[k].anonymous && (int)i->entry.args[4] < 0 ? NULL : &calls[k];
	return NULL;
}

static void
on_entry(struct tracee *p, const struct __ptrace_syscall_info *i)
{
	const struct call *c = call_of(i);
	unsigned long n;

	p->inside = true;
	p->stop = (struct stop){.pid = p->pid, .call = c};
	memcpy(p->stop.arg, i->entry.args, sizeof p->stop.arg);
	if (c == NULL)
		return;
	if (t.after == NULL || strcmp(t.after, c->name) == 0)
		p->started = true;
	if (!p->started)
		return;
	if (p->role & RECORDED)
		record_entry(&p->stop);
	if (!(p->role & VICTIM))
		return;
	n = ++t.count[c - calls];
	if (t.log != NULL)
		fprintf(t.log, "call %s %lu\n", c->name, n);
	if (t.call == c && n == t.nth)
		fault_entry(&p->stop);
}

static void
on_exit_of(struct tracee *p, const struct __ptrace_syscall_info *i)
{
	p->inside = false;
	p->stop.result = i->exit.rval;
	if (p->stop.call == NULL || !p->started)
		return;
	if (p->role & RECORDED)
		record_exit(&p->stop);
	if (t.hit && t.call == p->stop.call && p->role & VICTIM)
		fault_exit(&p->stop);
}

static void
on_syscall(struct tracee *p)
{
	struct __ptrace_syscall_info i;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof i, &i) <= 0)
		return; /* it is being killed */
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
		on_entry(p, &i);
	else if (i.op == PTRACE_SYSCALL_INFO_EXIT && p->inside)
		on_exit_of(p, &i);
}

/* A process that became another program: is it one that is looked at? */
static void
on_exec(struct tracee *p)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)p->pid);
	if ((f = fopen(path, "re")) != NULL) {
		if (fgets(comm, sizeof comm, f) != NULL)
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
	}
	p->role = strcmp(comm, t.victim) == 0 ? VICTIM : 0;
	if (t.recorded != NULL && (p->role || strcmp(comm, t.recorded) == 0))
		p->role |= RECORDED;
	if (p->role == 0 && p->pid != t.program) {
		ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
		p->pid = 0;
	}
}

static void
go_on(const struct tracee *p, int sig)
{
	if (p->pid != 0)
		ptrace(p->role ? PTRACE_SYSCALL : PTRACE_CONT, p->pid, NULL, sig);
}

/* A child goes on as what its parent is, wherever it was stopped first. */
static void
on_fork(const struct tracee *parent)
{
	struct tracee *child;
	unsigned long pid;

	if (ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid) < 0)
		return; /* it is being killed */
	child = tracee_of((pid_t)pid);
	child->role = parent->role;
	child->started = parent->started;
	child->known = true;
	if (child->held)
		go_on(child, 0);
	child->held = false;
}

static void
on_stop(pid_t pid, int status)
{
	struct tracee *p = tracee_of(pid);
	int sig = WSTOPSIG(status), event = status >> 16;

	if (!p->known) {
		p->held = true;
		return;
	}
	if (event == PTRACE_EVENT_EXEC)
		on_exec(p);
	else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK)
		on_fork(p);
	else if (sig == (SIGTRAP | 0x80))
		on_syscall(p);
	else if (event == 0 && sig != SIGSTOP) { /* a new process begins with a SIGSTOP of ours */
		go_on(p, sig);
		return;
	}
	go_on(p, 0);
}

static void
forward(int sig)
{
	if (t.program > 0)
		kill(t.program, sig);
}

static int
trace(void)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;
	pid_t pid;

	if (waitpid(t.program, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, t.program, NULL, options) < 0)
		cannot("cannot trace");
	tracee_of(t.program)->known = true;
	go_on(tracee_of(t.program), 0);
	for (;;) {
		if ((pid = waitpid(-1, &status, __WALL)) < 0) {
			if (errno == EINTR)
				continue;
			cannot("lost the program");
		}
		if (WIFSTOPPED(status)) {
			on_stop(pid, status);
			continue;
		}
		tracee_of(pid)->pid = 0;
		if (pid == t.program)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

/* --- arguments --- */

static void
parse_fault(char *text)
{
	char *n = strchr(text, ':'), *act = n != NULL ? strchr(n + 1, ':') : NULL;

	if (act == NULL)
		cannot("want CALL:N:ACT");
	*n++ = '\0';
	*act++ = '\0';
	for (size_t i = 0; i < CALLS; i++)
		if (strcmp(calls[i].name, text) == 0)
			t.call = &calls[i];
	t.nth = strtoul(n, NULL, 10);
	t.act = act;
	if (t.call == NULL)
		cannot("no such call");
}

static int
list_calls(void)
{
	for (size_t i = 0; i < CALLS; i++)
		printf("%s%s%s%s\n", calls[i].name, calls[i].changes ? " changes" : "",
		       calls[i].makes ? " makes" : "", calls[i].count >= 0 ? " counts" : "");
	return 0;
}

static char **
parse(char **a)
{
	for (; *a != NULL && strncmp(*a, "--", 2) == 0; a += 2) {
		if (strcmp(*a, "--calls") == 0)
			exit(list_calls());
		if (a[1] == NULL)
			cannot("an option lacks its value");
		if (strcmp(*a, "--fault") == 0)
			parse_fault(a[1]);
		else if (strcmp(*a, "--after") == 0)
			t.after = a[1];
		else if (strcmp(*a, "--log") == 0) {
			if ((t.log = fopen(a[1], "ae")) == NULL)
				cannot("the log cannot be opened");
			setvbuf(t.log, NULL, _IOLBF, 0);
		} else if (strcmp(*a, "--record") == 0 && a[2] != NULL && a[3] != NULL) {
			if (!record_open(a[1], a[2]))
				cannot("the record cannot be opened");
			t.recorded = a[3];
			a += 2;
		} else
			cannot("no such option");
	}
	if (a[0] == NULL || a[1] == NULL)
		cannot("want COMM PROGRAM ARG...");
	t.victim = a[0];
	return a + 1;
}

int
main(int argc, char **argv)
{
	char **program = parse(argc > 0 ? argv + 1 : argv);
	int status;

	signal(SIGTERM, forward);
	signal(SIGINT, forward);
	if ((t.program = fork()) == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(program[0], program);
		_exit(CANNOT);
	}
	status = trace();
	if (t.log != NULL && fclose(t.log) != 0)
		cannot("the log cannot be written");
	return status;
}
