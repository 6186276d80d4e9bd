#!/bin/sh
# 20-config.sh - safehandd -n and -N: the shipped example passes, every fault is told with file:line, nothing serves.
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
cp -r "$TOP/conf/calendars" "$T"
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
# --- keys in a token ---
in_token() { # file, URI
	cp -p "$T/pki/$1" "$T/kept.key"
	echo "$2" >"$T/pki/$1"
}
out_again() { cp -p "$T/kept.key" "$T/pki/$1"; }
MODULE=/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so
in_token log/localhost_log.key "pkcs11:object=log?module-path=$MODULE&pin-value=1"
refused "the log's key in a token" "log-key: it cannot be in a token: OpenSSL's engine for tokens knows no Ed25519: want PEM" "$D" -n -f "$T/safehand.conf"
out_again log/localhost_log.key
in_token certs/gateway-tls/localhost.key "pkcs11:object=tls?module-path=$MODULE&pin-value=1"
refused "the TLS key in a token" "key: it cannot be in a token: every client would wait" "$D" -n -f "$T/safehand.conf"
out_again certs/gateway-tls/localhost.key
in_token certs/tsa/gw.key "pkcs11:object=tsa?module-path=$MODULE&pin-value=1"
refused "a key in a token, and none is configured" "tsa-key: it is in a token, and [notary] has no token" "$D" -n -f "$T/safehand.conf"
for uri in "?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-value=1" "?pin-value=1" "?module-path=/x-p11-kit-client.so&pin-value=1" \
	"?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-value=/p11-kit-client.so"; do
	echo "pkcs11:object=tsa$uri" >"$T/pki/certs/tsa/gw.key"
	alter 's|^\[notary\]|&\ntoken = token|'
	refused "a token's own module: $uri" "tsa-key: a token is reached through p11-kit server" "$D" -n -f "$T/safehand.conf"
done
echo "pkcs11:object=tsa?module-path=$MODULE&pin-value=1" >"$T/pki/certs/tsa/gw.key"
refused "a token whose socket is not there" "notary: token: $T/token: No such file" "$D" -n -f "$T/safehand.conf"
out_again certs/tsa/gw.key
# --- keys encrypted at rest ---
word() { echo "$1" >"$T/$2" && chmod 600 "$T/$2"; }
word "open sesame" word
word "another" word2
seal() { openssl pkcs8 -topk8 -scrypt -in "$T/pki/$1" -passout "file:$T/word" -out "$T/sealed" && cat "$T/sealed" >"$T/pki/$1"; }
for k in certs/gateway-tls/localhost.key log/localhost_log.key certs/tsa/gw.key certs/gateway-sign/gw.key; do
	cp "$T/pki/$k" "$T/plain.$(echo $k | tr / .)"
done
both() { fresh; sed -i "s|^\\[front\\]|&\\nkey-passphrase = $1|; s|^\\[notary\\]|&\\nkey-passphrase = $2|" "$T/safehand.conf"; }
both word word
refused "a key in the clear beside a passphrase" "safehand.conf:22: key: it is not encrypted, and [front] has a key-passphrase" "$D" -n -f "$T/safehand.conf"
refused "the same of the notary's" "log-key: it is not encrypted, and [notary] has a key-passphrase" "$D" -n -f "$T/safehand.conf"
for k in certs/gateway-tls/localhost.key log/localhost_log.key certs/tsa/gw.key certs/gateway-sign/gw.key; do seal $k; done
ok "keys under a passphrase" "$D" -n -f "$T/safehand.conf"
ok "-N tells the file, not the passphrase" sh -c "'$D' -N -f '$T/safehand.conf' >'$T/again.conf' && grep -q 'key-passphrase = .*word' '$T/again.conf' && ! grep -q sesame '$T/again.conf'"
both word2 word
refused "a passphrase that does not open the key" "front: $T/pki/certs/gateway-tls/localhost.key: the passphrase does not open it" "$D" -n -f "$T/safehand.conf"
both word word2
refused "the same of the notary's keys" "notary: $T/pki/log/localhost_log.key: the passphrase does not open it" "$D" -n -f "$T/safehand.conf"
fresh
refused "an encrypted key without a passphrase" "safehand.conf:21: key: it is encrypted, and [front] has no key-passphrase" "$D" -n -f "$T/safehand.conf"
for bad in '' 'two
lines'; do
	word "$bad" word3
	both word3 word
	refused "a passphrase file that is not one line: '$bad'" "safehand.conf:20: key-passphrase: the file wants one line" "$D" -n -f "$T/safehand.conf"
done
word "$(head -c 1100 /dev/zero | tr '\0' a)" word3
refused "a passphrase of 1,100 bytes" "limit 1025" "$D" -n -f "$T/safehand.conf"
both word word
chmod 640 "$T/word"
refused "a passphrase that others may read" "may be read by its owner only" "$D" -n -f "$T/safehand.conf"
chmod 600 "$T/word"
openssl ec -in "$T/plain.certs.tsa.gw.key" -aes256 -passout "file:$T/word" -out "$T/pki/certs/tsa/gw.key" 2>/dev/null
refused "a key encrypted as before PKCS#8" "tsa-key: encrypted in the manner of before PKCS#8" "$D" -n -f "$T/safehand.conf"
head -c 200 "$T/sealed" >"$T/pki/certs/tsa/gw.key"
refused "a key that is cut" "gw.key: no encrypted private key" "$D" -n -f "$T/safehand.conf"
for k in certs/gateway-tls/localhost.key log/localhost_log.key certs/tsa/gw.key certs/gateway-sign/gw.key; do
	cat "$T/plain.$(echo $k | tr / .)" >"$T/pki/$k"
done
# --- keys that do not fit: only their role can say ---
alter 's|^key .*|key = pki/certs/tsa/gw.key|'
refused "a key of another certificate" "front: front key: not that of the front certificate" "$D" -n -f "$T/safehand.conf"
alter 's|^tsa-key .*|tsa-key = pki/certs/gateway-sign/gw.key|'
refused "a stamping key of another certificate" "notary: $T/pki/certs/gateway-sign/gw.key: time stamping authority: key and certificate do not fit" "$D" -n -f "$T/safehand.conf"
fresh
mkdir "$T/bin" && sed -i "s|^\\[gateway\\]|&\\nlibexec = bin|" "$T/safehand.conf"
refused "programs that are not there" "front: ended without an answer" "$D" -n -f "$T/safehand.conf"

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
# --- classes, ladders, calendars ---
added() { fresh; printf '%b' "$1" >>"$T/safehand.conf"; }
ics() { printf 'BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n%bEND:VCALENDAR\n' "$1" >"$T/$2.ics"; }
X='[class "x"]\nfrom = csc/*\nto = */*\n'
ics 'BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261229\nEND:VEVENT\n' closed
ics 'BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260901\nDTEND;VALUE=DATE:20261219\nEND:VEVENT\n' terms
CAL='[calendar "school"]\nzone = Europe/London\nhours = 08:30-16:30\n'
ALL="$CAL"'closed = closed.ics\nterms = terms.ics\n[mailbox "schools/st-j.dsl"]\ncalendar = school\n'"$X"'clock = event\nrequire = child, interpreter\nmedia = application/pdf\ndemand = csc/duty\nprovisional = within 3 working-days\ncollect = within 4 hours\nread = same school-day\nanswer = within 1 working-day by y\nladder = remind at 50%, cover at 100%\nladder = notify csc/service-manager at 100%, notify sender at 100%, register at 150%\nexpects = y within 1 working-day of the meeting\nexpect-ladder = notify sender at 100%\nsubscribe = by-consent\nretain = 90d after the last answer\n[class "y"]\nfrom = */*\nto = */*\nsignatures = 2\ndiscounts = yes\n'
added "$ALL"
ok "a class with all keys, its calendar" "$D" -n -f "$T/safehand.conf"
ok "what -N prints of it passes again" sh -c "'$D' -N -f '$T/safehand.conf' >'$T/again.conf' && grep -q 'ladder = remind at 50%, cover at 100%, notify csc' '$T/again.conf' && '$D' -n -f '$T/again.conf'"
while IFS='|' read -r what lines line words; do
	added "$X$lines\\n"
	refused "a class: $what" "$(at "$line")${words}" "$D" -n -f "$T/safehand.conf"
done <<'EOT'
a field that no sheet has|require = child, shoe-size|4|: require: shoe-size: no field of the cover sheet
no media type|media = pdf|4|: media: pdf: want type/subtype
a pattern demanded|demand = csc/*|4|: demand: csc/*: want agency/role
a demanded mailbox that is not in the roster|demand = csc/nobody|4|: demand: class "x": csc/nobody: not in the roster
no rule|collect = soon|4|: collect: soon: want within N
no step|read = within 1 day\nladder = shout at 100%|5|: ladder: shout at 100%: want remind
a step told to nobody|read = within 1 day\nladder = notify csc/nobody at 100%|5|: ladder: class "x": csc/nobody: not in the roster
an answer by no class|answer = within 1 day by y|4|: class "x": answer: by y: no such class
an answer that nobody may send back|answer = within 1 day by y\n[class "y"]\nfrom = csc/*\nto = uhcw/*|4|: class "x": answer: by y: no recipient may send that back
an expectation of no class|expects = y within 1 day of the meeting|4|: class "x": expects: y: no such class
an expectation of itself|expects = x within 1 day of the meeting|4|: class "x": expects: x: leads back to itself
a ladder and nothing owed|ladder = remind at 50%|4|: class "x": ladder: nothing is owed
two covers|read = within 1 day\nladder = cover at 50%, cover at 100%|5|: class "x": ladder: cover and register happen once
collected later than read|collect = within 2 days\nread = within 1 day|4|: class "x": collect: later than it must be read
kept after an answer that nobody owes|retain = 90d after the last answer|4|: class "x": retain: after the last answer, and no answer is owed
a concern ended by one person|discounts = yes|4|: class "x": discounts: wants signatures = 2
kept for an hour|retain = 1h|4|: retain: 1h: want 1d to 36500d
EOT
added "$X"'read = within 1 day\nladder = notify csc/duty at 100%\n'
sed -i '/^notice-/d' "$T/safehand.conf"
refused "a class: a notice and nobody to sign it" 'ladder: class "x": notify csc/duty at 100%: [notary] has no notice-key' "$D" -n -f "$T/safehand.conf"
added "$X"'demand = schools/st-j.dsl\n[class "y"]\nfrom = */*\nto = */dsl\n'
sed -i 's|^to = \*/\*$|to = schools/st-j.dsl|' "$T/safehand.conf"
refused "a demanded mailbox whose cover may not have it" "schools/st-j.head: covers a demanded mailbox" "$D" -n -f "$T/safehand.conf"
added '[mailbox "schools/st-j.dsl"]\ncalendar = school\n'
refused "no such calendar" "$(at 2): calendar: mailbox \"schools/st-j.dsl\": school: there is no such [calendar]" "$D" -n -f "$T/safehand.conf"
while IFS='|' read -r what lines line words; do
	added "$lines\\n"
	refused "a calendar: $what" "$(at "$line")${words}" "$D" -n -f "$T/safehand.conf"
done <<'EOT'
an unknown zone|[calendar "c"]\nzone = Europe/Nowhere|2|: zone: zone: Europe/Nowhere: unknown zone
a zone out of its folder|[calendar "c"]\nzone = ../passwd|2|: zone: zone: ../passwd: no zone's name
a week of other days|[calendar "c"]\nzone = UTC\nweek = sun-thu|3|: week = sun-thu: want one of
hours that end before they begin|[calendar "c"]\nzone = UTC\nhours = 16:30-08:30|3|: hours: hours: 16:30-08:30: want HH:MM-HH:MM
a file that is not there|[calendar "c"]\nzone = UTC\nclosed = none.ics|3|: closed: 
EOT
while IFS='|' read -r what lines words; do
	ics "$lines" bad
	added "$CAL"'closed = bad.ics\n'
	refused "closed days: $what" "bad.ics$words" "$D" -n -f "$T/safehand.conf"
done <<'EOT'
none||: no event in it
endless|BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY\nEND:VEVENT\n|:4: event: RRULE: endless
no date|BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260231\nEND:VEVENT\n|:4: event: DTSTART: no date
an unknown zone|BEGIN:VEVENT\nDTSTART;TZID=Mars/Base:20260101T100000\nDURATION:PT1H\nEND:VEVENT\n|:4: event: TZID: Mars/Base: unknown zone
malformed|BEGIN:VEVENT\nhello\nEND:VEVENT\n|:5: want NAME:VALUE
EOT
: >"$T/bad.ics"
refused "closed days: an empty file" "bad.ics: no event in it" "$D" -n -f "$T/safehand.conf"
ics 'BEGIN:VEVENT\nDTSTART:20261225T100000\nDURATION:PT1H\nEND:VEVENT\n' bad
added "$CAL"'terms = bad.ics\n'
refused "terms of hours" "bad.ics:4: event: a term has whole days" "$D" -n -f "$T/safehand.conf"
ics 'BEGIN:VEVENT\nDTSTART;VALUE=DATE:20200901\nDTEND;VALUE=DATE:20201219\nEND:VEVENT\n' bad
USED='[mailbox "schools/st-j.dsl"]\ncalendar = school\n'
added "$CAL"'terms = bad.ics\n'"$USED"
ok "terms that have ended: a warning" sh -c "'$D' -n -f '$T/safehand.conf' 2>&1 | grep -F '$(at 4): terms: warning: calendar \"school\" knows no school days after 2020-12-18'"
added "$CAL"'closed = bad.ics\n'"$USED"
ok "closed days that have ended: a warning" sh -c "'$D' -n -f '$T/safehand.conf' 2>&1 | grep -F '$(at 4): closed: warning: calendar \"school\" knows no closed days after 2020-12-31'"
added "$CAL"'closed = bad.ics\n'
ok "no warning of what no mailbox has" sh -c "! '$D' -n -f '$T/safehand.conf' 2>&1 | grep warning"
# the content of the roster with a circle in it; whose signature it has is not for -n to say
/usr/bin/python3 - "$T/pki/roster.shr" "$T/circle.shr" <<'EOT'
import json, struct, sys
b = open(sys.argv[1], "rb").read()
n, m = struct.unpack(">II", b[4:12])
r = json.loads(b[12:12 + n])
boxes = {x["name"]: x for a in r["agencies"] for x in a["mailboxes"]}
boxes["uhcw/paediatrics"]["cover"] = "uhcw/emergency"
c = json.dumps(r).encode()
open(sys.argv[2], "wb").write(b[:4] + struct.pack(">II", len(c), m) + c + b[12 + n:])
EOT
alter 's|^roster .*|roster = circle.shr|'
refused "a circle of covers" "leads back to itself" "$D" -n -f "$T/safehand.conf"
alter 's|^root .*|root = pki/none.pem|'
refused "a file that is not there" "pki/none.pem: No such file" "$D" -n -f "$T/safehand.conf"
fresh
chmod 644 "$T/pki/certs/tsa/gw.key"
refused "a key that others may read" "a key may be read by its owner only" "$D" -n -f "$T/safehand.conf"
chmod 600 "$T/pki/certs/tsa/gw.key"
alter '/^include/d'
refused "no class at all" "nothing could be sent" "$D" -n -f "$T/safehand.conf"
fresh
sed -i 's|^\(from *\)= uhcw/\*$|\1= uhcw|' "$T/classes.conf"
refused "a pattern that is none, in an included file" "classes.conf:$(grep -n '^from *= uhcw$' "$T/classes.conf" | head -1 | cut -d: -f1): from: uhcw: want agency/role" "$D" -n -f "$T/safehand.conf"
alter 's/^listen .*/listne = 1/; s/^clock .*/clock = x/'
refused "faults are told together: the first" "listne: no such key" "$D" -n -f "$T/safehand.conf"
refused "faults are told together: the second" "clock = x" "$D" -n -f "$T/safehand.conf"
refused "faults are told together: what is missing" "[gateway]: listen is missing" "$D" -n -f "$T/safehand.conf"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
