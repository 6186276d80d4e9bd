/* acts.c - what no role may do: one row an act. Runs in: children of the jail tests. Owns: nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "acts.h"

struct scene scene = {.data_fd = -1, .sock = -1, .listener = -1, .log = -1};

static int
result(long rc)
{
	return rc < 0 ? errno : 0;
}

/* --- files --- */

static int
open_passwd(void)
{
	return result(open("/etc/passwd", O_RDONLY));
}

static int
open_outside(void)
{
	return result(open(scene.file, O_RDONLY));
}

static int
list_outside(void)
{
	return result(open(scene.outside, O_RDONLY | O_DIRECTORY));
}

/* Out of the data folder by its own descriptor: the chroot alone does not stop this. */
static int
open_upwards(void)
{
	return result(openat(scene.data_fd, "../outside/file", O_RDONLY));
}

static int
write_upwards(void)
{
	return result(openat(scene.data_fd, "../outside/made", O_WRONLY | O_CREAT, 0600));
}

static int
write_outside(void)
{
	return result(open(scene.made, O_WRONLY | O_CREAT, 0600));
}

static int
make_folder(void)
{
	return result(mkdirat(AT_FDCWD, scene.made, 0700));
}

static int
move_upwards(void)
{
	return result(renameat(scene.data_fd, "../outside/file", scene.data_fd, "taken"));
}

static int
remove_upwards(void)
{
	return result(unlinkat(scene.data_fd, "../outside/file", 0));
}

static int
make_link(void)
{
	return result(symlinkat("/", scene.data_fd, "link"));
}

static int
hard_link(void)
{
	return result(linkat(AT_FDCWD, scene.file, scene.data_fd, "hard", 0));
}

static int
change_mode(void)
{
	return result(fchmod(scene.log, 04755));
}

static int
change_owner(void)
{
	return result(fchown(scene.log, 0, 0));
}

static int
change_folder(void)
{
	return result(chdir("/tmp"));
}

/* --- network --- */

static int
make_tcp(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int
make_unix(void)
{
	return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
make_packet(void)
{
	return result(socket(AF_PACKET, SOCK_RAW, 0));
}

static struct sockaddr_in
loopback(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int
connect_out(void)
{
	struct sockaddr_in sa = loopback();
	int rc;

	sa.sin_port = htons(1);
	rc = result(connect(scene.sock, (struct sockaddr *)&sa, sizeof sa));
	return rc == ECONNREFUSED ? 0 : rc; /* nobody is there: it was done all the same */
}

static int
bind_port(void)
{
	struct sockaddr_in sa = loopback();

	return result(bind(scene.sock, (struct sockaddr *)&sa, sizeof sa));
}

static int
listen_on(void)
{
	return result(listen(scene.sock, 1));
}

static int
accept_one(void)
{
	int rc = result(accept4(scene.listener, NULL, NULL, SOCK_NONBLOCK));

	return rc == EAGAIN ? 0 : rc;
}

/* --- processes --- */

static int
run_program(void)
{
	return result(execl("/bin/true", "true", NULL));
}

static int
run_descriptor(void)
{
	char *none[] = {NULL};

	return result(syscall(SYS_execveat, scene.log, "", none, none, AT_EMPTY_PATH));
}

static int
fork_one(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static int
vfork_one(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
start_thread(void)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, nothing, NULL);

	return rc != 0 ? rc : pthread_join(thread, NULL);
}

static int
signal_other(void)
{
	return result(kill(scene.other, 0));
}

static int
signal_thread(void)
{
	return result(syscall(SYS_tgkill, scene.other, scene.other, 0));
}

static int
trace_other(void)
{
	long rc = ptrace(PTRACE_SEIZE, scene.other, NULL, NULL);
	int fault = errno;

	ptrace(PTRACE_DETACH, scene.other, NULL, NULL);
	errno = fault;
	return result(rc);
}

static int
read_memory(void)
{
	char here[8];
	struct iovec to = {here, sizeof here}, from = {&scene, sizeof here};

	return result(process_vm_readv(scene.other, &to, 1, &from, 1, 0));
}

static int
write_memory(void)
{
	char here[8] = "";
	static char there[8];
	struct iovec from = {here, sizeof here}, to = {there, sizeof here};

	return result(process_vm_writev(scene.other, &from, 1, &to, 1, 0));
}

static int
open_memory(void)
{
	return result(open(scene.mem, O_RDONLY));
}

static int
take_descriptor(void)
{
	return result(syscall(SYS_pidfd_open, scene.other, 0));
}

/* --- privileges --- */

static int
become_root(void)
{
	return result(syscall(SYS_setuid, 0)); /* libc's would tell its threads */
}

static int
change_root(void)
{
	return result(chroot("/"));
}

static int
new_namespace(void)
{
	return result(unshare(CLONE_NEWUSER));
}

static int
mount_one(void)
{
	return result(mount("none", "/nowhere", "tmpfs", MS_RDONLY, NULL));
}

static int
set_time(void)
{
	return result(syscall(SYS_clock_settime, CLOCK_REALTIME, NULL));
}

static int
dumpable_again(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
raise_limit(void)
{
	struct rlimit limit = {8, 8};

	return result(setrlimit(RLIMIT_CORE, &limit));
}

static int
another_filter(void)
{
	return result(syscall(SYS_seccomp, 2, 0, NULL)); /* SECCOMP_GET_ACTION_AVAIL */
}

static int
load_bpf(void)
{
	return result(syscall(SYS_bpf, 0, NULL, 0));
}

static int
count_events(void)
{
	return result(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
}

static int
make_ring(void)
{
	return result(syscall(SYS_io_uring_setup, 0, NULL));
}

static int
handle_faults(void)
{
	return result(syscall(SYS_userfaultfd, ~0));
}

static int
use_keyring(void)
{
	return result(syscall(SYS_keyctl, 0, 0, 0)); /* KEYCTL_GET_KEYRING_ID */
}

static int
open_handle(void)
{
	return result(syscall(SYS_open_by_handle_at, scene.data_fd, NULL, 0));
}

/* --- code --- */

static int
map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED
		   ? errno
		   : 0;
}

static int
make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int
type_for_the_user(void)
{
	return result(ioctl(scene.log, TIOCSTI, "x"));
}

static int
own_signals(void)
{
	return result(fcntl(scene.sock, F_SETOWN, scene.other));
}

#ifdef __x86_64__
static int
other_numbers(void)
{
	return result(syscall(0x40000000 | SYS_getpid)); /* x32 */
}
#endif

#define STORE_ROLE   ROLE(STORE)
#define COURIER_ROLE ROLE(COURIER)
#define READERS	     (STORE_ROLE | COURIER_ROLE)

const struct act acts[] = {
    {"open /etc/passwd", open_passwd, COURIER_ROLE, STORE_ROLE, 1},
    {"open a file elsewhere", open_outside, 0, READERS, 1},
    {"list a folder elsewhere", list_outside, 0, READERS, 1},
    {"open by .. out of the data folder", open_upwards, 0, READERS, 1},
    {"write by .. out of the data folder", write_upwards, 0, READERS, 1},
    {"write a file elsewhere", write_outside, 0, READERS, 1},
    {"make a folder elsewhere", make_folder, 0, STORE_ROLE, 1},
    {"move a file in from elsewhere", move_upwards, 0, STORE_ROLE, 1},
    {"remove a file elsewhere", remove_upwards, 0, STORE_ROLE, 1},
    {"make a symbolic link", make_link, 0, 0, 0},
    {"make a hard link", hard_link, 0, 0, 0},
    {"change a mode", change_mode, 0, 0, 0},
    {"change an owner", change_owner, 0, 0, 0},
    {"change the folder", change_folder, 0, 0, 0},
    {"make a TCP socket", make_tcp, COURIER_ROLE, 0, 0},
    {"make a unix socket", make_unix, COURIER_ROLE, 0, 0},
    {"make a packet socket", make_packet, 0, 0, 0},
    {"connect", connect_out, COURIER_ROLE, 0, 0},
    {"bind a port", bind_port, 0, COURIER_ROLE, 4},
    {"listen", listen_on, 0, 0, 0},
    {"accept", accept_one, ROLE(FRONT), 0, 0},
    {"run a program", run_program, 0, 0, 0},
    {"run a descriptor", run_descriptor, 0, 0, 0},
    {"fork", fork_one, 0, 0, 0},
    {"vfork", vfork_one, 0, 0, 0},
    {"start a thread", start_thread, COURIER_ROLE, 0, 0},
    {"signal another role", signal_other, 0, 0, 0},
    {"signal another role's thread", signal_thread, 0, 0, 0},
    {"trace another role", trace_other, 0, 0, 0},
    {"read another role's memory", read_memory, 0, 0, 0},
    {"write another role's memory", write_memory, 0, 0, 0},
    {"open another role's memory", open_memory, 0, READERS, 0},
    {"take another role's descriptors", take_descriptor, 0, 0, 0},
    {"become root", become_root, 0, 0, 0},
    {"change the root", change_root, 0, 0, 0},
    {"make a namespace", new_namespace, 0, 0, 0},
    {"mount", mount_one, 0, 0, 0},
    {"set the clock", set_time, 0, 0, 0},
    {"be dumpable again", dumpable_again, 0, 0, 0},
    {"set a limit", raise_limit, 0, 0, 0},
    {"seccomp", another_filter, 0, 0, 0},
    {"bpf", load_bpf, 0, 0, 0},
    {"perf_event_open", count_events, 0, 0, 0},
    {"io_uring", make_ring, 0, 0, 0},
    {"userfaultfd", handle_faults, 0, 0, 0},
    {"keyring", use_keyring, 0, 0, 0},
    {"open by handle", open_handle, 0, 0, 0},
    {"map code", map_code, 0, 0, 0},
    {"make data code", make_code, 0, 0, 0},
    {"type for the user", type_for_the_user, 0, 0, 0},
    {"send signals by descriptor", own_signals, 0, 0, 0},
#ifdef __x86_64__
    {"calls of another architecture", other_numbers, 0, 0, 0},
#endif
};
const size_t acts_n = sizeof acts / sizeof *acts;
