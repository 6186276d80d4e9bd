#!/bin/sh
# mkpki.sh - makes the PKI of the tests and of the demo with the project's own pki scripts.
# usage: tests/mkpki.sh DIR [--plain]     (--plain: without the bad and the foreign certificates)
set -eu
D=$1
TOP=$(cd "$(dirname "$0")/.." && pwd)
P=$TOP/pki
export SAFEHAND_PKI="$D"
"$P/init" --dir "$D" --name "West Midlands"
for a in uhcw csc wmp schools; do
	"$P/issue" agency-tls $a
	"$P/issue" agency-sign $a
done
for m in uhcw/emergency uhcw/paediatrics csc/mash csc/duty csc/service-manager wmp/ppu schools/st-j.dsl schools/st-j.head; do
	"$P/issue" agency-seal $m
done
for n in uhcw/j.patel csc/a.khan csc/r.lee wmp/d.green wmp/s.hall schools/m.brown; do
	"$P/issue" person-sign $n
done
"$P/issue" gateway-tls localhost --dns localhost --ip 127.0.0.1
"$P/issue" gateway-sign gw
"$P/issue" gateway-sign gw-2
"$P/issue" tsa gw
"$P/issue" roster-sign admin
"$P/log-key" localhost/log
"$P/linking-key"
cat >"$D/members" <<'EOT'
agency uhcw "University Hospitals Coventry and Warwickshire" contact safeguarding@uhcw.example
mailbox uhcw/emergency "Emergency department" cover uhcw/paediatrics contact ed@uhcw.example
mailbox uhcw/paediatrics "Paediatrics" contact paediatrics@uhcw.example
agency csc "Coventry children's services" contact mash@coventry.example
mailbox csc/mash "Multi-agency safeguarding hub" contact mash@coventry.example
mailbox csc/duty "Duty social worker" contact duty@coventry.example
mailbox csc/service-manager "Service manager" contact manager@coventry.example
agency wmp "West Midlands Police" contact ppu@wmp.example area west-midlands
mailbox wmp/ppu "Public protection unit" contact ppu@wmp.example
agency schools "Coventry schools" contact schools@coventry.example
mailbox schools/st-j.dsl "St John's: designated safeguarding lead" cover schools/st-j.head contact dsl@st-j.example
mailbox schools/st-j.head "St John's: head teacher" contact head@st-j.example
class strategy-meeting-notice 1
class strategy-minutes 2
class discharge-letter 1
class marac-notes 2
class domestic-incident 1
class referral 1
class referral-outcome 1
class assessment 1
class case-conference-record 2
class paediatric-report 1
class missed-appointment 1
class measurement 1
class transfer-of-records 1
class case-discounted 2
class general 1
EOT
"$P/roster" --members "$D/members" --area Coventry
[ "${2:-}" != --plain ] || exit 0

# --- certificates that must be refused ---
B=$D/bad
mkdir -p "$B" "$D/scratch"
take() { cp "$D/certs/$1/uhcw.pem" "$B/$2-$1.pem"; cp "$D/certs/$1/uhcw.key" "$B/$2-$1.key"; }
for p in agency-tls agency-sign; do
	cp "$D/certs/$p/uhcw.pem" "$D/scratch/$p.pem"
	cp "$D/certs/$p/uhcw.key" "$D/scratch/$p.key"
	"$P/issue" --renew $p uhcw --not-before 2020-01-01T00:00:00Z --not-after 2021-01-01T00:00:00Z
	take $p expired
	"$P/issue" --renew $p uhcw --not-before 2090-01-01T00:00:00Z --not-after 2091-01-01T00:00:00Z
	take $p notyet
	"$P/issue" --renew $p uhcw --not-before 2026-01-01T00:00:00Z --not-after 2036-01-01T00:00:00Z # good for a while, then revoked
	take $p revoked
	"$P/revoke" "$B/revoked-$p.pem"
	rm "$D/certs/$p"/uhcw.*
	cp "$D/scratch/$p.pem" "$D/certs/$p/uhcw.pem"
	cp "$D/scratch/$p.key" "$D/certs/$p/uhcw.key"
	# self-made: the right names, its own issuer
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$B/selfmade-$p.key" -out "$B/selfmade-$p.pem" -days 30 \
		-subj "/CN=$p uhcw" -addext "subjectAltName=URI:safehand:agency/uhcw" -addext "keyUsage=critical,digitalSignature" -addext "basicConstraints=critical,CA:FALSE" 2>/dev/null
done
rm -rf "$D/scratch"
# a whole other PKI, with the same names
export SAFEHAND_PKI="$D/foreign"
"$P/init" --dir "$D/foreign" --name "West Midlands"
"$P/issue" gateway-tls localhost --dns localhost --ip 127.0.0.1
"$P/issue" agency-tls uhcw
"$P/issue" agency-sign uhcw
"$P/issue" person-sign uhcw/j.patel
"$P/issue" agency-seal uhcw/emergency
"$P/issue" roster-sign admin
"$P/issue" tsa gw
"$P/log-key" localhost/log
sed -n '1,2p' "$D/members" | sed 's/ cover [^ ]*//' >"$D/foreign/members"
"$P/roster" --members "$D/foreign/members"
