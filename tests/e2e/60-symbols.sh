#!/bin/sh
# 60-symbols.sh - the link line is the access list: what no binary of the gateway may name, and what each may not link.
set -u
BIN=${BUILD:-build}/bin
passed=0 failed=0
is() { # description, value, wanted
	if [ "$2" = "$3" ]; then passed=$((passed + 1)); echo "ok - $1"; else failed=$((failed + 1)); echo "not ok - $1: $2"; fi
}
names() { nm -D --undefined-only "$1" | sed 's/.* //; s/@.*//'; }
for b in safehandd safehand-front safehand-notary safehand-store safehand-verify safehand-courier safehandctl; do
	[ -e "$BIN/$b" ] || continue
	is "$b names no decryption of libsodium" "$(names "$BIN/$b" | grep -E '^crypto_.*(_open|_open_.*|_pull)$' | tr '\n' ' ')" ""
	is "$b names no decryption of CMS or PKCS#7" "$(names "$BIN/$b" | grep -E '^(CMS_.*decrypt|CMS_EnvelopedData|PKCS7_decrypt)' | tr '\n' ' ')" ""
done
for b in safehand-front safehand-verify safehand-notary safehandd; do
	[ -e "$BIN/$b" ] || continue
	is "$b does not link SQLite" "$(names "$BIN/$b" | grep -c '^sqlite3_')" 0
done
is "safehand-store links no TLS" "$(names "$BIN/safehand-store" | grep -c '^SSL_')" 0
is "safehandd links no OpenSSL" "$(names "$BIN/safehandd" | grep -cE '^(EVP|SSL|X509|CMS)_')" 0
# the check itself: the object that opens would be caught
is "opening is what the pattern catches" "$(nm -u "$BIN/../obj/lib/unseal.o" | sed 's/.* //' | grep -cE '^crypto_.*(_open|_pull)$')" 3
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
