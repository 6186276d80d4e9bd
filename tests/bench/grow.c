/* grow.c - fills a data folder as if a gateway had accepted so many bundles of 3 mailboxes each:
 * rows, entries, tree, a signed and stamped checkpoint for each group, bytes in the journal, all
 * through the store's own interfaces. Runs in: make bench, while no gateway has the folder. The
 * folder must have been served once: the log goes on from its last checkpoint.
 * usage: grow FOLDER PKI BUNDLES PURGE-DUE    the first PURGE-DUE of them are past their retention
 */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safehand/bundle.h"
#include "safehand/digest.h"
#include "safehand/entry.h"
#include "safehand/note.h"
#include "safehand/time.h"
#include "safehand/timestamp.h"
#include "store/ledger.h"
#include "store/tree.h"

#define GROUP	       32 /* bundles of one checkpoint: as many as connections of the load */
#define TRANSACTION    64 /* groups of one transaction: it is not this that is measured */
#define MANIFEST_BYTES 1000
#define SIGNED_BYTES   2300 /* a CMS signature with two certificates */
#define PAYLOAD_BYTES  300
#define RETAIN_MS      (INT64_C(90) * 86400000)

static const char *const mailboxes[] = {"csc/mash", "csc/duty", "wmp/ppu"};
#define MAILBOXES (sizeof mailboxes / sizeof *mailboxes)

static struct {
	struct ledger *ledger;
	struct spool *spool;
	struct tree *tree;
	struct note_signer *signer;
	struct tsa *tsa;
	uint64_t size;
	int64_t now_ms;
	struct buf head;
} grow;
static struct err e;

static void
must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "grow: %s: %s\n", what, e.text);
	exit(1);
}

static struct buf
pki_read(const char *pki, const char *name)
{
	struct buf b = {0};
	char path[512];
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/%s", pki, name);
	f = fopen(path, "r");
	must(f != NULL ? 0 : err_sys(&e, "%s", path), "PKI");
	while ((c = getc(f)) != EOF)
		buf_addc(&b, (char)c);
	fclose(f);
	return b;
}

/* --- opening --- */

static void
open_notary(const char *pki)
{
	struct buf log = pki_read(pki, "log/localhost_log.key"),
		   key = pki_read(pki, "certs/tsa/gw.key"),
		   cert = pki_read(pki, "certs/tsa/gw.pem");

	must(note_signer_new("localhost/log", log.data, log.len, &grow.signer, &e), "log key");
	must(tsa_new(key.data, key.len, cert.data, cert.len, &grow.tsa, &e), "tsa key");
	buf_wipe(&log);
	buf_wipe(&key);
	buf_free(&cert);
}

static void
open_folder(const char *folder)
{
	struct spool_conf conf = {.segment_bytes = 64 * MIB,
				  .small_max = MIB,
				  .memory_max = 64 * MIB,
				  .free_min = 0,
				  .stages_max = 16};
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ledger_checkpoint last = {0};
	uint32_t segment;
	uint64_t end;

	must(fd >= 0 ? 0 : err_sys(&e, "%s", folder), "folder");
	must(ledger_open(fd, true, &grow.ledger, &e), "ledger");
	ledger_tail(grow.ledger, &segment, &end);
	must(spool_open(fd, &conf, segment, end, &grow.spool, &e), "spool");
	ledger_last_checkpoint(grow.ledger, &last, NULL, NULL);
	grow.tree = tree_new(grow.ledger);
	grow.size = last.size;
	grow.now_ms = time_now_ms();
}

static void
make_head(void)
{
	struct bundle_head h = {MANIFEST_BYTES, SIGNED_BYTES, MAILBOXES * SLOT_BYTES,
				PAYLOAD_BYTES};
	uint8_t bytes[BUNDLE_FIXED_BYTES + MANIFEST_BYTES + SIGNED_BYTES + MAILBOXES * SLOT_BYTES];

	arc4random_buf(bytes, sizeof bytes);
	bundle_head_format(&h, bytes);
	buf_add(&grow.head, bytes, sizeof bytes);
}

/* --- one bundle --- */

static void
enter(const struct ledger_bundle *b, enum entry_event event, const char *mailbox)
{
	struct entry entry = {.seq = grow.size, .time_ms = grow.now_ms, .event = event};
	struct ledger_entry row = {.seq = (int64_t)grow.size,
				   .time_ms = grow.now_ms,
				   .event = event,
				   .bundle = b->n,
				   .has_actor = mailbox[0] == '\0'};
	uint8_t leaf[DIGEST_BYTES];
	struct buf line = {0};

	strcpy(entry.bundle, b->id);
	strcpy(entry.mailbox, mailbox);
	strcpy(entry.code, "ok");
	entry.has_manifest = true;
	entry.has_actor = row.has_actor;
	arc4random_buf(entry.salt, sizeof entry.salt);
	strcpy(row.mailbox, mailbox);
	strcpy(row.code, "ok");
	entry_format(&entry, &line);
	merkle_leaf(line.data, line.len, leaf);
	ledger_add_entry(grow.ledger, &row, &line);
	must(merkle_append(grow.size, leaf, tree_kept_get, tree_kept_put, grow.tree, &e), "tree");
	grow.size++;
	buf_free(&line);
}

static void
put_bytes(struct ledger_bundle *b)
{
	uint8_t payload[PAYLOAD_BYTES] = {1};
	struct stage *st;

	must(spool_stage(grow.spool, b->id, "uhcw", &grow.head, b->head_sha256, PAYLOAD_BYTES,
			 grow.now_ms, &st, &e),
	     "stage");
	must(pwrite(st->fd, payload, sizeof payload, (off_t)grow.head.len) == sizeof payload
		 ? 0
		 : err_sys(&e, "stage"),
	     "stage");
	must(spool_put(grow.spool, st, &b->place, &e), "journal");
}

static void
add_bundle(bool purge_due)
{
	struct ledger_bundle b = {.created_ms = grow.now_ms,
				  .event_at_ms = INT64_MIN,
				  .accepted_ms = grow.now_ms,
				  .purge_ms = grow.now_ms + (purge_due ? 0 : RETAIN_MS),
				  .manifest_bytes = MANIFEST_BYTES,
				  .signature_bytes = SIGNED_BYTES,
				  .slots_bytes = MAILBOXES * SLOT_BYTES,
				  .payload_bytes = PAYLOAD_BYTES};

	uuid_new(b.id, grow.now_ms);
	strcpy(b.from, "uhcw/emergency");
	strcpy(b.klass, "general");
	digest_of(b.id, strlen(b.id), b.head_sha256);
	memcpy(b.manifest_sha256, b.head_sha256, DIGEST_BYTES);
	put_bytes(&b);
	ledger_add_bundle(grow.ledger, &b);
	enter(&b, EVENT_SUBMISSION_ACCEPTANCE, "");
	for (uint32_t i = 0; i < MAILBOXES; i++) {
		struct ledger_delivery d = {.bundle = b.n, .slot = i, .state = DELIVERY_WAITING};

		strcpy(d.mailbox, mailboxes[i]);
		ledger_add_delivery(grow.ledger, &d, true);
		enter(&b, EVENT_CONTENT_CONSIGNMENT, mailboxes[i]);
	}
}

static void
seal(void)
{
	struct checkpoint next = {.size = grow.size};
	struct ledger_checkpoint row = {.size = grow.size, .time_ms = grow.now_ms};
	struct buf text = {0}, note = {0}, token = {0};
	uint8_t digest[DIGEST_BYTES];

	strcpy(next.origin, "localhost/log");
	must(merkle_root(grow.size, tree_kept_get, grow.tree, next.root, &e), "root");
	checkpoint_format(&next, &text);
	digest_of(text.data, text.len, digest);
	must(note_sign(grow.signer, buf_str(&text), text.len, &note, &e), "note");
	must(tsa_stamp(grow.tsa, digest, grow.now_ms, &token, &e), "token");
	ledger_add_checkpoint(grow.ledger, &row, &note, &token);
	buf_free(&text);
	buf_free(&note);
	buf_free(&token);
}

static void
commit(void)
{
	uint32_t segment;
	uint64_t end;

	spool_sync(grow.spool);
	spool_tail(grow.spool, &segment, &end);
	ledger_set_tail(grow.ledger, segment, end);
	ledger_commit(grow.ledger);
}

int
main(int argc, char **argv)
{
	uint64_t n, due;
	int64_t began = time_mono_ms();

	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc != 5) {
		fprintf(stderr, "usage: grow FOLDER PKI BUNDLES PURGE-DUE\n");
		return 2;
	}
	n = strtoull(argv[3], NULL, 10);
	due = strtoull(argv[4], NULL, 10);
	open_notary(argv[2]);
	open_folder(argv[1]);
	make_head();
	ledger_begin(grow.ledger);
	for (uint64_t i = 0; i < n; i++) {
		add_bundle(i < due);
		if ((i + 1) % GROUP == 0 || i + 1 == n)
			seal();
		if ((i + 1) % (GROUP * TRANSACTION) != 0)
			continue;
		commit();
		ledger_begin(grow.ledger);
	}
	commit();
	spool_close(grow.spool);
	ledger_close(grow.ledger);
	tree_free(grow.tree);
	printf("{\"bench\":\"grow\",\"bundles\":%llu,\"seconds\":%.1f}\n", (unsigned long long)n,
	       (double)(time_mono_ms() - began) / 1000.0);
	return 0;
}
