/* progress.c - a line about a transfer. Runs in: client. Owns: the terminal's last line. */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "safehand/time.h"

#define EVERY_MS 200 /* a person cannot read faster; no rate is told before */

struct progress
progress_begin(const struct client *c, const char *what)
{
	return (struct progress){.c = c, .what = what, .began_ms = time_mono_ms()};
}

static void
add_bytes(struct buf *out, double n)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	int u = 0;

	for (; n >= 1024 && u < 4; u++)
		n /= 1024;
	buf_addf(out, u == 0 ? "%.0f %s" : "%.1f %s", n, units[u]);
}

void
progress_text(const char *what, uint64_t done, uint64_t total, int64_t elapsed_ms, struct buf *out)
{
	double rate = elapsed_ms > 0 ? (double)done * 1000 / (double)elapsed_ms : 0;
	uint64_t left;

	buf_addf(out, "%s ", what);
	add_bytes(out, (double)done);
	buf_adds(out, " of ");
	add_bytes(out, (double)total);
	if (elapsed_ms < EVERY_MS || done == 0)
		return;
	buf_adds(out, ", ");
	add_bytes(out, rate);
	left = done < total ? (uint64_t)((double)(total - done) / rate + 0.5) : 0;
	buf_addf(out, "/s, %llu:%02llu left", (unsigned long long)(left / 60),
		 (unsigned long long)(left % 60));
}

int
progress_tick(void *ctx, uint64_t done, uint64_t total)
{
	struct progress *p = ctx;
	int64_t now = time_mono_ms();
	struct buf text = {0};

	if (p->c->stop != NULL && *p->c->stop != 0)
		return -1;
	if (p->c->quiet || p->c->json || now - p->shown_ms < EVERY_MS || !isatty(STDERR_FILENO))
		return 0;
	progress_text(p->what, done, total, now - p->began_ms, &text);
	fprintf(stderr, "\r\033[K%s", buf_str(&text));
	p->shown_ms = now;
	p->shown = true;
	buf_free(&text);
	return 0;
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r\033[K");
}
