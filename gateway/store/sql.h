/* sql.h - the little of a database that ledger.c needs: prepared statements by number. Whatever
 * fails behind it ends the process. Only ledger_sqlite.c knows whose database it is. */
#ifndef SAFEHAND_STORE_SQL_H
#define SAFEHAND_STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

struct sql;

struct sql_schema {
	int version;
	const char *create;	  /* the statements that make an empty database */
	const char *const *query; /* by number */
	size_t queries;
};

/* name: in the working directory. The writer makes the database if there is none. ERR_CONFIG: of
 * another application or version. */
int sql_open(const char *name, const struct sql_schema *schema, bool writer, struct sql **out,
	     struct err *e) __attribute__((warn_unused_result));
void sql_close(struct sql *s);

void sql_begin(struct sql *s);
void sql_commit(struct sql *s);
void sql_rollback(struct sql *s);

/* Of a reader: from its next query to sql_release, which may be called without, it sees one state
 * and need not lock for each query. No query of it may be under way. */
void sql_hold(struct sql *s);
void sql_release(struct sql *s);

/* Binds: types has a letter per parameter: i int64_t, t text ("" is NULL), d 32 bytes or NULL,
 * b pointer and size_t. What is bound must stay until the query is done. */
void sql_bind(struct sql *s, unsigned query, const char *types, ...);
/* The next row; false: there is no more, and the query is done. */
bool sql_next(struct sql *s, unsigned query);
void sql_done(struct sql *s, unsigned query); /* no more rows wanted */
/* Binds and runs to the end; the number of rows that it changed. */
int64_t sql_do(struct sql *s, unsigned query, const char *types, ...);
int64_t sql_last_id(struct sql *s);

/* Columns of the present row. */
bool sql_is_null(struct sql *s, unsigned query, int column);
int64_t sql_int(struct sql *s, unsigned query, int column);
void sql_text(struct sql *s, unsigned query, int column, char *out, size_t size); /* NULL is "" */
bool sql_digest(struct sql *s, unsigned query, int column, uint8_t out[static 32]);
void sql_bytes(struct sql *s, unsigned query, int column, struct buf *out); /* appended */

/* Everything committed goes into the database's own file, which then stays as it is until sql_move:
 * for a copy of it. ERR_BUSY: somebody reads; ask again. Not inside a transaction. */
int sql_still(struct sql *s, struct err *e) __attribute__((warn_unused_result));
void sql_move(struct sql *s);

/* The database's own check, by parts from 0 on, a table each: the first finding is appended to
 * text. false: that was the last part. */
bool sql_integrity(struct sql *s, unsigned part, struct buf *text);

#endif
