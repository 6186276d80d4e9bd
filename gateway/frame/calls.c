/* calls.c - which system calls a role may make: the table, and its way into the kernel. Runs in:
 * all roles, once. Owns: nothing. Trusts: libseccomp to compile the table.
 *
 * Never an error number instead of the kill: libraries take one for an answer and go on wrongly. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "frame/calls.h"

#define R(role) (1u << ROLE_##role)
#define ALL	(R(FRONT) | R(VERIFY) | R(STORE) | R(NOTARY) | R(COURIER))
/* who has sockets or pipes of others beside its channels */
#define WIRES	   (R(FRONT) | R(STORE) | R(COURIER))
#define TOKEN	   (1u << ROLE_IDS) /* a role whose keys are in a token, over a socket that is open */
#define CALL(name) SCMP_SYS(name), #name

static const struct call {
	int number;
	const char *name;
	unsigned roles;
	const char *why;
} calls[] = {
    /* the C library */
    {CALL(brk), ALL, "malloc"},
    {CALL(munmap), ALL, "malloc, SQLite's shared memory, thread stacks"},
    {CALL(mremap), ALL, "realloc of what is large"},
    {CALL(madvise), ALL, "malloc gives back; secrets are left out of cores"},
    {CALL(mlock), ALL, "secrets stay out of swap: keys of a reload"},
    {CALL(munlock), ALL, "the same, when they are wiped"},
    {CALL(futex), ALL, "once-only initialisation in libcrypto and libc"},
    {CALL(getpid), ALL, "libcrypto asks at each random number whether it was forked"},
    {CALL(gettid), ALL, "abort"},
    {CALL(sysinfo), ALL, "qsort of more than 1 KiB asks how much memory there is"},
    {CALL(getrandom), ALL, "libcrypto reseeds; ids; malloc's guard"},
    {CALL(rt_sigaction), ALL, "abort"},
    {CALL(rt_sigprocmask), ALL, "abort, thread start"},
    {CALL(rt_sigreturn), ALL, "end of a signal handler"},
    {CALL(restart_syscall), ALL, "a wait goes on after the process was stopped and continued"},
    {CALL(exit_group), ALL, "the end"},
    {CALL(clock_gettime), ALL, "the clock, where the vDSO cannot tell it"},
    {CALL(gettimeofday), ALL, "the same, libevent"},
    {CALL(time), ALL, "the same, libcrypto"},
    {CALL(write), ALL, "the log; TLS records; answers on the control socket"},
    {CALL(writev), ALL, "libc's last words; libevent's output"},
    {CALL(close), ALL, "descriptors that came with messages"},
    /* the loop and the channels */
    {CALL(epoll_wait), ALL, "libevent"},
    {CALL(epoll_pwait), ALL, "libevent, as newer C libraries do it"},
    {CALL(epoll_ctl), ALL, "libevent"},
    {CALL(sendmsg), ALL, "channels"},
    {CALL(recvmsg), ALL, "channels"},
    {CALL(newfstatat), ALL, "fstat of a descriptor that came; store: files of the data folder"},
    {CALL(fstat), ALL, "the same, older C libraries"},
    {CALL(pread64), ALL, "bytes that came as a descriptor; store: journal, ledger"},
    {CALL(memfd_create), R(FRONT) | R(STORE), "bytes that go as a descriptor"},
    {CALL(pwrite64), R(FRONT) | R(STORE), "into those; into staging, journal, ledger"},
    {CALL(lseek), WIRES, "the length of a memfd; stdio on resolver files"},
    {CALL(dup), R(FRONT) | R(STORE), "a descriptor that is lent and kept"},
    {CALL(sync_file_range), R(FRONT) | R(STORE), "large uploads start for the disk early"},
    {CALL(fadvise64), R(FRONT) | R(STORE),
     "what is on disk, or was checked, need not be in memory"},
    /* clients, control connections, servers outside */
    {CALL(accept4), R(FRONT), "clients; the sockets were bound by master"},
    {CALL(read), WIRES | TOKEN, "TLS records; command lines; resolver files; a token's answers"},
    {CALL(readv), R(FRONT) | R(STORE), "libevent's input"},
    {CALL(recvfrom), WIRES, "recv"},
    {CALL(sendto), WIRES, "send"},
    {CALL(setsockopt), R(FRONT) | R(COURIER), "TCP_NODELAY, keep-alive"},
    {CALL(getsockopt), R(FRONT) | R(COURIER), "SO_ERROR after connecting"},
    {CALL(getpeername), R(FRONT) | R(COURIER), "limits by address; curl's connection info"},
    {CALL(getsockname), R(FRONT) | R(COURIER), "the same; the resolver sorts addresses"},
    {CALL(shutdown), WIRES, "a refusal must arrive before the close"},
    /* the data folder: by descriptors of folders below it; Landlock holds them there */
    {CALL(openat), R(STORE) | R(COURIER), "spool, journal; courier: resolver, roots"},
    {CALL(mkdirat), R(STORE), "folders of the spool"},
    {CALL(renameat), R(STORE), "staging to bundles"},
    {CALL(renameat2), R(STORE), "the same, never over a file that is there"},
    {CALL(unlinkat), R(STORE), "purge, old segments, given up uploads"},
    {CALL(getdents64), R(STORE), "sweeps at start and fsck"},
    {CALL(preadv), R(STORE), "journal"},
    {CALL(pwritev), R(STORE), "journal: head and payload at once"},
    {CALL(ftruncate), R(STORE), "memfds, SQLite's log, given up segments"},
    {CALL(fallocate), R(STORE), "preallocated segments; holes where purged bytes were"},
    {CALL(fsync), R(STORE), "folders; SQLite"},
    {CALL(fdatasync), R(STORE), "the journal: one for a group"},
    {CALL(fstatfs), R(STORE), "free space"},
    {CALL(copy_file_range), R(STORE), "large bytes from file to file"},
    {CALL(clock_nanosleep), R(STORE), "SQLite waits for a lock"},
    {CALL(nanosleep), R(STORE), "the same, older C libraries"},
    {CALL(geteuid), R(STORE) | R(COURIER), "SQLite; libc before it trusts the environment"},
    /* notary */
    {CALL(clock_adjtime), R(NOTARY), "is the clock synchronised? (only asks: it has no privilege)"},
    {CALL(adjtimex), R(NOTARY), "the same, older C libraries"},
    /* courier: curl connects, resolves names in a thread of its own, speaks TLS */
    {CALL(connect), R(COURIER), "servers; name servers"},
    {CALL(bind), R(COURIER), "netlink, when libc lists addresses; Landlock refuses it for TCP"},
    {CALL(socketpair), R(COURIER), "curl wakes itself"},
    {CALL(eventfd2), R(COURIER), "the same, newer curl"},
    {CALL(pipe2), R(COURIER), "the same, other builds"},
    {CALL(poll), R(COURIER), "curl, the resolver"},
    {CALL(ppoll), R(COURIER), "the same, newer C libraries"},
    {CALL(sendmmsg), R(COURIER), "the resolver asks for both address families at once"},
    {CALL(recvmmsg), R(COURIER), "and takes both answers"},
    {CALL(uname), R(COURIER), "gethostname, for SMTP's EHLO"},
    {CALL(access), R(COURIER), "libc looks for the resolver's files"},
    {CALL(statx), R(COURIER), "has resolv.conf changed"},
    {CALL(readlink), R(COURIER), "libcrypto looks for the system's roots"},
    {CALL(getuid), R(COURIER), "libc before it trusts the environment"},
    {CALL(getgid), R(COURIER), "the same"},
    {CALL(getegid), R(COURIER), "the same"},
    {CALL(clone3), R(COURIER), "a thread: its flags lie in memory that no filter can read"},
    {CALL(set_robust_list), R(COURIER), "start of a thread"},
    {CALL(rseq), R(COURIER), "start of a thread"},
    {CALL(sched_getaffinity), R(COURIER), "malloc of a thread"},
    {CALL(sched_yield), R(COURIER), "threads"},
    {CALL(exit), R(COURIER), "end of a thread"},
};

/* Allowed only with (argument & mask) == value; several rows of one call: any of them. */
static const struct bounded {
	int number;
	const char *name;
	unsigned roles;
	unsigned argument;
	uint64_t mask, value;
	const char *why;
} bounded[] = {
    /* nothing that is written can be run */
    {CALL(mmap), ALL, 2, PROT_EXEC, 0, "malloc, SQLite's shared memory"},
    {CALL(mprotect), ALL, 2, PROT_EXEC, 0, "guard pages, thread stacks"},
    {CALL(prlimit64), ALL, 2, ~UINT64_C(0), 0, "asks for limits; sets none"},
    {CALL(fcntl), ALL, 1, ~UINT64_C(0), F_GETFL, "non-blocking descriptors"},
    {CALL(fcntl), ALL, 1, ~UINT64_C(0), F_SETFL, "the same"},
    {CALL(fcntl), ALL, 1, ~UINT64_C(0), F_GETFD, "close-on-exec"},
    {CALL(fcntl), ALL, 1, ~UINT64_C(0), F_SETFD, "the same"},
    {CALL(fcntl), ALL, 1, ~UINT64_C(0), F_DUPFD_CLOEXEC, "a descriptor that is lent and kept"},
    {CALL(fcntl), ALL, 1, ~UINT64_C(0), F_GET_SEALS, "a memfd that cannot change any more"},
    {CALL(fcntl), ALL, 1, ~UINT64_C(0), F_ADD_SEALS, "the same"},
    {CALL(fcntl), R(STORE), 1, ~UINT64_C(0), F_SETLK, "SQLite's locks"},
    {CALL(fcntl), R(STORE), 1, ~UINT64_C(0), F_GETLK, "the same"},
    {CALL(ioctl), WIRES, 1, ~UINT64_C(0), FIONREAD, "libevent, the resolver: how much has come"},
    {CALL(ioctl), WIRES, 1, ~UINT64_C(0), FIONBIO, "curl: non-blocking"},
    {CALL(ioctl), WIRES, 1, ~UINT64_C(0), TCGETS, "stdio asks whether its file is a terminal"},
    {CALL(socket), R(COURIER), 0, ~UINT64_C(0), AF_INET, "servers; name servers"},
    {CALL(socket), R(COURIER), 0, ~UINT64_C(0), AF_INET6, "the same"},
    {CALL(socket), R(COURIER), 0, ~UINT64_C(0), AF_NETLINK, "libc lists addresses"},
    {CALL(socket), R(COURIER), 0, ~UINT64_C(0), AF_UNIX, "libc asks nscd or systemd-resolved"},
    {CALL(clone), R(COURIER), 0, CLONE_THREAD, CLONE_THREAD, "a thread, no process"},
};

const char *
calls_unfiltered(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return "built with sanitizers";
#elif defined(SAFEHAND_COVERAGE)
	return "built for coverage";
#else
	return NULL;
#endif
}

static int
allow(scmp_filter_ctx filter, unsigned roles, struct err *e)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		const struct call *c = &calls[i];
		int rc =
		    c->roles & roles ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, c->number, 0) : 0;

		if (rc < 0)
			return err_set(e, ERR_SYSTEM, "seccomp: %s: %s", c->name, strerror(-rc));
	}
	for (size_t i = 0; i < sizeof bounded / sizeof *bounded; i++) {
		const struct bounded *b = &bounded[i];
		struct scmp_arg_cmp only = {b->argument, SCMP_CMP_MASKED_EQ, b->mask, b->value};
		int rc = b->roles & roles
			     ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, b->number, 1, only)
			     : 0;

		if (rc < 0)
			return err_set(e, ERR_SYSTEM, "seccomp: %s: %s", b->name, strerror(-rc));
	}
	return 0;
}

/* abort() and raise() signal ourselves; nobody else can be reached. */
static int
allow_own_death(scmp_filter_ctx filter, struct err *e)
{
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));

	return rc < 0 ? err_set(e, ERR_SYSTEM, "seccomp: tgkill: %s", strerror(-rc)) : 0;
}

int
calls_enter(enum role_id role, bool token, struct err *e)
{
	unsigned roles = 1u << role | (token ? TOKEN : 0);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int fault, rc = -1;

	if (filter == NULL)
		return err_set(e, ERR_SYSTEM, "seccomp: no filter");
	/* another architecture's numbers (int 0x80, x32) end the process as well; a binary search
	 * keeps the price of the long table down */
	if ((fault = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) <
		0 ||
	    (fault = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2)) < 0)
		err_set(e, ERR_SYSTEM, "seccomp: %s", strerror(-fault));
	else if (allow(filter, roles, e) == 0 && allow_own_death(filter, e) == 0) {
		if ((fault = seccomp_load(filter)) < 0)
			err_set(e, ERR_SYSTEM, "seccomp: %s", strerror(-fault));
		else
			rc = 0;
	}
	seccomp_release(filter);
	return rc;
}
