#!/bin/sh
# 16-hardening.sh - what the compiler and the linker were asked for, read from the binaries; an old OpenSSL is refused.
set -u
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
TOP=${TOP:-.}
BUILD=${BUILD:-build}
passed=0 failed=0
ok() { # description, command...
	what=$1
	shift
	if "$@" >"$T/out" 2>&1; then passed=$((passed + 1)); echo "ok - $what"; else failed=$((failed + 1)); echo "not ok - $what"; sed 's/^/  # /' "$T/out"; fi
}
no() { what=$1; shift; if "$@" >/dev/null 2>&1; then ok "$what" false; else ok "$what" true; fi; }

pie() { readelf -h "$1" | grep -q 'Type:.*DYN' && readelf -d "$1" | grep -q 'FLAGS_1.*PIE'; }
relro() { readelf -lW "$1" | grep -q GNU_RELRO && readelf -d "$1" | grep -q 'BIND_NOW\|FLAGS_1.*NOW'; }
noexec_stack() { readelf -lW "$1" | awk '/GNU_STACK/ { found = 1; if ($7 ~ /E/) bad = 1 } END { exit !found || bad }'; }
no_wx() { readelf -lW "$1" | awk '$1 == "LOAD" && $7 ~ /W/ && $0 ~ / RWE / { bad = 1 } END { exit bad }'; }
canary() { nm -D --undefined-only "$1" | grep -q '__stack_chk_fail'; }
fortified() { nm -D --undefined-only "$1" | grep -qE '__[a-z]+_chk(@|$)'; }
cet() { readelf -n "$1" | grep -q 'x86 feature: IBT, SHSTK'; }
no_path() { ! readelf -d "$1" | grep -qE 'RPATH|RUNPATH|TEXTREL'; }
# what leaves no other trace: the compiler's command in the debug information
flag() { readelf --debug-dump=info "$1" 2>/dev/null | grep 'DW_AT_producer' | grep -v 'GNU AS' | head -n 1 | grep -q -- "$2"; }

case $BUILD in
*-san | *-cov) echo "# skipped: a build with sanitizers or for coverage is not hardened; make test without them tests it" ;;
*)
	for b in "$BUILD"/bin/safehand*; do
		n=${b##*/}
		ok "$n: position independent" pie "$b"
		ok "$n: relocations read-only, bound at start" relro "$b"
		ok "$n: no executable stack" noexec_stack "$b"
		ok "$n: nothing writable and executable" no_wx "$b"
		ok "$n: stack protector" canary "$b"
		ok "$n: fortified" fortified "$b"
		ok "$n: no path for libraries, no text relocations" no_path "$b"
		if [ "$(uname -m)" = x86_64 ]; then ok "$n: -fcf-protection=full" flag "$b" -fcf-protection=full; fi
		for f in -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero; do ok "$n: $f" flag "$b" "$f"; done
	done
	# Debian's own start file carries no note on IBT and shadow stack, so the linker leaves it out of every program: each of
	# our objects must have it
	find "$BUILD/obj/lib" "$BUILD/obj/gateway" "$BUILD/obj/client" -name '*.o' | while read -r o; do cet "$o" || echo "$o"; done >"$T/bare"
	if [ "$(uname -m)" = x86_64 ]; then ok "every object: IBT and shadow stack" test ! -s "$T/bare"; fi
	# the checks themselves: a program without all that is seen to be without
	echo 'int main(int c, char **v) { char b[64]; __builtin_strcpy(b, v[0]); return b[c]; }' >"$T/weak.c"
	gcc -g -no-pie -fno-stack-protector -fcf-protection=none -U_FORTIFY_SOURCE -Wl,-z,norelro,-z,lazy,-z,execstack -Wl,-rpath,/x -w -o "$T/weak" "$T/weak.c"
	for f in pie relro noexec_stack canary fortified cet no_path; do no "a weak program has no $f" "$f" "$T/weak"; done
	no "a weak program has no flag" flag "$T/weak" -fstack-clash-protection
	;;
esac

# Headers of an older OpenSSL, as Debian 12 had them before: the build stops and says how to go on.
mkdir -p "$T/old/openssl"
{ echo '#include_next <openssl/opensslv.h>'; echo '#undef OPENSSL_VERSION_NUMBER'; echo '#define OPENSSL_VERSION_NUMBER 0x30000130L'; } >"$T/old/openssl/opensslv.h"
old() { gcc -std=gnu11 -D_GNU_SOURCE -I"$T/old" -I"$TOP/include" -c -o "$T/crypto.o" "$TOP/lib/crypto.c"; }
refused() { ! old 2>"$T/said" && grep -q 'OpenSSL older than 3.0.22: apt-get update && apt-get install' "$T/said"; }
ok "an old OpenSSL is refused, with the way out" refused
ok "the one that is here is not" gcc -std=gnu11 -D_GNU_SOURCE -I"$TOP/include" -c -o "$T/crypto.o" "$TOP/lib/crypto.c"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
