#!/bin/sh
# doors.sh - each library has its doors: only the files named here may include it. Run by make check.
set -eu
cd "$(dirname "$0")/.."
bad=0
door() { # header-pattern, allowed files
	for f in $(git ls-files 'lib/*' 'gateway/*' 'client/*' 'include/*' | grep '\.[ch]$'); do
		grep -q "^#include <$1" "$f" || continue
		case " $2 " in
		*" $f "*) ;;
		*) echo "$f includes <$1…>: its doors are: $2"; bad=1 ;;
		esac
	done
}
door openssl/ "lib/crypto.c lib/digest.c lib/identity.c lib/trust.c lib/key.c lib/known.c lib/signature.c lib/timestamp.c lib/note.c lib/pkcs11.c lib/openssl_in.c lib/openssl_in.h gateway/front/tls.c gateway/front/tls.h"
door sodium "lib/seal.c lib/unseal.c lib/secret.c lib/pseudonym.c"
door archive "lib/pack.c lib/unpack.c"
door jansson "lib/json.c"
door sqlite3 "gateway/store/ledger_sqlite.c gateway/store/sql.h"
door curl/ "client/http.c gateway/courier/call.c gateway/courier/call_in.h gateway/courier/http.c gateway/courier/smtp.c"
door seccomp "gateway/frame/calls.c"
door linux/landlock "gateway/frame/landlock.c"
door libical "lib/calendar_ical.c"
[ "$bad" = 0 ] && echo "doors: each library has only its own"
exit "$bad"
