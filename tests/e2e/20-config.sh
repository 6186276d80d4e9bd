#!/bin/sh
# 20-config.sh - safehandd -n and -N: the shipped example passes, every fault is told with file:line, nothing is started.
set -u
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
TOP=${TOP:-.}
D=${BUILD:-build}/bin/safehandd
PKI=${PKI:-${BUILD:-build}/test-pki}
passed=0 failed=0
ok() { # description, command...
	what=$1
	shift
	if "$@" >"$T/out" 2>&1; then passed=$((passed + 1)); echo "ok - $what"; else failed=$((failed + 1)); echo "not ok - $what"; sed 's/^/  # /' "$T/out"; fi
}
# refused with exit status 2, and a line that holds the words
refused() { # description, words, command...
	what=$1 words=$2
	shift 2
	"$@" >"$T/out" 2>&1
	rc=$?
	if [ $rc = 2 ] && grep -qF -- "$words" "$T/out"; then passed=$((passed + 1)); echo "ok - $what"; else failed=$((failed + 1)); echo "not ok - $what: status $rc"; sed 's/^/  # /' "$T/out"; fi
}
fresh() { cp "$TOP"/conf/*.conf "$T"; }
alter() { fresh; sed -i "$1" "$T/safehand.conf"; }

cp -r "$PKI" "$T/pki"
fresh
ok "the shipped example passes" "$D" -n -f "$T/safehand.conf"
ok "nothing was made by the check" sh -c "[ ! -e '$T/data' ] && [ ! -e '$T/control' ]"
ok "-N prints every setting with its help" sh -c "'$D' -N -f '$T/safehand.conf' >'$T/effective' && grep -q 'head-timeout = 10s' '$T/effective' && grep -q '# for the TLS handshake' '$T/effective'"
ok "what -N prints passes again" sh -c "cp '$T/effective' '$T/again.conf' && '$D' -n -f '$T/again.conf'"
ok "-h tells the usage" sh -c "'$D' -h | grep -q '^usage: safehandd'"
ok "-V tells the version" sh -c "'$D' -V | grep -q '^safehandd [0-9]'"
refused "an unknown option" "usage: safehandd" "$D" -x
refused "an argument too many" "no arguments wanted" "$D" -n now
refused "no such file" "No such file" "$D" -n -f "$T/none.conf"
alter 's/^clock .*/clock = sometimes/'
refused "a word that is none of the choices" "safehand.conf:29: clock = sometimes: want one of require|warn" "$D" -n -f "$T/safehand.conf"
alter 's/^listen .*/listen = localhost/'
refused "an address without a port" "safehand.conf:6: listen: localhost: want address:port" "$D" -n -f "$T/safehand.conf"
alter 's/^user .*/metrics = 0.0.0.0:9464/'
refused "metrics for everybody" "only a loopback address" "$D" -n -f "$T/safehand.conf"
tsa() { fresh; printf '[tsa "a"]\nurl = %s\nroot = pki/trust/root.pem\n' "$1" >>"$T/safehand.conf"; }
tsa http://tsa.example/tsr
ok "an external time stamping authority" "$D" -n -f "$T/safehand.conf"
for u in ftp://tsa.example/ tsa.example http:// http:///tsr "https://user:word@tsa.example/"; do
	tsa "$u"
	refused "an authority's URL: $u" "without a user" "$D" -n -f "$T/safehand.conf"
done
fresh
for i in 1 2 3 4 5 6 7 8 9; do printf '[tsa "a%s"]\nurl = http://tsa.example/\nroot = pki/trust/root.pem\n' $i; done >>"$T/safehand.conf"
refused "nine authorities" "at most 8 authorities" "$D" -n -f "$T/safehand.conf"
fresh
printf '[tsa "%0100d"]\nurl = http://tsa.example/\nroot = pki/trust/root.pem\n' 7 >>"$T/safehand.conf"
refused "an authority with too long a name" "a name has at most 95 bytes" "$D" -n -f "$T/safehand.conf"
alter 's|^root .*|root = pki/none.pem|'
refused "a file that is not there" "pki/none.pem: No such file" "$D" -n -f "$T/safehand.conf"
fresh
chmod 644 "$T/pki/certs/tsa/gw.key"
refused "a key that others may read" "a key may be read by its owner only" "$D" -n -f "$T/safehand.conf"
chmod 600 "$T/pki/certs/tsa/gw.key"
alter '/^include/d'
refused "no class at all" "nothing could be sent" "$D" -n -f "$T/safehand.conf"
fresh
sed -i 's|^from = uhcw/\*|from = uhcw|' "$T/classes.conf"
refused "a pattern that is none, in an included file" "classes.conf:5: from: uhcw: want agency/role" "$D" -n -f "$T/safehand.conf"
alter 's/^listen .*/listne = 1/; s/^clock .*/clock = x/'
refused "faults are told together: the first" "listne: no such key" "$D" -n -f "$T/safehand.conf"
refused "faults are told together: the second" "clock = x" "$D" -n -f "$T/safehand.conf"
refused "faults are told together: what is missing" "[gateway]: listen is missing" "$D" -n -f "$T/safehand.conf"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
