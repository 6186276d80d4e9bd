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
refused "a word that is none of the choices" "safehand.conf:32: clock = sometimes: want one of require|warn" "$D" -n -f "$T/safehand.conf"
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
# --- mail and webhooks ---
printf 'whsec_%s\n' "$(head -c 32 /dev/urandom | base64)" >"$T/hook.key"
echo secret word >"$T/password"
chmod 600 "$T/hook.key" "$T/password"
mail() { fresh; printf '%b' "$1" >>"$T/safehand.conf"; }
at() { echo "safehand.conf:$(($(wc -l <"$TOP/conf/safehand.conf") + $1))"; } # the line of what was added
MAIL='[mail]\nserver = smtps://mail.example:465\nfrom = safehand@gw.example\n'
mail "$MAIL"'user = gw\npassword = password\nroot = pki/trust/root.pem\n[mailbox "*/st-j.dsl"]\nmail = dsl@st-j.example\nwebhook = https://hooks.st-j.example:8443/a?b=c\nwebhook-key = hook.key\n[courier]\ngive-up = 10m\n'
ok "mail and webhooks" "$D" -n -f "$T/safehand.conf"
ok "what -N prints of them passes again" sh -c "'$D' -N -f '$T/safehand.conf' >'$T/again.conf' && '$D' -n -f '$T/again.conf'"
ok "-N tells no secret" sh -c "! grep -e 'whsec_[A-Za-z0-9+/]\{20\}' -e 'secret word' '$T/again.conf'"
for s in mail.example smtp://mail.example smtp://mail.example:0 smtp://a@mail.example:25 smtp://mail.example:25/x smtp://mail.example:99999 http://mail.example:25 'smtp://[::1:25' smtp://-a:25; do
	mail "[mail]\\nserver = $s\\nfrom = a@b\\n"
	refused "a mail server: $s" "$(at 2): server: " "$D" -n -f "$T/safehand.conf"
done
for a in dsl 'dsl@' '@st-j.example' 'a b@st-j.example' 'a@b@c' 'a@-b' 'a..b@c' '.a@c' '"a"@c' 'a@b,c@d' 'a@b>' 'a@[127.0.0.1]'; do
	mail "$MAIL"'[mailbox "*/*"]\n'
	printf 'mail = %s\n' "$a" >>"$T/safehand.conf"
	refused "a mail address: $a" "want an address such as" "$D" -n -f "$T/safehand.conf"
done
for u in http://hooks.example/ ftp://hooks.example/ https:/// https://u:p@hooks.example/ 'https://hooks.example/#x' 'https://hooks.example/a b' https://hooks.example:0/; do
	mail '[mailbox "*/*"]\nwebhook-key = hook.key\n'
	echo "webhook = $u" >>"$T/safehand.conf"
	refused "a webhook: $u" "$(at 3): webhook: " "$D" -n -f "$T/safehand.conf"
done
mail '[mail]\nserver = smtp://127.0.0.1:25\n'
refused "a server without a sender" "$(at 2): server: a server wants from" "$D" -n -f "$T/safehand.conf"
mail "$MAIL"'user = gw\n'
refused "a user without a password" "$(at 4): user: want both" "$D" -n -f "$T/safehand.conf"
mail "$MAIL"'tls = if-offered\n'
refused "no TLS to far away" "$(at 4): tls: if-offered: only to a server on a loopback address" "$D" -n -f "$T/safehand.conf"
mail '[mail]\nserver = smtp://127.0.0.1:2525\nfrom = a@b\ntls = if-offered\n'
ok "no TLS on loopback" "$D" -n -f "$T/safehand.conf"
mail '[mailbox "*/*"]\nmail = a@b.example\n'
refused "an address and no server" "$(at 2): mail: there is no [mail] server" "$D" -n -f "$T/safehand.conf"
mail '[mailbox "*/*"]\nwebhook = https://hooks.example/\n'
refused "a webhook without its key" "$(at 2): webhook: want both" "$D" -n -f "$T/safehand.conf"
mail '[mailbox "*/*"]\nwebhook-key = hook.key\n'
refused "a key without its webhook" "$(at 2): webhook-key: want both" "$D" -n -f "$T/safehand.conf"
mail '[mailbox "st-j"]\n'"webhook = https://hooks.example/\\nwebhook-key = hook.key\\n"
refused "a mailbox section of no pattern" "want agency/role, * for any" "$D" -n -f "$T/safehand.conf"
mail '[mailbox "*/*"]\nwebhook = https://hooks.example/\nwebhook-key = bad.key\n'
for k in 'secret' 'whsec_AAAA' 'whsec_!!!!' 'whsec_'; do
	echo "$k" >"$T/bad.key"
	chmod 600 "$T/bad.key"
	refused "a webhook's key: $k" "$(at 3): webhook-key: " "$D" -n -f "$T/safehand.conf"
done
cp "$T/hook.key" "$T/bad.key"
chmod 644 "$T/bad.key"
refused "a webhook's key that others may read" "may be read by its owner only" "$D" -n -f "$T/safehand.conf"
mail "$MAIL"'user = gw\npassword = bad.password\n'
printf 'two\nlines\n' >"$T/bad.password"
chmod 600 "$T/bad.password"
refused "a password of two lines" "$(at 5): password: the file wants one line" "$D" -n -f "$T/safehand.conf"
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
