/* ledger_query.c - the ledger's schema and every query on it. Runs in: store. Owns: nothing.
 * Trusts: nothing; pure text. */
#include "store/ledger_in.h"

/* Keys grow with time, so that new rows go to the end of each tree; mailboxes are numbers, so that
 * the indexes are narrow; the two partial indexes hold only what somebody still waits for. Events,
 * states and the like are the numbers of their enums: those only ever grow at the end. */
static const char schema_text[] =
    "CREATE TABLE value (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE agency (name TEXT PRIMARY KEY, bundles INTEGER NOT NULL DEFAULT 0,"
    " bytes INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE mailbox (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " waiting INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE bundle (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sender TEXT NOT NULL,"
    " class TEXT NOT NULL, provisional INTEGER NOT NULL, concern INTEGER NOT NULL,"
    " created INTEGER NOT NULL, event_at INTEGER, accepted INTEGER NOT NULL,"
    " purge INTEGER NOT NULL, reply_to TEXT, supersedes TEXT, head_sha256 BLOB NOT NULL,"
    " manifest_sha256 BLOB NOT NULL, manifest_bytes INTEGER NOT NULL,"
    " signature_bytes INTEGER NOT NULL, slots_bytes INTEGER NOT NULL,"
    " payload_bytes INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX bundle_purge ON bundle (purge) WHERE state = 0;"
    "CREATE INDEX bundle_erase ON bundle (n) WHERE state = 1;"
    "CREATE TABLE delivery (bundle INTEGER NOT NULL REFERENCES bundle (n),"
    " mailbox INTEGER NOT NULL REFERENCES mailbox (n), slot INTEGER NOT NULL,"
    " cover INTEGER NOT NULL, covers TEXT, state INTEGER NOT NULL, waiting INTEGER NOT NULL,"
    " content BLOB, PRIMARY KEY (bundle, mailbox)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX delivery_waiting ON delivery (mailbox, bundle) WHERE waiting = 1;"
    "CREATE TABLE entry (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, event INTEGER NOT NULL,"
    " bundle INTEGER REFERENCES bundle (n), expectation INTEGER, mailbox INTEGER NOT NULL,"
    " part INTEGER NOT NULL, actor BLOB, code TEXT NOT NULL, line BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX entry_once ON entry (bundle, mailbox, event, part)"
    " WHERE bundle IS NOT NULL;"
    "CREATE UNIQUE INDEX entry_expectation ON entry (expectation, mailbox, event, part)"
    " WHERE expectation IS NOT NULL;"
    "CREATE INDEX entry_mailbox ON entry (mailbox) WHERE mailbox > 0;"
    "CREATE TABLE hash (n INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;"
    "CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, time INTEGER NOT NULL, note BLOB NOT NULL,"
    " token BLOB NOT NULL) STRICT;"
    "CREATE TABLE stamp (size INTEGER NOT NULL REFERENCES checkpoint (size), tsa TEXT NOT NULL,"
    " time INTEGER NOT NULL, token BLOB NOT NULL, PRIMARY KEY (size, tsa)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE statement (seq INTEGER PRIMARY KEY REFERENCES entry (seq),"
    " content BLOB NOT NULL, signature BLOB NOT NULL) STRICT;"
    "CREATE TABLE roster (serial INTEGER PRIMARY KEY, sha256 BLOB NOT NULL,"
    " seq INTEGER NOT NULL REFERENCES entry (seq)) STRICT;"
    "CREATE TABLE subscription (kind TEXT NOT NULL, value TEXT NOT NULL, mailbox TEXT NOT NULL,"
    " since INTEGER NOT NULL, PRIMARY KEY (kind, value, mailbox)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX subscription_mailbox ON subscription (mailbox);"
    "CREATE TABLE quarantine (bundle INTEGER PRIMARY KEY REFERENCES bundle (n),"
    " since INTEGER NOT NULL, why TEXT NOT NULL) STRICT;"
    "CREATE TABLE about (bundle INTEGER NOT NULL REFERENCES bundle (n), about TEXT NOT NULL,"
    " PRIMARY KEY (bundle, about)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX bundle_supersedes ON bundle (supersedes) WHERE supersedes IS NOT NULL;"
    "CREATE TABLE flag (about TEXT NOT NULL, bundle INTEGER NOT NULL REFERENCES bundle (n),"
    " concern INTEGER NOT NULL, since INTEGER NOT NULL, ended INTEGER REFERENCES bundle (n),"
    " PRIMARY KEY (about, bundle)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE consent (agency TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,"
    " mailbox TEXT NOT NULL, given_by TEXT, since INTEGER NOT NULL,"
    " PRIMARY KEY (agency, kind, value, mailbox)) STRICT, WITHOUT ROWID;"
    /* whom a sender leaves out of a route, and of which bundles it was left out */
    "CREATE TABLE exclusion (sender TEXT NOT NULL, route BLOB NOT NULL, mailbox TEXT NOT NULL,"
    " asked INTEGER NOT NULL, PRIMARY KEY (sender, route, mailbox)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX exclusion_asked ON exclusion (asked);"
    "CREATE TABLE excluded (bundle INTEGER NOT NULL REFERENCES bundle (n), mailbox TEXT NOT NULL,"
    " PRIMARY KEY (bundle, mailbox)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE expectation (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " mailbox TEXT NOT NULL, sender TEXT NOT NULL, class TEXT NOT NULL, about TEXT,"
    " opened_by INTEGER REFERENCES bundle (n), opened INTEGER NOT NULL, due INTEGER NOT NULL,"
    " state INTEGER NOT NULL, opened_seq INTEGER NOT NULL DEFAULT -1, missed_seq INTEGER NOT NULL"
    " DEFAULT -1, met_seq INTEGER NOT NULL DEFAULT -1, met_by INTEGER REFERENCES bundle (n))"
    " STRICT;"
    "CREATE INDEX expectation_class ON expectation (class, n) WHERE state < 2;"
    "CREATE INDEX expectation_mailbox ON expectation (mailbox, n);"
    /* deadlines: narrow rows, a million of them are open at once; what is asked at each tick and of
     * each board has an index of the open ones only */
    "CREATE TABLE ladder (n INTEGER PRIMARY KEY, text BLOB NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE deadline (n INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " bundle INTEGER REFERENCES bundle (n), expectation INTEGER,"
    " mailbox INTEGER NOT NULL REFERENCES mailbox (n),"
    " owed_to INTEGER NOT NULL REFERENCES mailbox (n), part INTEGER NOT NULL, by TEXT,"
    " start INTEGER NOT NULL, due INTEGER NOT NULL,"
    " ladder INTEGER NOT NULL REFERENCES ladder (n), flags INTEGER NOT NULL,"
    " fired INTEGER NOT NULL, next INTEGER, state INTEGER NOT NULL, closed INTEGER NOT NULL,"
    " CHECK ((bundle IS NULL) <> (expectation IS NULL))) STRICT;"
    "CREATE UNIQUE INDEX deadline_bundle ON deadline (bundle, mailbox, kind, part)"
    " WHERE bundle IS NOT NULL;"
    "CREATE UNIQUE INDEX deadline_expectation ON deadline (expectation, mailbox, kind, part)"
    " WHERE expectation IS NOT NULL;"
    "CREATE INDEX deadline_next ON deadline (next) WHERE next IS NOT NULL;"
    "CREATE INDEX deadline_owed_by ON deadline (mailbox, due) WHERE state = 0;"
    "CREATE INDEX deadline_owed_to ON deadline (owed_to, due) WHERE state = 0;"
    "CREATE INDEX deadline_overdue ON deadline (due) WHERE state = 0 AND flags & 2;"
    "CREATE TABLE away (mailbox TEXT PRIMARY KEY, cover TEXT, since INTEGER NOT NULL,"
    " until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE outbox (n INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,"
    " deadline INTEGER NOT NULL REFERENCES deadline (n),"
    " mailbox INTEGER NOT NULL REFERENCES mailbox (n), notice INTEGER NOT NULL,"
    " id TEXT NOT NULL, created INTEGER NOT NULL) STRICT;";

#define BUNDLE_COLUMNS                                                                             \
	"b.n, b.id, b.sender, b.class, b.provisional, b.concern, b.created, b.event_at,"           \
	" b.accepted, b.purge, b.reply_to, b.supersedes, b.head_sha256, b.manifest_sha256,"        \
	" b.manifest_bytes, b.signature_bytes, b.slots_bytes, b.payload_bytes, b.segment,"         \
	" b.offset, b.state"
#define ENTRY_COLUMNS                                                                              \
	"e.seq, e.time, e.event, ifnull(e.bundle, 0), (SELECT name FROM mailbox WHERE n ="         \
	" e.mailbox), e.part, e.actor, e.code, ifnull(e.expectation, 0)"
#define DELIVERY_COLUMNS "d.bundle, m.name, d.slot, d.cover, d.covers, d.state"
#define EXPECTATION_COLUMNS                                                                        \
	"n, id, mailbox, sender, class, about, ifnull(opened_by, 0), opened, due, state,"          \
	" opened_seq, missed_seq, met_seq, ifnull(met_by, 0)"
#define MAILBOX_N "(SELECT n FROM mailbox WHERE name = ?)"
#define DEADLINE_SELECT                                                                            \
	"SELECT n, kind, ifnull(bundle, 0), ifnull(expectation, 0),"                               \
	" (SELECT name FROM mailbox WHERE n = l.mailbox),"                                         \
	" (SELECT name FROM mailbox WHERE n = l.owed_to), part, by, start, due, ladder, flags,"    \
	" fired, next, state, closed FROM deadline l"
#define OUTBOX_SELECT                                                                              \
	"SELECT n, kind, deadline, (SELECT name FROM mailbox WHERE n = o.mailbox), notice, id, "   \
	"created"                                                                                  \
	" FROM outbox o"

#define TEXT_OF(n) #n
#define TEXT(n)	   TEXT_OF(n)

static const char *const queries[QUERIES] = {
    [Q_VALUE_SET] = "INSERT INTO value VALUES (?, ?) ON CONFLICT (name)"
		    " DO UPDATE SET value = excluded.value",
    [Q_VALUE] = "SELECT value FROM value WHERE name = ?",
    [Q_VALUE_END] = "DELETE FROM value WHERE name = ?",
    [Q_VALUES] = "SELECT name, value FROM value WHERE substr(name, 1, length(?1)) = ?1"
		 " ORDER BY name",
    [Q_AGENCY_ADD] = "INSERT INTO agency VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
		     " bundles = bundles + excluded.bundles, bytes = bytes + excluded.bytes",
    [Q_AGENCY] = "SELECT bundles, bytes FROM agency WHERE name = ?",
    [Q_MAILBOX_ADD] = "INSERT INTO mailbox (name) VALUES (?)",
    [Q_MAILBOX_N] = "SELECT n FROM mailbox WHERE name = ?",
    [Q_MAILBOX_COUNT] = "UPDATE mailbox SET waiting = waiting + ? WHERE n = ?",
    [Q_MAILBOXES] = "SELECT m.name, m.waiting, (SELECT b.accepted FROM delivery d JOIN bundle b"
		    " ON b.n = d.bundle WHERE d.mailbox = m.n AND d.waiting = 1"
		    " ORDER BY d.bundle LIMIT 1) FROM mailbox m ORDER BY m.name",
    [Q_BUNDLE_ADD] = "INSERT INTO bundle (id, sender, class, provisional, concern, created,"
		     " event_at, accepted, purge, reply_to, supersedes, head_sha256,"
		     " manifest_sha256, manifest_bytes, signature_bytes, slots_bytes,"
		     " payload_bytes, segment, offset) VALUES (?, ?, ?, ?, ?, ?,"
		     " nullif(?, -9223372036854775807 - 1), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [Q_BUNDLE_ID] = "SELECT " BUNDLE_COLUMNS " FROM bundle b WHERE b.id = ?",
    [Q_BUNDLE_QUIETLY] = "SELECT " BUNDLE_COLUMNS " FROM bundle b WHERE b.n ="
			 " ifnull((SELECT n FROM bundle WHERE id = ?), 1)",
    [Q_BUNDLE_N] = "SELECT " BUNDLE_COLUMNS " FROM bundle b WHERE b.n = ?",
    [Q_BUNDLE_STATE] = "UPDATE bundle SET state = ? WHERE n = ?",
    [Q_BUNDLES] = "SELECT " BUNDLE_COLUMNS " FROM bundle b WHERE b.n < ?1 AND (?2 IS NULL OR"
		  " substr(b.sender, 1, length(?2) + 1) = ?2 || '/') AND (?3 IS NULL OR EXISTS"
		  " (SELECT 1 FROM delivery d WHERE d.bundle = b.n AND d.mailbox ="
		  " (SELECT n FROM mailbox WHERE name = ?3))) AND (?4 IS NULL OR b.class = ?4)"
		  " ORDER BY b.n DESC LIMIT ?5",
    [Q_PURGE_DUE] =
	"SELECT n FROM bundle WHERE state = 0 AND purge <= ? AND NOT EXISTS (SELECT 1 FROM"
	" quarantine q WHERE q.bundle = n AND q.why = '" QUARANTINE_HELD "')"
	" ORDER BY purge LIMIT ?",
    [Q_ERASE_DUE] = "SELECT n FROM bundle WHERE state = 1 ORDER BY n LIMIT ?",
    [Q_DELIVERY_ADD] = "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
    [Q_DELIVERY] = "SELECT " DELIVERY_COLUMNS " FROM delivery d JOIN mailbox m ON m.n = d.mailbox"
		   " WHERE d.bundle = ? AND d.mailbox = " MAILBOX_N,
    [Q_DELIVERY_STATE] =
	"UPDATE delivery SET state = ?, waiting = ? WHERE bundle = ? AND mailbox = ?",
    [Q_DELIVERY_OPENED] = "UPDATE delivery SET content = ? WHERE bundle = ? AND mailbox = ?",
    [Q_DELIVERY_CONTENT] = "SELECT content FROM delivery WHERE bundle = ? AND mailbox = ?",
    [Q_DELIVERY_WAITING] = "SELECT waiting FROM delivery WHERE bundle = ? AND mailbox = ?",
    [Q_DELIVERIES] = "SELECT " DELIVERY_COLUMNS " FROM delivery d JOIN mailbox m ON m.n ="
		     " d.mailbox WHERE d.bundle = ? ORDER BY d.slot",
    [Q_IS_RECIPIENT] = "SELECT EXISTS (SELECT 1 FROM mailbox m JOIN delivery d ON d.bundle = ?1"
		       " AND d.mailbox = m.n WHERE m.name >= ?2 || '/' AND m.name < ?2 || '0'"
		       " AND d.state <> ?3)",
    [Q_ENTRY_ADD] = "INSERT INTO entry VALUES (?, ?, ?, nullif(?, 0), nullif(?, 0), ?, ?, ?, ?, ?)",
    [Q_ENTRY] = "SELECT " ENTRY_COLUMNS " FROM entry e WHERE e.seq = ?",
    [Q_LINE] = "SELECT line FROM entry WHERE seq = ?",
    [Q_ENTRY_FIND] = "SELECT " ENTRY_COLUMNS " FROM entry e WHERE e.bundle = ? AND e.mailbox ="
		     " ifnull(" MAILBOX_N ", 0) AND e.event = ? AND e.part = ?",
    [Q_FETCH_LAST] = "SELECT e.time FROM entry e WHERE e.bundle = ? AND e.mailbox = " MAILBOX_N
		     " AND e.event = ? AND e.actor = ? AND substr(e.code, 1, 6) = 'range:'"
		     " ORDER BY e.seq DESC LIMIT 1",
    [Q_ENTRY_EXPECTED] = "SELECT " ENTRY_COLUMNS " FROM entry e WHERE e.expectation = ? AND"
			 " e.mailbox = ifnull(" MAILBOX_N ", 0) AND e.event = ? AND e.part = ?",
    [Q_ENTRIES] = "SELECT " ENTRY_COLUMNS " FROM entry e WHERE e.bundle = ? ORDER BY e.seq",
    [Q_FEED] =
	"SELECT " ENTRY_COLUMNS ", " BUNDLE_COLUMNS ", " DELIVERY_COLUMNS
	" FROM entry e JOIN bundle b ON b.n = e.bundle JOIN delivery d ON d.bundle = e.bundle"
	" AND d.mailbox = e.mailbox JOIN mailbox m ON m.n = d.mailbox WHERE e.mailbox > 0"
	" AND e.mailbox = " MAILBOX_N " AND e.seq > ? ORDER BY e.seq LIMIT ?",
    [Q_HASH_ADD] = "INSERT INTO hash VALUES (?, ?)",
    [Q_HASH] = "SELECT hash FROM hash WHERE n = ?",
    [Q_CHECKPOINT_ADD] = "INSERT INTO checkpoint VALUES (?, ?, ?, ?)",
    [Q_CHECKPOINT_LAST] =
	"SELECT size, time, note, token FROM checkpoint ORDER BY size DESC LIMIT 1",
    [Q_CHECKPOINT_AT] = "SELECT size, time, note, token FROM checkpoint WHERE size >= ?"
			" ORDER BY size LIMIT 1",
    [Q_STAMP_ADD] = "INSERT INTO stamp VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [Q_STATEMENT_ADD] = "INSERT INTO statement VALUES (?, ?, ?)",
    [Q_STATEMENT] = "SELECT content, signature FROM statement WHERE seq = ?",
    [Q_ROSTER_ADD] = "INSERT INTO roster VALUES (?, ?, ?)",
    [Q_ROSTER_LAST] = "SELECT serial, sha256 FROM roster ORDER BY serial DESC LIMIT 1",
    [Q_SUBSCRIBE] = "INSERT INTO subscription VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [Q_UNSUBSCRIBE] = "DELETE FROM subscription WHERE kind = ? AND value = ? AND mailbox = ?",
    [Q_SUBSCRIPTIONS] = "SELECT kind, value, since FROM subscription WHERE mailbox = ?"
			" ORDER BY kind, value",
    [Q_SUBSCRIBERS] = "SELECT mailbox FROM subscription WHERE kind = ? AND value = ?"
		      " ORDER BY mailbox",
    [Q_QUARANTINE] = "INSERT INTO quarantine VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    [Q_UNQUARANTINE] = "DELETE FROM quarantine WHERE bundle = ?",
    [Q_IS_QUARANTINED] = "SELECT why FROM quarantine WHERE bundle = ?",
    [Q_AUDIT] = "SELECT " ENTRY_COLUMNS ", b.id, b.sender FROM entry e LEFT JOIN bundle b ON b.n ="
		" e.bundle WHERE e.seq < ?1 AND e.time >= ?2 AND e.time < ?3 AND (?4 = 0 OR"
		" e.event = ?4) AND (?5 IS NULL OR e.mailbox = (SELECT n FROM mailbox WHERE name ="
		" ?5)) AND (?6 IS NULL OR substr(b.sender, 1, length(?6) + 1) = ?6 || '/' OR"
		" e.mailbox IN (SELECT n FROM mailbox WHERE substr(name, 1, length(?6) + 1) = ?6 ||"
		" '/')) ORDER BY e.seq DESC LIMIT ?7",
    /* of what fell due in a time: kept when its owner met it in time, late when after, by another
     * when its cover did, owed when nobody has; what was withdrawn or replaced counts nowhere */
    [Q_REPORT] =
	"SELECT CASE ?4 WHEN 0 THEN m.name WHEN 1 THEN substr(m.name, 1, instr(m.name, '/')"
	" - 1) ELSE coalesce(b.class, x.class) END AS who, d.kind,"
	" count(*), sum(d.state = 1 AND d.closed <= d.due),"
	" sum(d.state = 1 AND d.closed > d.due), sum(d.state = 2),"
	" sum(d.state IN (0, 5)), coalesce(avg(CASE WHEN d.state = 1 THEN"
	" d.closed - d.start END), -1), coalesce(max(CASE WHEN d.state = 1 THEN d.closed -"
	" d.due WHEN d.state IN (0, 5) THEN ?3 - d.due END), 0)"
	" FROM deadline d JOIN mailbox m ON m.n = d.mailbox LEFT JOIN bundle b ON b.n ="
	" d.bundle LEFT JOIN expectation x ON x.n = d.expectation WHERE d.due >= ?1 AND"
	" d.due < ?2 AND d.due < ?3 AND d.state IN (0, 1, 2, 5)"
	" GROUP BY who, d.kind ORDER BY who, d.kind",
    [Q_QUARANTINED] = "SELECT " BUNDLE_COLUMNS ", q.since, q.why FROM quarantine q JOIN bundle b"
		      " ON b.n = q.bundle ORDER BY q.bundle",
    [Q_ABOUT_ADD] = "INSERT INTO about VALUES (?, ?) ON CONFLICT DO NOTHING",
    [Q_ABOUTS] = "SELECT about FROM about WHERE bundle = ? ORDER BY about",
    [Q_IS_ABOUT] = "SELECT 1 FROM about WHERE bundle = ? AND about = ?",
    [Q_SUPERSEDED] = "SELECT " BUNDLE_COLUMNS " FROM bundle b WHERE b.supersedes = ?",
    [Q_FLAG_ADD] = "INSERT INTO flag VALUES (?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
    [Q_FLAG_END] = "UPDATE flag SET ended = ? WHERE about = ? AND ended IS NULL",
    [Q_FLAGS] = "SELECT f.about, f.concern, b.id, f.since FROM flag f JOIN bundle b ON b.n ="
		" f.bundle WHERE f.about = ? AND f.ended IS NULL ORDER BY f.bundle",
    [Q_CONSENT] = "INSERT INTO consent VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
		  " given_by = excluded.given_by, since = excluded.since WHERE given_by IS NULL",
    [Q_ASK_CONSENT] = "INSERT INTO consent VALUES (?, ?, ?, ?, NULL, ?) ON CONFLICT DO NOTHING",
    [Q_UNCONSENT] = "DELETE FROM consent WHERE agency = ? AND kind = ? AND value = ? AND mailbox"
		    " = ?",
    [Q_HAS_CONSENT] = "SELECT 1 FROM consent WHERE agency = ? AND kind = ? AND value = ? AND"
		      " mailbox = ? AND given_by IS NOT NULL",
    [Q_CONSENTS] = "SELECT given_by, kind, value, mailbox, since FROM consent WHERE agency = ?"
		   " ORDER BY kind, value, mailbox",
    [Q_EXCLUSION_ADD] = "INSERT INTO exclusion VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [Q_EXCLUSION_END] = "DELETE FROM exclusion WHERE sender = ? AND route = ?",
    [Q_EXCLUSIONS] = "SELECT mailbox, asked FROM exclusion WHERE sender = ? AND route = ?"
		     " ORDER BY mailbox",
    [Q_IS_EXCLUSION] = "SELECT 1 FROM exclusion WHERE sender = ? AND route = ? AND mailbox = ?",
    [Q_EXCLUSION_EXPIRE] = "DELETE FROM exclusion WHERE asked < ?",
    [Q_EXCLUSION_COUNT] = "SELECT count(*) FROM exclusion WHERE sender = ?",
    [Q_EXCLUSION_OLDEST] = "DELETE FROM exclusion WHERE sender = ?1 AND route = (SELECT route FROM"
			   " exclusion WHERE sender = ?1 ORDER BY asked LIMIT 1)",
    [Q_EXCLUDE] = "INSERT INTO excluded SELECT ?1, x.mailbox FROM exclusion x WHERE x.sender = ?2"
		  " AND x.route = ?3 AND NOT EXISTS (SELECT 1 FROM delivery d JOIN mailbox m ON"
		  " m.n = d.mailbox WHERE d.bundle = ?1 AND m.name = x.mailbox)",
    [Q_IS_EXCLUDED] = "SELECT 1 FROM excluded WHERE bundle = ? AND mailbox = ?",
    [Q_EXPECTATION_ADD] = "INSERT INTO expectation (id, mailbox, sender, class, about, opened_by,"
			  " opened, due, state) VALUES (?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?)",
    [Q_EXPECTATION_SET] =
	"UPDATE expectation SET state = ?, opened_seq = ?, missed_seq = ?, met_seq = ?, met_by ="
	" nullif(?, 0) WHERE n = ?",
    [Q_EXPECTATION_ID] = "SELECT " EXPECTATION_COLUMNS " FROM expectation WHERE id = ?",
    [Q_EXPECTATION_N] = "SELECT " EXPECTATION_COLUMNS " FROM expectation WHERE n = ?",
    [Q_EXPECTED] = "SELECT " EXPECTATION_COLUMNS " FROM expectation WHERE class = ? AND state < 2"
		   " ORDER BY n LIMIT ?",
    [Q_EXPECTATIONS] = "SELECT " EXPECTATION_COLUMNS " FROM expectation WHERE mailbox = ?"
		       " ORDER BY n DESC LIMIT ?",
    [Q_EXPECTATION_COUNT] = "SELECT count(*) FROM expectation WHERE mailbox = ? AND state < 2",
    [Q_RECOUNT_AGENCIES] =
	"SELECT ifnull(a.name, c.name) FROM agency a FULL JOIN"
	" (SELECT substr(sender, 1, instr(sender, '/') - 1) AS name, count(*) AS n,"
	" sum(" TEXT(BUNDLE_FIXED_BYTES) " + manifest_bytes + signature_bytes + slots_bytes +"
					 " payload_bytes) AS bytes FROM bundle WHERE state = 0 "
					 "GROUP BY 1) c ON c.name = a.name"
					 " WHERE ifnull(a.bundles, 0) <> ifnull(c.n, 0) OR "
					 "ifnull(a.bytes, 0) <> ifnull(c.bytes, 0)"
					 " LIMIT 1",
    [Q_RECOUNT_MAILBOXES] =
	"SELECT m.name FROM mailbox m LEFT JOIN (SELECT mailbox, count(*) AS n FROM delivery"
	" WHERE waiting = 1 GROUP BY 1) c ON c.mailbox = m.n WHERE m.waiting <> ifnull(c.n, 0)"
	" LIMIT 1",
    [Q_TOTALS] = "SELECT (SELECT ifnull(max(n), 0) FROM bundle),"
		 " (SELECT ifnull(sum(bundles), 0) FROM agency),"
		 " (SELECT ifnull(sum(waiting), 0) FROM mailbox),"
		 " (SELECT ifnull(max(seq) + 1, 0) FROM entry), (SELECT count(*) FROM quarantine)",
    [Q_LADDER_FIND] = "SELECT n FROM ladder WHERE text = ?",
    [Q_LADDER_ADD] = "INSERT INTO ladder (text) VALUES (?)",
    [Q_LADDER] = "SELECT text FROM ladder WHERE n = ?",
    [Q_DEADLINE_ADD] = "INSERT INTO deadline (kind, bundle, expectation, mailbox, owed_to, part,"
		       " by, start, due, ladder, flags, fired, next, state, closed) VALUES (?,"
		       " nullif(?, 0), nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?,"
		       " nullif(?, 9223372036854775807), ?, ?)",
    [Q_DEADLINE] = DEADLINE_SELECT " WHERE n = ?",
    [Q_DEADLINE_SET] = "UPDATE deadline SET flags = ?, fired = ?,"
		       " next = nullif(?, 9223372036854775807), state = ?, closed = ? WHERE n = ?",
    [Q_DEADLINE_NEXT] = "SELECT next FROM deadline WHERE next IS NOT NULL ORDER BY next LIMIT 1",
    [Q_DEADLINE_COUNT] = "SELECT (SELECT count(*) FROM deadline WHERE state = 0),"
			 " (SELECT count(*) FROM deadline WHERE state = 0 AND flags & 2)",
    [Q_DEADLINES_BUNDLE] = DEADLINE_SELECT " WHERE bundle = ? ORDER BY n",
    [Q_DEADLINES_EXPECTATION] = DEADLINE_SELECT " WHERE expectation = ? ORDER BY n",
    [Q_DEADLINES_DUE] = DEADLINE_SELECT " WHERE next IS NOT NULL AND next <= ?"
					" ORDER BY next, n LIMIT ?",
    [Q_OWED_BY] =
	DEADLINE_SELECT " WHERE state = 0 AND mailbox = " MAILBOX_N " ORDER BY due, n LIMIT ?",
    [Q_OWED_TO] =
	DEADLINE_SELECT " WHERE state = 0 AND owed_to = " MAILBOX_N " ORDER BY due, n LIMIT ?",
    [Q_OVERDUE] = DEADLINE_SELECT " WHERE state = 0 AND flags & 2 ORDER BY due, n LIMIT ?",
    [Q_BUNDLE_PURGE] = "UPDATE bundle SET purge = ? WHERE n = ?",
    [Q_AWAY_SET] = "INSERT INTO away VALUES (?, ?, ?, ?) ON CONFLICT (mailbox) DO UPDATE SET"
		   " cover = excluded.cover, since = excluded.since, until = excluded.until",
    [Q_AWAY_END] = "DELETE FROM away WHERE mailbox = ?",
    [Q_AWAY] = "SELECT mailbox, cover, since, until FROM away WHERE mailbox = ?",
    [Q_OUTBOX_ADD] = "INSERT INTO outbox (kind, deadline, mailbox, notice, id, created)"
		     " VALUES (?, ?, ?, ?, ?, ?)",
    [Q_OUTBOX] = OUTBOX_SELECT " WHERE n = ?",
    [Q_OUTBOX_NEXT] = OUTBOX_SELECT " WHERE n > ? ORDER BY n LIMIT 1",
    [Q_OUTBOX_END] = "DELETE FROM outbox WHERE n = ?",
};

const struct sql_schema ledger_schema = {
    .version = 3,
    .create = schema_text,
    .query = queries,
    .queries = QUERIES,
};
