#!/bin/bash
# demo.sh - the story of three documents, with nothing faked: a PKI made on the spot, the real daemon on loopback, real documents.
# usage: tests/demo.sh DIR     (make demo: build/demo). Leaves there pki/, bundles/*.shb, evidence/*.evidence, log.vkey, timeline.txt.
set -euo pipefail
TOP=$(cd "$(dirname "$0")/.." && pwd)
B=${BUILD:-$TOP/build}/bin
D=${1:?usage: demo.sh DIR}
PATH=$B:$PATH
DATA=$TOP/tests/data
case $D in /*) ;; *) D=$PWD/$D ;; esac
if [ -t 1 ]; then BOLD=$(printf '\033[1m') DIM=$(printf '\033[2m') OFF=$(printf '\033[0m'); else BOLD='' DIM='' OFF=''; fi

gateway=
finish() {
	status=$?
	[ -z "$gateway" ] || kill "$gateway" 2>/dev/null || true
	[ -z "$gateway" ] || wait "$gateway" 2>/dev/null || true
	[ "$status" = 0 ] || { echo "demo: stopped with status $status; the gateway's log is $D/gateway/log" >&2; }
}
trap finish EXIT
say() { printf '\n%s%s%s\n' "$BOLD" "$*" "$OFF"; }
began=$(date +%s)

rm -rf "$D"
mkdir -p "$D"/{bundles,evidence,gateway,documents}
chmod 755 "$D" "$D/gateway"

say "1. A PKI: an offline root, an issuing CA, certificates for four agencies and six people, a signed roster"
"$TOP/tests/mkpki.sh" "$D/pki" --plain >"$D/pki.log" 2>&1 || { cat "$D/pki.log"; exit 1; }
cp "$D/pki/log/log.vkey" "$D/pki/trust/root.pem" "$D/"
echo "   $(find "$D/pki/certs" -name "*.pem" | wc -l) certificates under $D/pki; the root key is not used again"

say "2. The gateway, on loopback"
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cp -r "$TOP"/conf/*.conf "$TOP/conf/calendars" "$D/gateway/"
ln -s ../pki "$D/gateway/pki"
mkdir "$D/gateway/jail"
# The demo's own policy: the shipped one, but for limits of seconds and a school that is shut today. The clock is never faked.
sed -i 's|^expects .*|expects       = strategy-minutes within 30 seconds of the meeting|' "$D/gateway/classes.conf"
{
	printf 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Safehand//demo//EN\r\nBEGIN:VEVENT\r\nUID:shut@demo\r\nSUMMARY:inset days\r\nDTSTAMP:%s\r\n' "$(date -u +%Y%m%dT%H%M%SZ)"
	printf 'DTSTART;VALUE=DATE:%s\r\nDTEND;VALUE=DATE:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' "$(date -u -d yesterday +%Y%m%d)" "$(date -u -d '+7 days' +%Y%m%d)"
} >"$D/gateway/calendars/shut.ics"
cat >"$D/gateway/calendars.conf" <<'EOT'
[calendar "shut"]
zone   = Europe/London
week   = mon-sun
closed = calendars/shut.ics
[mailbox "schools/st-j.dsl"]
calendar = shut
EOT
at() { date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ; } # the documents are of these days, whenever the demo is run
day() { date -u -d "$1" +%Y-%m-%d; }
sed -i "s|^listen .*|listen  = 127.0.0.1:$port|; s|^jail .*|jail    = jail|; s|^user .*|user    = nobody|" "$D/gateway/safehand.conf"
safehandd -f "$D/gateway/safehand.conf" 2>"$D/gateway/log" &
gateway=$!
for _ in $(seq 500); do grep -q 'msg=roster ' "$D/gateway/log" && grep -q 'msg=serving' "$D/gateway/log" && break; kill -0 "$gateway" || { cat "$D/gateway/log"; exit 1; }; sleep 0.02; done
safehandctl --socket "$D/gateway/control" status

client() { # agency, mailboxes…: a configuration of its own, as on a machine of its own
	agency=$1
	shift
	mkdir -p "$D/clients/$agency/in"
	{
		printf '[gateway]\nurl = https://localhost:%s\nroot = %s\n' "$port" "$D/root.pem"
		printf '[agency]\nname = %s\nstate = state\nlinking-key = %s\n' "$agency" "$D/pki/linking.key"
		printf 'tls-certificate = %s\ntls-key = %s\n' "$D/pki/certs/agency-tls/$agency".{pem,key}
		printf '[identity "%s"]\nkind = system\ncertificate = %s\nkey = %s\n' "$agency" "$D/pki/certs/agency-sign/$agency".{pem,key}
		for m; do
			case $m in
			person/*)
				n=${m#person/}
				printf '[identity "%s"]\nkind = person\ncertificate = %s\nkey = %s\n' "$n" "$D/pki/certs/person-sign/${agency}_$n".{pem,key}
				;;
			*) printf '[mailbox "%s"]\ncertificate = %s\nkey = %s\n' "$m" "$D/pki/certs/agency-seal/${m/\//_}".{pem,key} ;;
			esac
		done
	} >"$D/clients/$agency/safehand.conf"
}
client uhcw uhcw/emergency uhcw/paediatrics person/j.patel
client csc csc/mash csc/duty csc/service-manager person/a.khan person/r.lee
client wmp wmp/ppu person/d.green person/s.hall
client schools schools/st-j.dsl schools/st-j.head person/m.brown
as() { # agency, command…
	a=$1
	shift
	printf '%s%s$ safehand %s%s\n' "$DIM" "$a" "${*//$D\//}" "$OFF"
	safehand --config "$D/clients/$a/safehand.conf" "$@"
}
as_quiet() {
	a=$1
	shift
	safehand --config "$D/clients/$a/safehand.conf" "$@"
}
sent() { find "$D/bundles" -name '*.shb' -printf '%T@ %f\n' | sort -n | tail -1 | sed 's/.* //; s/\.shb$//'; }

say "3. Children's services announce two meetings; the minutes of each are now owed to everybody who was told"
for who in isla sibling; do
	case $who in isla) when=$(at now) ;; *) when=$(at '-24 seconds') ;; esac
	cat >"$D/documents/notice-$who.json" <<EOT
{"safehand_cover": 1, "title": "Strategy meeting, $who", "people": [{"name": "$(case $who in isla) echo "Isla Merrow" ;; *) echo "Oscar Merrow" ;; esac)", "role": "child"}],
 "meeting": {"at": "$when", "kind": "strategy meeting", "place": "by video", "chair": "A. Khan"}}
EOT
	echo "Strategy meeting by video, now." >"$D/documents/notice.txt"
	as csc send --class strategy-meeting-notice --from csc/mash --to uhcw/paediatrics --to wmp/ppu --about "$(case $who in isla) echo "999 026 0419" ;; *) echo "999 026 0427" ;; esac)" \
		--event-at "$when" --cover "$D/documents/notice-$who.json" --keep "$D/bundles" "$D/documents/notice.txt"
done
sibling=$(sent)

say "4. The hospital: a child of five came with an arm that nobody could explain"
cat >"$D/documents/discharge-cover.json" <<EOT
{"safehand_cover": 1, "title": "Discharge from the emergency department",
 "people": [{"name": "Isla Merrow", "role": "child", "born": "2021-03-14", "identifiers": [{"kind": "NHS number", "value": "999 026 0419"}], "household": "CV-HH-20417"}],
 "event": {"at": "$(at -2hours)", "kind": "attendance", "place": "University Hospital, emergency department"},
 "medical_opinion": "inconclusive", "language": "Polish", "interpreter": "by telephone, T-5521",
 "measurements": [{"date": "$(day -2hours)", "height_mm": 1015, "weight_g": 13200}]}
EOT
as uhcw send --class discharge-letter --from uhcw/emergency --to csc/mash --to schools/st-j.dsl --about "999 026 0419" --concern inconclusive \
	--event-at "$(at -2hours)" --cover "$D/documents/discharge-cover.json" --keep "$D/bundles" \
	"$DATA/discharge-summary.pdf" "$DATA/discharge-summary.fhir.json" "$DATA/body-map.png"
letter=$(sent)

say "5. Children's services: minutes of the strategy meeting, signed by two people, with the recording of the interview (200 MiB)"
"$DATA/make.py" --recording "$D/documents/interview.wav"
cat >"$D/documents/minutes-cover.json" <<EOT
{"safehand_cover": 1, "title": "Strategy meeting: minutes",
 "people": [{"name": "Isla Merrow", "role": "child", "born": "2021-03-14", "identifiers": [{"kind": "NHS number", "value": "999 026 0419"}]}],
 "meeting": {"at": "$(at -1hour)", "kind": "strategy meeting", "place": "by video", "chair": "A. Khan"},
 "attendees": [{"name": "A. Khan", "role": "team manager"}, {"name": "R. Lee", "role": "social worker"}, {"name": "Dr J. Patel", "role": "emergency department"},
  {"name": "DC D. Green", "role": "public protection unit"}, {"name": "M. Brown", "role": "designated safeguarding lead"}],
 "apologies": [{"name": "S. Okafor", "role": "health visitor"}],
 "decisions": [{"text": "Section 47 enquiry to begin today, jointly with police", "reason": "unexplained fracture, late presentation, weight"},
  {"text": "Isla stays with the maternal grandmother, with a written agreement", "reason": "the partner's account changed", "dissent": "DC Green asked for an order"}],
 "actions": [{"n": 1, "owner": "uhcw/paediatrics", "due": "$(day +2days)", "text": "examine both children, skeletal survey of Isla; report"},
  {"n": 2, "owner": "wmp/ppu", "due": "$(day +1day)", "text": "interview of the partner, safeguarding flag on the address"},
  {"n": 3, "owner": "schools/st-j.dsl", "due": "$(day +3days)", "text": "chronology of absences and observations"}],
 "medical_opinion": "inconclusive", "language": "Polish", "interpreter": "booked for every contact; the partner must not interpret"}
EOT
as csc send --class strategy-minutes --from csc/mash --to uhcw/paediatrics --to wmp/ppu --to schools/st-j.dsl --about "999 026 0419" --household CV-HH-20417 --concern inconclusive \
	--event-at "$(at -1hour)" --action "1:uhcw/paediatrics:$(day +2days)" --action "2:wmp/ppu:$(day +1day)" --action "3:schools/st-j.dsl:$(day +3days)" \
	--cover "$D/documents/minutes-cover.json" --keep "$D/bundles" --as a.khan --as r.lee \
	"$DATA/strategy-minutes.pdf" "$D/documents/interview.wav"
minutes=$(sent)

say "6. The police: notes of the MARAC"
cat >"$D/documents/marac-cover.json" <<EOT
{"safehand_cover": 1, "title": "MARAC: notes",
 "meeting": {"at": "$(at -3hours)", "kind": "MARAC", "chair": "DS S. Hall"},
 "attendees": [{"name": "DS S. Hall", "role": "chair"}, {"name": "DC D. Green", "role": "public protection unit"}, {"name": "R. Lee", "role": "social worker"}],
 "actions": []}
EOT
as wmp send --class marac-notes --from wmp/ppu --to csc/mash --to uhcw/emergency --about "999 026 0419" --event-at "$(at -3hours)" \
	--cover "$D/documents/marac-cover.json" --keep "$D/bundles" --as d.green --as s.hall "$DATA/marac-notes.odt"
marac=$(sent)

say "7. Who they were for collects them, opens them, reads them, answers them"
as uhcw inbox
for row in csc:csc/mash:$letter:a.khan:accepted uhcw:uhcw/paediatrics:$minutes:j.patel:accepted wmp:wmp/ppu:$minutes:d.green:accepted csc:csc/mash:$marac:a.khan:accepted; do
	IFS=: read -r a m id person code <<<"$row"
	as "$a" open "$id" --mailbox "$m" --into "$D/clients/$a/in"
	as "$a" read "$id" --mailbox "$m" --as "$person"
	as "$a" answer "$id" --mailbox "$m" --as "$person" --code "$code"
done
as uhcw answer "$minutes" --mailbox uhcw/paediatrics --as j.patel --code done:1
cmp "$D/documents/interview.wav" "$D/clients/wmp/in/$minutes/interview.wav" && echo "   the recording that the police opened is the one that was sent, byte for byte"

say "8. The school is shut for days, as its calendar says: its deputy had the key at once, and its sender was told"
as schools inbox --mailbox schools/st-j.head
as schools open "$minutes" --mailbox schools/st-j.head --into "$D/clients/schools/in"
as schools read "$minutes" --mailbox schools/st-j.head --as m.brown
as csc inbox --mailbox csc/mash

say "9. The minutes of the second meeting do not come. Silence is noticed: the service manager's mailbox has the notice"
for _ in $(seq 100); do as_quiet csc inbox --mailbox csc/service-manager | grep -q notice && break; sleep 0.2; done
as csc inbox --mailbox csc/service-manager
notice=$(as_quiet csc --json inbox --mailbox csc/service-manager | /usr/bin/python3 -c 'import json, sys; print([i["id"] for i in json.load(sys.stdin)["items"] if i["class"] == "notice"][-1])')
as csc open "$notice" --mailbox csc/service-manager --into "$D/clients/csc/in"
as csc board --mailbox csc/mash

say "10. What became of them, as their senders see it"
{
	as uhcw track "$letter" --save "$D/evidence"
	as csc track "$minutes" --save "$D/evidence"
	as wmp track "$marac" --save "$D/evidence"
	as csc track "$sibling" --save "$D/evidence"
} | tee "$D/timeline.txt"
sed -i 's/\x1b\[[0-9;]*m//g' "$D/timeline.txt"
find "$D"/clients/*/state -name '*.evidence' -exec cp -n {} "$D/evidence/" \;
grep -q 'schools/st-j.dsl' "$D/timeline.txt" || { echo "the silence of the school is not in the timeline"; exit 1; }

say "11. The gateway is stopped; from here on nothing is asked of anybody. All evidence, by our verifier"
kill "$gateway"
wait "$gateway"
gateway=
safehand verify "$D"/evidence/*.evidence "$D"/bundles/*.shb --root "$D/root.pem" --log "$D/log.vkey" | tee "$D/verdicts.txt" | sed -n '1,6p'
[ "$(grep -c '^OK ' "$D/verdicts.txt")" = "$(wc -l <"$D/verdicts.txt")" ]
echo "   … $(wc -l <"$D/verdicts.txt") files, all OK"

say "12. And by stock openssl"
for b in "$D"/bundles/*.shb; do
	x=$D/parts/$(basename "$b" .shb)
	safehand inspect "$b" --extract "$x" >/dev/null
	openssl cms -verify -binary -inform DER -in "$x/signature.p7s" -content "$x/manifest.json" -CAfile "$D/root.pem" -purpose any -out /dev/null 2>"$x/openssl.log" ||
		{ cat "$x/openssl.log"; exit 1; }
done
echo "   openssl cms -verify: $(find "$D/bundles" -name "*.shb" | wc -l) bundles, all successful"
n=0
mkdir "$D/tokens"
/usr/bin/python3 - "$D/tokens" "$D"/evidence/*.evidence <<'EOT'
import base64, json, os, sys
for path in sys.argv[2:]:
    e = json.load(open(path))
    stem = os.path.join(sys.argv[1], os.path.basename(path))
    note = e["proof"].split("\n\n", 1)[1].split("\n\n", 1)[0] + "\n"
    open(stem + ".txt", "w").write(note)
    open(stem + ".der", "wb").write(base64.b64decode(e["timestamp"]))
EOT
for t in "$D"/tokens/*.der; do
	openssl ts -verify -token_in -in "$t" -data "${t%.der}.txt" -CAfile "$D/root.pem" -untrusted "$D/pki/trust/issuing.pem" >"$D/tokens/log" 2>&1 ||
		{ cat "$D/tokens/log"; exit 1; }
	n=$((n + 1))
done
echo "   openssl ts -verify: $n timestamps, all successful"
rm -rf "$D/tokens"

say "Done in $(($(date +%s) - began)) seconds"
cat <<EOT
   $D/bundles     the sealed bundles: nobody but their recipients can open them, the gateway cannot
   $D/evidence    a file for each thing that happened; safehand verify FILE --root root.pem --log log.vkey
   $D/timeline.txt
EOT
