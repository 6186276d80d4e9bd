/* mail.c - the mail that tells of a notice. Runs in: courier. Pure. Trusts: no member: each is of
 * an alphabet that holds no blank and no end of a line, so nothing of it begins a header. */
#include "courier/mail.h"

#include <string.h>
#include <time.h>

#include "frame/contact.h"
#include "safehand/notice.h"

#define WIDTH 76 /* bytes of a line of the body */

/* Whatever the locale: RFC 5322 section 3.3. */
static void
add_date(struct buf *text, int64_t now_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJul"
								       "AugSepOctNovDec";
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	buf_addf(text, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000\r\n", days + 3 * tm.tm_wday,
		 tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		 tm.tm_sec);
}

static void
add_headers(const struct msg_notify *m, const char *from, int64_t now_ms, struct buf *text)
{
	const struct notice *n = &m->notice;

	add_date(text, now_ms);
	buf_addf(text, "From: Safehand <%s>\r\nTo: <%s>\r\n", from, m->address);
	buf_addf(text, "Subject: Safehand: %s: %s, %s\r\n", notice_kind_name(n->kind), n->klass,
		 n->mailbox);
	buf_addf(text, "Message-ID: <%s.%llu@%s>\r\n", n->id, (unsigned long long)m->job,
		 strchr(from, '@') + 1);
	buf_adds(text, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		       "Content-Type: text/plain; charset=utf-8\r\n"
		       "Content-Transfer-Encoding: 8bit\r\n\r\n");
}

/* Words, in lines of WIDTH where they are short enough. */
static void
add_wrapped(struct buf *text, const char *words)
{
	size_t used = 0;

	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		if (used > 0 && used + 1 + n > WIDTH) {
			buf_adds(text, "\r\n");
			used = 0;
		}
		buf_adds(text, used > 0 ? " " : "");
		buf_add(text, words, n);
		used += n + (used > 0);
		words += n + (words[n] == ' ');
	}
	buf_adds(text, "\r\n");
}

int
mail_compose(const struct msg_notify *m, const char *from, int64_t now_ms, struct buf *text,
	     struct err *e)
{
	const struct notice *n = &m->notice;
	struct buf sentence = {0};

	if (notice_check(n, e) < 0 || contact_mail(m->address, e) < 0 || contact_mail(from, e) < 0)
		return -1;
	add_headers(m, from, now_ms, text);
	notice_show(n, &sentence);
	add_wrapped(text, buf_str(&sentence));
	buf_free(&sentence);
	buf_addf(text, "\r\nMailbox: %s\r\n%s: %s\r\n", n->to,
		 n->bundle[0] != '\0' ? "Bundle" : "Expectation",
		 n->bundle[0] != '\0' ? n->bundle : n->expectation);
	buf_adds(text, "\r\n");
	add_wrapped(text,
		    "This message was written by a machine. It holds nothing of any document: "
		    "what there is to read lies in the mailbox, for the safehand client.");
	return 0;
}
