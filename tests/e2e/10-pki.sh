#!/bin/sh
# 10-pki.sh - every verb of pki/, every refusal, judged by stock openssl.
set -u
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
P=${TOP:-.}/pki
D=$T/state
export SAFEHAND_PKI="$D"
passed=0 failed=0
ok() { # description, command...
	what=$1
	shift
	if "$@" >"$T/out" 2>&1; then passed=$((passed + 1)); echo "ok - $what"; else failed=$((failed + 1)); echo "not ok - $what"; sed 's/^/  # /' "$T/out"; fi
}
# refused with a sentence that holds the words, and the state unchanged
refused() { # description, words, command...
	what=$1 words=$2
	shift 2
	before=$(find "$D" -type f -exec cksum {} + 2>/dev/null | sort)
	if "$@" >"$T/out" 2>&1; then r="not refused"; elif ! grep -q -- "$words" "$T/out"; then r="another reason"; else r=; fi
	[ "$before" = "$(find "$D" -type f -exec cksum {} + 2>/dev/null | sort)" ] || r="$r, state changed"
	if [ -z "$r" ]; then passed=$((passed + 1)); echo "ok - $what"; else failed=$((failed + 1)); echo "not ok - $what: $r"; sed 's/^/  # /' "$T/out"; fi
}
verify() { openssl verify -x509_strict -CAfile "$D/trust/root.pem" -untrusted "$D/trust/issuing.pem" -CRLfile "$D/trust/crl.pem" -crl_check_all "$@"; }

for v in init issue renew revoke crl show roster linking-key log-key; do
	ok "$v --help tells its usage" sh -c "'$P/$v' --help | grep -q '^usage: pki/$v'"
done
ok "init makes a root and an issuing CA" "$P/init" --dir "$D" --name Test
refused "init does not overwrite" "there is a PKI already" "$P/init" --dir "$D" --name Test
ok "the issuing CA leads to the root" openssl verify -x509_strict -CAfile "$D/trust/root.pem" "$D/trust/issuing.pem"
for row in "agency-tls uhcw" "agency-sign uhcw" "agency-seal uhcw/ed" "person-sign uhcw/j.patel" "gateway-sign gw" "tsa gw" "roster-sign admin"; do
	# shellcheck disable=SC2086 # two words
	ok "issue $row" "$P/issue" $row
done
ok "issue gateway-tls with its names" "$P/issue" gateway-tls gw --dns gw.example --ip 127.0.0.1
for c in "$D"/certs/*/*.pem; do
	ok "stock openssl accepts ${c#"$D"/certs/}" verify "$c"
	ok "show calls it good" "$P/show" "$c"
done
ok "the sealing key is X25519" sh -c "openssl x509 -in '$D/certs/agency-seal/uhcw_ed.pem' -noout -text | grep -q 'Public-Key:' && openssl x509 -in '$D/certs/agency-seal/uhcw_ed.pem' -noout -text | grep -q X25519"
ok "the key belongs to the certificate" sh -c "[ \"\$(openssl pkey -in '$D/certs/agency-seal/uhcw_ed.key' -pubout)\" = \"\$(openssl x509 -in '$D/certs/agency-seal/uhcw_ed.pem' -noout -pubkey)\" ]"
ok "keys are for the owner only" sh -c "[ -z \"\$(find '$D' -name '*.key' -perm /077)\" ]"
refused "a second one of the same name" "use pki/renew" "$P/issue" agency-tls uhcw
refused "an unknown profile" "no such profile" "$P/issue" agency-fax uhcw
refused "a name with a capital" "want" "$P/issue" agency-tls UHCW
refused "a mailbox without a role" "agency/name" "$P/issue" agency-seal uhcw
refused "an agency called gateway" "reserved" "$P/issue" agency-sign gateway
refused "a mailbox of an agency called gateway" "reserved" "$P/issue" agency-seal gateway/notices
refused "gateway-tls without a name to check" "wants --dns" "$P/issue" gateway-tls other
refused "days that are no number" "whole number" "$P/issue" agency-tls csc --days soon

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/k" -subj /CN=whatever -out "$T/csr" 2>/dev/null
ok "issue from a request" "$P/issue" agency-tls csc --csr "$T/csr"
ok "it has the request's key" sh -c "[ \"\$(openssl pkey -in '$T/k' -pubout)\" = \"\$(openssl x509 -in '$D/certs/agency-tls/csc.pem' -noout -pubkey)\" ]"
openssl req -in "$T/csr" -outform DER -out "$T/der"
size=$(wc -c <"$T/der")
head -c $((size - 4)) "$T/der" >"$T/der2"
printf 'abcd' >>"$T/der2"
openssl req -inform DER -in "$T/der2" -out "$T/forged" 2>/dev/null
refused "a request whose signature does not hold" "not proven" "$P/issue" agency-tls wmp --csr "$T/forged"
openssl genpkey -algorithm X25519 -out "$T/xk"
openssl pkey -in "$T/xk" -pubout -out "$T/xpub"
sign() { openssl cms -sign -nodetach -binary -outform DER -in "$T/xpub" -signer "$D/certs/$1.pem" -inkey "$D/certs/$1.key" -out "$T/$2"; }
sign agency-sign/uhcw good.p7m
sign agency-tls/uhcw tls.p7m
ok "issue agency-seal from a signed request" "$P/issue" agency-seal uhcw/ward --request "$T/good.p7m"
refused "a request for another agency's mailbox" "not signed by agency csc" "$P/issue" agency-seal csc/mash --request "$T/good.p7m"
refused "a request signed by a TLS certificate" "agency-sign" "$P/issue" agency-seal uhcw/other --request "$T/tls.p7m"
refused "an X25519 mailbox by PKCS#10" "use --request" "$P/issue" agency-seal uhcw/other --csr "$T/csr"

ok "log-key" "$P/log-key" test.example/log
ok "linking-key" "$P/linking-key"
refused "a second linking key" "there is one already" "$P/linking-key"
refused "a second log key" "there is a log key already" "$P/log-key" other.example/log
printf 'agency uhcw "Hospital \\"x\\" \303\251" contact a@b\nmailbox uhcw/ed "Emergency" cover uhcw/ward\nmailbox uhcw/ward "Ward"\nclass general 1\n' >"$T/members"
sed -i 's/\\"x\\"/x/' "$T/members"
ok "roster" "$P/roster" --members "$T/members"
ok "it is JSON that names its parts" grep -q '"title":"Hospital x' "$D/roster.json"
n=$(od -An -tu1 -j4 -N4 "$D/roster.shr" | awk '{ print $1 * 16777216 + $2 * 65536 + $3 * 256 + $4 }')
tail -c +13 "$D/roster.shr" | head -c "$n" >"$T/content"
tail -c +$((13 + n)) "$D/roster.shr" >"$T/sig"
ok "stock openssl accepts its signature" openssl cms -verify -binary -inform DER -in "$T/sig" -content "$T/content" -CAfile "$D/trust/root.pem" -purpose any -cades -out /dev/null
ok "renew keeps the old certificate" "$P/renew" agency-seal uhcw/ed
ok "both are valid" sh -c "ls '$D'/certs/agency-seal/uhcw_ed.*.pem"
ok "the next roster lists both" sh -c "'$P/roster' --members '$T/members' && grep -o '\"name\":\"uhcw/ed\"[^]]*' '$D/roster.json' | grep -q '\",\"[A-Za-z0-9+/=]*\"$'"
ok "its serial is one more" grep -q '"serial":2' "$D/roster.json"
members() { printf '%b' "$1" >"$T/bad"; }
members 'agency uhcw "H"\nmailbox uhcw/none "N"\n'
refused "a mailbox without a certificate" "bad:2: uhcw/none: has no valid certificate" "$P/roster" --members "$T/bad"
members 'agency uhcw "H"\nmailbox uhcw/ed "E" cover uhcw/ward\nmailbox uhcw/ward "W" cover uhcw/ed\n'
refused "a cover that leads back" "leads back to itself" "$P/roster" --members "$T/bad"
members 'agency uhcw "H"\nmailbox uhcw/ed "E" cover uhcw/gone\n'
refused "a cover that is no mailbox" "is no mailbox" "$P/roster" --members "$T/bad"
members 'agency uhcw "H"\nagency uhcw "H"\n'
refused "an agency given twice" "bad:2: agency uhcw: given twice" "$P/roster" --members "$T/bad"
members 'agency gateway "G"\n'
refused "an agency called gateway" "bad:1: agency gateway: the name is reserved" "$P/roster" --members "$T/bad"
members 'mailbox uhcw/ed "E"\n'
refused "a mailbox before its agency" "is not named above" "$P/roster" --members "$T/bad"
members 'fax 024\n'
refused "a line of another kind" "want agency, mailbox or class" "$P/roster" --members "$T/bad"

# --- keys under a passphrase ---
echo "open sesame" >"$T/word"
echo "another" >"$T/word2"
echo >"$T/no-word"
fits() { [ "$(openssl pkey -in "$1" -passin "file:$T/word" -pubout)" = "$(openssl x509 -in "$2" -noout -pubkey)" ]; }
ok "a gateway's key under a passphrase" "$P/issue" tsa gw2 --passphrase-file "$T/word"
ok "it is of scrypt" sh -c "openssl asn1parse -in '$D/certs/tsa/gw2.key' | grep -q ':scrypt' && grep -q 'BEGIN ENCRYPTED PRIVATE KEY' '$D/certs/tsa/gw2.key'"
ok "the passphrase opens it, and it is the certificate's" fits "$D/certs/tsa/gw2.key" "$D/certs/tsa/gw2.pem"
ok "another does not" sh -c "! openssl pkey -in '$D/certs/tsa/gw2.key' -passin 'file:$T/word2' -noout"
ok "the same with its own times" "$P/issue" gateway-tls gw2 --dns gw --not-before 2026-01-01T00:00:00Z --not-after 2036-01-01T00:00:00Z --passphrase-file "$T/word"
ok "renewed under a passphrase" "$P/renew" tsa gw2 --passphrase-file "$T/word"
ok "keys under a passphrase are for the owner only" sh -c "[ -z \"\$(find '$D' -name '*.key' -perm /077)\" ]"
refused "an empty passphrase" "want a passphrase in its first line" "$P/issue" tsa gw3 --passphrase-file "$T/no-word"
refused "no passphrase file" "cannot be read" "$P/issue" tsa gw3 --passphrase-file "$T/none"
refused "a passphrase for another's key" "made here" "$P/issue" gateway-sign gw3 --csr "$T/csr" --passphrase-file "$T/word"
refused "a passphrase for a member's key" "safehand enroll" "$P/issue" agency-tls wmp --passphrase-file "$T/word"
refused "a log key under an empty passphrase" "want a passphrase" "$P/log-key" other.example/log --passphrase-file "$T/no-word"
mv "$D/log" "$T/log"
ok "a log key under a passphrase" "$P/log-key" test.example/log --passphrase-file "$T/word"
openssl pkey -in "$D/log/test.example_log.key" -passin "file:$T/word" -pubout -outform DER | tail -c 32 >"$T/raw"
ok "its verifier key is its own" sh -c "[ \"\$({ printf '\\001'; cat '$T/raw'; } | openssl base64 -A)\" = \"\$(sed 's/^[^+]*+[^+]*+//' '$D/log/log.vkey')\" ]"
rm -r "$D/log"
mv "$T/log" "$D/log"
ok "a roster's key under a passphrase" "$P/issue" roster-sign second --passphrase-file "$T/word"
refused "a roster without it" "give --passphrase-file" "$P/roster" --members "$T/members" --as second
refused "a roster with another" "not signed" "$P/roster" --members "$T/members" --as second --passphrase-file "$T/word2"
ok "a roster with it" "$P/roster" --members "$T/members" --as second --passphrase-file "$T/word"

ok "revoke" "$P/revoke" agency-tls uhcw
ok "stock openssl refuses it now" sh -c "! openssl verify -CAfile '$D/trust/root.pem' -untrusted '$D/trust/issuing.pem' -CRLfile '$D/trust/crl.pem' -crl_check_all '$D/certs/agency-tls/uhcw.pem'"
refused "show says revoked" "certificate revoked" "$P/show" "$D/certs/agency-tls/uhcw.pem"
refused "revoke again" "revoked already" "$P/revoke" agency-tls uhcw
refused "revoke what was not issued here" "not issued here" "$P/revoke" "$D/trust/root.pem"
ok "issue after a revocation" "$P/issue" agency-tls uhcw
ok "crl" "$P/crl" --days 7
ok "the root's crl" "$P/crl" --root
mv "$D/root/root.key" "$T/away"
ok "everything but the root's own goes on without its key" sh -c "'$P/issue' agency-tls wmp && '$P/crl' && '$P/revoke' agency-tls wmp"
refused "the root's crl without its key" "the key is not here" "$P/crl" --root
mkdir "$D/.lock"
refused "two scripts at once" "another script is at work" "$P/crl"
rmdir "$D/.lock"
refused "no such state folder" "no such folder" "$P/crl" --dir "$T/none"
ok "nothing half-made is left" sh -c "! ls -d '$D'/.tmp.* 2>/dev/null"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
