#!/bin/sh
# 70-demo.sh - the demo leaves what it promises, and each piece of it is caught when one byte of it is altered.
set -u
TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
export BUILD="${BUILD:-$TOP/build}"
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
# leaks are found by ptrace, which the jail forbids; the roles' unit tests look for them
export ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}"
D=$T/demo
S=$BUILD/bin/safehand
passed=0 failed=0
ok() { # description, command...
	what=$1
	shift
	if "$@" >"$T/out" 2>&1; then passed=$((passed + 1)); echo "ok - $what"; else failed=$((failed + 1)); echo "not ok - $what"; sed 's/^/  # /' "$T/out" | tail -20; fi
}
count() { find "$1" -name "$2" | wc -l; }
altered() { # file, place from its end or beginning: a copy with one byte flipped
	cp "$1" "$T/altered${1##*/}"
	/usr/bin/python3 - "$T/altered${1##*/}" "$2" <<'EOT'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[int(sys.argv[2])] ^= 1
open(sys.argv[1], "wb").write(b)
EOT
}
# an altered piece of evidence: FAIL on the line and exit status 1
fails() {
	"$S" verify "$@" --root "$D/root.pem" --log "$D/log.vkey" >"$T/said"
	[ $? = 1 ] && grep -q '^FAIL ' "$T/said"
}
chmod 755 "$T"
ok "the demo ends with 0" "$TOP/tests/demo.sh" "$D"
ok "five bundles" [ "$(count "$D/bundles" '*.shb')" = 5 ]
ok "evidence of each step" [ "$(count "$D/evidence" '*.evidence')" -gt 25 ]
for f in pki log.vkey root.pem timeline.txt; do ok "$f is there" [ -e "$D/$f" ]; done
ok "the timeline shows who read" grep -q ' read by person/csc/a.khan' "$D/timeline.txt"
ok "the timeline shows who did not collect" grep -q 'schools/st-j.dsl: waiting' "$D/timeline.txt"
ok "that the deputy of the school that is shut had the key at once" grep -q 'released to the deputy' "$D/timeline.txt"
ok "and opened it" grep -q ' opened by agency/schools' "$D/timeline.txt"
ok "that minutes did not come" grep -q 'expected, and did not come: strategy-minutes' "$D/timeline.txt"
ok "the service manager has the notice" [ "$(count "$D/clients/csc/in" notice.json)" = 1 ]
ok "and for how long" grep -q '  not collected yet, for [0-9]* s$' "$D/timeline.txt"
for e in "$D"/evidence/*.evidence; do
	"$S" verify "$e" --root "$D/root.pem" --log "$D/log.vkey" >"$T/said" 2>&1 || { ok "${e##*/} verifies" false; continue; }
	altered "$e" 100
	fails "$T/altered${e##*/}" || ok "${e##*/} with a flipped byte: FAIL" false
	rm "$T/altered${e##*/}"
done
ok "every piece of evidence was OK, and FAIL with a flipped byte" [ "$failed" = 0 ]
small=$(find "$D/bundles" -name '*.shb' -size -100k | head -1)
for at in 30 1500 -1 -200; do
	altered "$small" $at
	ok "a bundle with byte $at flipped: FAIL" fails "$T/altered${small##*/}"
done
ok "the independent verifier agrees" /usr/bin/python3 -B "$TOP/tests/interop/verify_evidence.py" "$D"/evidence/*.evidence --root "$D/root.pem" --log "$D/log.vkey"
runs() { pgrep -ax safehandd | grep -qF "$D/"; }
ok "nothing of it runs on" eval "! runs"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
