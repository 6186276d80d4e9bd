#!/bin/sh
# 62-verify.sh - safehand verify without any configuration: the words and exit statuses of the independent verifier.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${BUILD:-$TOP/build}
PKI=${PKI:-$BUILD/test-pki}
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
[ -e "$PKI/trust/root.pem" ] || { mkdir -p "$PKI" && "$TOP/tests/mkpki.sh" "$PKI" >/dev/null; } || exit 1
D=$(mktemp -d) || exit 1
trap 'rm -rf "$D"' EXIT
HOME=$D
SAFEHAND_CONFIG=$D/none
export HOME SAFEHAND_CONFIG
passed=0 failed=0
is() { # description, value, wanted
	if [ "$2" = "$3" ]; then passed=$((passed + 1)); echo "ok - $1"; else failed=$((failed + 1)); echo "not ok - $1: $2, want $3"; fi
}
words() { sed -n 's/^\(OK\|INCOMPLETE\|FAIL\) \([^:]*\):.*/\1 \2/p'; }
verify() { "$BUILD/bin/safehand" verify --root "$PKI/trust/root.pem" --crl "$PKI/trust/crl.pem" --log "$PKI/log/log.vkey" "$@"; }
status() { "$@" >"$D/out" 2>"$D/err"; echo $?; }

# evidence that another hand made: good (0), lacking (1 to 7), mixed and flipped
mkdir "$D/evidence" && "$TOP/tests/interop/selftest.py" "$PKI" --write "$D/evidence" || exit 1
verify "$D"/evidence/*.evidence | words >"$D/ours"
"$TOP/tests/interop/verify_evidence.py" "$D"/evidence/*.evidence --root "$PKI/trust/root.pem" --crl "$PKI/trust/crl.pem" \
	--log "$PKI/log/log.vkey" | words >"$D/theirs"
is "some two hundred files have the words of the other verifier" "$(cmp "$D/ours" "$D/theirs" && [ "$(wc -l <"$D/ours")" -gt 200 ] && echo same)" same
is "good: 0" "$(status verify "$D/evidence/0.evidence")" 0
is "good: what it shows" "$(sed 's/[0-9a-f-]\{36\}/ID/; s/[0-9TZ:.-]\{24\}/WHEN/g; s|^OK [^ ]*|OK FILE:|' "$D/out")" \
	"OK FILE: Read of ID in uhcw/emergency, from csc/mash, class general, signed by person/uhcw/j.patel, at WHEN, stamped WHEN, entry 5 of localhost/log"
is "lacking: 3" "$(status verify "$D/evidence/0.evidence" "$D/evidence/3.evidence")" 3
is "lacking: names it" "$(grep -c 'INCOMPLETE.*; missing: timestamp$' "$D/out")" 1
is "wrong before lacking: 1" "$(status verify "$D/evidence/3.evidence" "$D/evidence/9.evidence" "$D/evidence/0.evidence")" 1
is "a file that is not there: 1" "$(status verify "$D/evidence/0.evidence" "$D/no.evidence")" 1
is "--json: one object, the same words" "$(verify --json "$D"/evidence/[0-9].evidence |
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["verdict"], *(f["verdict"] for f in d["files"]))')" \
	"FAIL OK INCOMPLETE INCOMPLETE INCOMPLETE INCOMPLETE INCOMPLETE INCOMPLETE INCOMPLETE FAIL FAIL"
is "a foreign root: 1" "$(status "$BUILD/bin/safehand" verify "$D/evidence/0.evidence" --root "$PKI/foreign/trust/root.pem" --log "$PKI/log/log.vkey")" 1
is "a foreign log: 1" "$(status "$BUILD/bin/safehand" verify "$D/evidence/0.evidence" --root "$PKI/trust/root.pem" --log "$PKI/foreign/log/log.vkey")" 1
is "the root alone suffices" "$(status "$BUILD/bin/safehand" verify "$D/evidence/0.evidence" --root "$PKI/trust/root.pem" --log "$PKI/log/log.vkey")" 0
is "no file: 2" "$(status verify)" 2
is "no log: 2" "$(status "$BUILD/bin/safehand" verify "$D/evidence/0.evidence" --root "$PKI/trust/root.pem")" 2
is "no root and no configuration: an error" "$(status "$BUILD/bin/safehand" verify "$D/evidence/0.evidence" --log "$PKI/log/log.vkey")" 2
is "--crl without --root: 2" "$(status "$BUILD/bin/safehand" verify "$D/evidence/0.evidence" --crl "$PKI/trust/crl.pem")" 2
is "a hostile name reaches no terminal" "$(cp "$D/evidence/0.evidence" "$D/$(printf 'a\033[2Jb')" && verify "$D/$(printf 'a\033[2Jb')" | grep -c 'a\\x1b\[2Jb: Read')" 1

# bundles: good, and each fault that anybody can see without a key
head -c 200000 /dev/urandom >"$D/scan.bin"
"$TOP/tests/interop/make_bundle.py" --pki "$PKI" --from uhcw/emergency --to csc/mash --to wmp/ppu --about 'c:999 026 0419' --all "$D" "$D/scan.bin" || exit 1
is "a good bundle needs no log's key" "$(status "$BUILD/bin/safehand" verify "$D/good.shb" --root "$PKI/trust/root.pem")" 0
is "a good bundle: what it shows" "$(grep -c '^OK .*: bundle [0-9a-f-]*, from uhcw/emergency, class .*, signed by agency/uhcw, to csc/mash, wmp/ppu, says it was made ' "$D/out")" 1
"$TOP/tests/interop/make_bundle.py" --list-faults | while read -r name reason who; do
	[ "$who" = gateway ] || continue
	case "$reason $name" in denied* | unknown* | clock* | *key-of-* | *" mailbox-"* | *" created-last-year") continue ;; esac # the roster's, the policy's, the gateway's clock's
	echo "$D/$name.shb"
done >"$D/faults"
xargs "$BUILD/bin/safehand" verify --root "$PKI/trust/root.pem" --crl "$PKI/trust/crl.pem" <"$D/faults" >"$D/out"
is "faulty bundles are not OK" "$(grep '^OK' "$D/out" | tr '\n' ' ')" ""
is "so many were judged" "$([ "$(grep -c . "$D/out")" -gt 50 ] && echo yes)" yes
for n in 100 5000 150000; do
	cp "$D/good.shb" "$D/flipped.shb"
	printf '\125' | dd of="$D/flipped.shb" bs=1 seek=$n conv=notrunc 2>/dev/null
	cmp -s "$D/good.shb" "$D/flipped.shb" && printf '\252' | dd of="$D/flipped.shb" bs=1 seek=$n conv=notrunc 2>/dev/null
	is "a bundle with byte $n altered: 1" "$(status verify "$D/flipped.shb")" 1
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
