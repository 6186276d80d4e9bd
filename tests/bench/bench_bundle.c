/* bench_bundle.c - how fast bundles are sealed and opened, and in how much memory. Runs in: tests,
 * by make bench. One JSON line per measure: megabytes (10^6 bytes of document) per second, the
 * processor time of it in milliseconds (of all threads), the peak of resident memory in KiB, of a
 * process that did nothing else. What is sealed does not compress.
 * usage: bench_bundle FOLDER [MIB...]     needs $PKI */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "safehand/bundle_file.h"
#include "safehand/time.h"

#define NOISE_BYTES (1024 * 1024)

static struct err e;

static void
must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_bundle: %s: %s: %s\n", what, err_name(e.code), e.text);
	exit(1);
}

static struct buf
pki_file(const char *name)
{
	const char *pki = getenv("PKI");
	struct buf b = {0};
	char path[1024];
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/%s", pki != NULL ? pki : "build/test-pki", name);
	f = fopen(path, "r");
	if (f == NULL) {
		fprintf(stderr, "bench_bundle: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	while ((c = getc(f)) != EOF)
		buf_addc(&b, (char)c);
	fclose(f);
	return b;
}

/* Another megabyte of noise every time: nothing for zstd to find. */
static void
make_document(int dir_fd, uint64_t bytes)
{
	int fd = openat(dir_fd, "recording.wav", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint8_t *noise = mem_alloc(NOISE_BYTES);

	for (uint64_t done = 0; done < bytes; done += NOISE_BYTES) {
		arc4random_buf(noise, NOISE_BYTES);
		if (done == 0) /* a document must be what its name says */
			memcpy(noise, "RIFF....WAVEfmt ", 16);
		if (write(fd, noise, NOISE_BYTES) != NOISE_BYTES)
			must(err_sys(&e, "recording.wav"), "document");
	}
	must(fsync(fd) == 0 ? 0 : err_sys(&e, "recording.wav"), "document");
	free(noise);
	close(fd);
}

static void
seal(int dir_fd, const char *path)
{
	struct buf key = pki_file("certs/agency-sign/csc.key"),
		   cert = pki_file("certs/agency-sign/csc.pem"),
		   pem = pki_file("certs/agency-seal/wmp_ppu.pem"), der = {0};
	struct recipient to = {.mailbox = "wmp/ppu"};
	struct manifest m = {.from = "csc/mash", .klass = "general", .to = &to, .nto = 1};
	struct bundle_document d = {.path = path};
	struct bundle_order o = {.manifest = &m, .documents = &d, .ndocuments = 1, .nsigners = 1};
	struct identity to_key;
	struct signer *s;
	struct cover *c = cover_new();

	must(signer_new(key.data, key.len, cert.data, cert.len, &s, &e), "signer");
	must(identity_pem_to_der(pem.data, pem.len, &der, &e), "certificate");
	must(identity_parse(der.data, der.len, &to_key, &e), "certificate");
	uuid_new(m.id, time_now_ms());
	m.created_ms = time_now_ms() / 1000 * 1000;
	m.event_at_ms = MANIFEST_NO_TIME;
	o.keys = &to_key;
	o.cover = c;
	o.signers = &s;
	must(bundle_write(&o, dir_fd, "bench.shb", &e), "seal");
	buf_wipe(&key);
	buf_free(&cert);
	buf_free(&pem);
	buf_free(&der);
	signer_free(s);
	cover_free(c);
}

/* As a client does it: the signatures, the payload's digest, then the opening with all its checks.
 */
static void
open_it(int dir_fd, const char *folder)
{
	struct buf root = pki_file("trust/root.pem"), issuing = pki_file("trust/issuing.pem"),
		   crl = pki_file("trust/crl.pem"), key = pki_file("certs/agency-seal/wmp_ppu.key");
	uint8_t secret[KEY_BYTES], content[DIGEST_BYTES];
	struct bundle_opening o = {.x25519_secret = secret};
	struct identity ids[SIGNERS_MAX];
	struct bundle_file *b;
	struct cover *cover;
	struct trust *t;
	bool has_content;
	size_t n;

	must(trust_new(&root, &issuing, &crl, &t, &e), "trust");
	must(identity_x25519_secret(key.data, key.len, secret, &e), "key");
	must(bundle_file_open(openat(dir_fd, "bench.shb", O_RDONLY | O_CLOEXEC), &b, &e), "open");
	must(bundle_file_check(b, t, time_now_ms(), TRUST_LIVE, ids, &n, &e), "check");
	must(bundle_file_check_payload(b, NULL, NULL, &e), "payload");
	memcpy(o.slot, b->slots.data, SLOT_BYTES);
	must(bundle_file_extract(b, &o, dir_fd, "bench", &cover, content, &has_content, &e),
	     "extract");
	explicit_bzero(secret, sizeof secret);
	cover_free(cover);
	bundle_file_close(b);
	trust_free(t);
	buf_free(&root);
	buf_free(&issuing);
	buf_free(&crl);
	buf_wipe(&key);
}

static long
cpu_ms(const struct rusage *used)
{
	return (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000 +
	       (used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1000;
}

/* In a process of its own, so that its peak is its own. */
static void
measure(const char *what, void (*work)(int, const char *), int dir_fd, const char *path,
	uint64_t bytes)
{
	int64_t start = time_mono_ms(), ms;
	struct rusage used;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		work(dir_fd, path);
		_exit(0);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status != 0) {
		fprintf(stderr, "bench_bundle: %s failed\n", what);
		exit(1);
	}
	ms = time_mono_ms() - start;
	printf("{\"bench\":\"%s\",\"bytes\":%" PRIu64
	       ",\"mb_per_s\":%.1f,\"cpu_ms\":%ld,\"peak_kib\":%ld}\n",
	       what, bytes, (double)bytes / 1000.0 / (double)(ms > 0 ? ms : 1), cpu_ms(&used),
	       used.ru_maxrss);
	fflush(stdout);
}

static void
bench(int dir_fd, const char *folder, uint64_t bytes)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/recording.wav", folder);
	make_document(dir_fd, bytes);
	measure("seal", seal, dir_fd, path, bytes);
	measure("open", open_it, dir_fd, path, bytes);
	unlinkat(dir_fd, "recording.wav", 0);
	unlinkat(dir_fd, "bench/recording.wav", 0);
	unlinkat(dir_fd, "bench/cover.json", 0);
	unlinkat(dir_fd, "bench", AT_REMOVEDIR);
	unlinkat(dir_fd, "bench.shb", 0);
}

int
main(int argc, char **argv)
{
	static const uint64_t sizes[] = {1, 64, 2048}; /* MiB */
	int dir_fd;

	if (argc < 2 || setlocale(LC_CTYPE, "C.UTF-8") == NULL ||
	    (dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "usage: bench_bundle FOLDER [MIB...]\n");
		return 2;
	}
	for (size_t i = 0; argc == 2 && i < sizeof sizes / sizeof *sizes; i++)
		bench(dir_fd, argv[1], sizes[i] * MIB);
	for (int i = 2; i < argc; i++)
		bench(dir_fd, argv[1], strtoull(argv[i], NULL, 10) * MIB);
	return 0;
}
