/* ledger_sqlite.c - the only door to SQLite. Runs in: store. Owns: the connection and its prepared
 * statements. Trusts: SQLite, WAL with synchronous=FULL: a commit that returned is on disk. */
#include "store/sql.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "safehand/log.h"

#define APPLICATION_ID 0x53484c31 /* "SHL1" */

struct sql {
	sqlite3 *db;
	sqlite3_stmt **query;
	size_t queries;
};

static _Noreturn void
sql_fatal(struct sql *s, const char *what)
{
	struct err e;

	err_set(&e, ERR_SYSTEM, "ledger: %s: %s", what, sqlite3_errmsg(s->db));
	log_fatal("ledger-failed", &e);
}

/* --- life --- */

static int
sql_exec(struct sql *s, const char *text, struct err *e)
{
	if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return err_set(e, ERR_SYSTEM, "ledger: %s", sqlite3_errmsg(s->db));
	return 0;
}

static int
pragma_int(struct sql *s, const char *text, int64_t *out, struct err *e)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(s->db, text, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW) {
		sqlite3_finalize(st);
		return err_set(e, ERR_SYSTEM, "ledger: %s: %s", text, sqlite3_errmsg(s->db));
	}
	*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return 0;
}

static int
schema_make(struct sql *s, const struct sql_schema *schema, struct err *e)
{
	char *text = sqlite3_mprintf("BEGIN IMMEDIATE; PRAGMA application_id = %d; "
				     "PRAGMA user_version = %d; %s COMMIT;",
				     APPLICATION_ID, schema->version, schema->create);
	int rc = sql_exec(s, text, e);

	sqlite3_free(text);
	return rc;
}

static int
schema_check(struct sql *s, const struct sql_schema *schema, bool writer, struct err *e)
{
	int64_t application, version, pages;

	if (pragma_int(s, "PRAGMA application_id", &application, e) < 0 ||
	    pragma_int(s, "PRAGMA user_version", &version, e) < 0 ||
	    pragma_int(s, "PRAGMA page_count", &pages, e) < 0)
		return -1;
	if (writer && application == 0 && version == 0 && pages <= 1)
		return schema_make(s, schema, e);
	if (application != APPLICATION_ID)
		return err_set(e, ERR_CONFIG, "ledger: the database is not a ledger of Safehand");
	if (version != schema->version)
		return err_set(e, ERR_CONFIG,
			       "ledger: its schema is version %lld, this program reads version %d"
			       " only: start a new data folder, or use the program that made it",
			       (long long)version, schema->version);
	return 0;
}

static int
queries_prepare(struct sql *s, const struct sql_schema *schema, struct err *e)
{
	s->query = mem_alloc(schema->queries * sizeof *s->query);
	s->queries = schema->queries;
	for (size_t i = 0; i < schema->queries; i++)
		if (sqlite3_prepare_v3(s->db, schema->query[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &s->query[i], NULL) != SQLITE_OK)
			return err_set(e, ERR_INTERNAL, "ledger: query %zu: %s", i,
				       sqlite3_errmsg(s->db));
	return 0;
}

/* trusted_schema and the two limits: a ledger that somebody meddled with runs nothing of theirs.
 * The log stays after the last close: in its jail the store could not remove it. */
static const char setup[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			    "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
			    "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -6144;"
			    "PRAGMA busy_timeout = 5000;";

int
sql_open(const char *name, const struct sql_schema *schema, bool writer, struct sql **out,
	 struct err *e)
{
	struct sql *s = mem_alloc(sizeof *s);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	int persist = 1, seed;

	sqlite3_randomness(sizeof seed, &seed); /* opens its source while it can still be opened */
	if (sqlite3_open_v2(name, &s->db, flags | (writer ? SQLITE_OPEN_CREATE : 0), NULL) !=
	    SQLITE_OK) {
		err_set(e, ERR_SYSTEM, "%s: %s", name, sqlite3_errmsg(s->db));
		goto fail;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
	if (sql_exec(s, setup, e) < 0 || schema_check(s, schema, writer, e) < 0 ||
	    (!writer && sql_exec(s, "PRAGMA query_only = ON", e) < 0) ||
	    queries_prepare(s, schema, e) < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	sql_close(s);
	return -1;
}

void
sql_close(struct sql *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->queries; i++)
		sqlite3_finalize(s->query[i]);
	sqlite3_close(s->db);
	free(s->query);
	free(s);
}

static void
must(struct sql *s, const char *text)
{
	if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
		sql_fatal(s, text);
}

void
sql_begin(struct sql *s)
{
	must(s, "BEGIN IMMEDIATE");
}

void
sql_commit(struct sql *s)
{
	must(s, "COMMIT");
}

void
sql_rollback(struct sql *s)
{
	must(s, "ROLLBACK");
}

void
sql_hold(struct sql *s)
{
	if (sqlite3_get_autocommit(s->db))
		must(s, "BEGIN");
}

void
sql_release(struct sql *s)
{
	if (!sqlite3_get_autocommit(s->db))
		must(s, "COMMIT");
}

/* --- queries --- */

static void
bind_all(struct sql *s, unsigned query, const char *types, va_list ap)
{
	sqlite3_stmt *st = s->query[query];
	int rc = SQLITE_OK;

	assert((int)strlen(types) == sqlite3_bind_parameter_count(st));
	for (int i = 1; *types != '\0' && rc == SQLITE_OK; i++, types++) {
		const void *p;

		switch (*types) {
		case 'i': rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t)); break;
		case 't':
			p = va_arg(ap, const char *);
			rc = *(const char *)p == '\0' ? sqlite3_bind_null(st, i)
						      : sqlite3_bind_text(st, i, p, -1, NULL);
			break;
		case 'd':
			p = va_arg(ap, const uint8_t *);
			rc = sqlite3_bind_blob(st, i, p, 32, NULL);
			break;
		case 'b':
			p = va_arg(ap, const void *);
			rc = sqlite3_bind_blob64(st, i, p, va_arg(ap, size_t), NULL);
			break;
		default: assert(!"a type of sql_bind");
		}
	}
	if (rc != SQLITE_OK)
		sql_fatal(s, "bind");
}

void
sql_bind(struct sql *s, unsigned query, const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	bind_all(s, query, types, ap);
	va_end(ap);
}

bool
sql_next(struct sql *s, unsigned query)
{
	int rc = sqlite3_step(s->query[query]);

	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		sql_fatal(s, sqlite3_sql(s->query[query]));
	sql_done(s, query);
	return false;
}

void
sql_done(struct sql *s, unsigned query)
{
	sqlite3_reset(s->query[query]);
}

int64_t
sql_do(struct sql *s, unsigned query, const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	bind_all(s, query, types, ap);
	va_end(ap);
	while (sql_next(s, query))
		;
	return sqlite3_changes64(s->db);
}

int64_t
sql_last_id(struct sql *s)
{
	return sqlite3_last_insert_rowid(s->db);
}

bool
sql_is_null(struct sql *s, unsigned query, int column)
{
	return sqlite3_column_type(s->query[query], column) == SQLITE_NULL;
}

int64_t
sql_int(struct sql *s, unsigned query, int column)
{
	return sqlite3_column_int64(s->query[query], column);
}

void
sql_text(struct sql *s, unsigned query, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(s->query[query], column);

	snprintf(out, size, "%s", text == NULL ? "" : (const char *)text);
}

bool
sql_digest(struct sql *s, unsigned query, int column, uint8_t out[static 32])
{
	const void *p = sqlite3_column_blob(s->query[query], column);

	if (p == NULL || sqlite3_column_bytes(s->query[query], column) != 32)
		return false;
	memcpy(out, p, 32);
	return true;
}

void
sql_bytes(struct sql *s, unsigned query, int column, struct buf *out)
{
	const void *p = sqlite3_column_blob(s->query[query], column);
	int n = sqlite3_column_bytes(s->query[query], column);

	if (p != NULL && n > 0)
		buf_add(out, p, (size_t)n);
}

#define CHECKPOINT_PAGES 1000 /* SQLite's own default: of the log, before it goes into the file */

int
sql_still(struct sql *s, struct err *e)
{
	int rc = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return err_set(e, ERR_BUSY, "the ledger is being read: ask again");
	if (rc != SQLITE_OK)
		sql_fatal(s, "checkpoint");
	sqlite3_wal_autocheckpoint(s->db, 0);
	return 0;
}

void
sql_move(struct sql *s)
{
	sqlite3_wal_autocheckpoint(s->db, CHECKPOINT_PAGES);
}

/* The first row of a check, if it is not "ok". */
static void
check_run(struct sql *s, const char *check, struct buf *text)
{
	sqlite3_stmt *st = NULL;
	const char *said;

	if (sqlite3_prepare_v2(s->db, check, -1, &st, NULL) != SQLITE_OK)
		sql_fatal(s, check);
	if (sqlite3_step(st) == SQLITE_ROW) {
		said = (const char *)sqlite3_column_text(st, 0);
		if (said == NULL || strcmp(said, "ok") != 0)
			buf_addf(text, "%s: %s", check, said == NULL ? "" : said);
	}
	sqlite3_finalize(st);
}

bool
sql_integrity(struct sql *s, unsigned part, struct buf *text)
{
	char *query = sqlite3_mprintf("SELECT name FROM sqlite_schema WHERE type = 'table'"
				      " ORDER BY name LIMIT 1 OFFSET %u",
				      part);
	sqlite3_stmt *st = NULL;
	char *check = NULL, *keys = NULL;

	if (query == NULL || sqlite3_prepare_v2(s->db, query, -1, &st, NULL) != SQLITE_OK)
		sql_fatal(s, "check");
	if (sqlite3_step(st) == SQLITE_ROW) {
		const unsigned char *name = sqlite3_column_text(st, 0);

		check = sqlite3_mprintf("PRAGMA integrity_check(%Q)", name);
		keys = sqlite3_mprintf("PRAGMA foreign_key_check(%Q)", name);
	}
	sqlite3_finalize(st);
	sqlite3_free(query);
	if (check == NULL || keys == NULL)
		return false;
	check_run(s, check, text);
	check_run(s, keys, text);
	sqlite3_free(check);
	sqlite3_free(keys);
	return true;
}
