# common.sh - what every pki script stands on; sourced, not run. State: one folder (--dir or $SAFEHAND_PKI).
# Trusts: openssl, and what lies in the state folder. A script that fails leaves nothing half-made: files are
# written beside their place and renamed, under one lock.
# shellcheck shell=sh
set -eu
umask 077
PROG=pki/$(basename "$0")
# Private object identifiers under a UUID arc (ITU-T X.667): nobody else can have it.
ARC=2.25.306450688074897223438439316723139715727
DIR=${SAFEHAND_PKI:-}
TMP=

die() { printf '%s: %s\n' "$PROG" "$*" >&2; exit 1; }
bad_usage() { printf '%s: %s; see %s --help\n' "$PROG" "$*" "$PROG" >&2; exit 2; }
# The lines of the script's own card, from "usage:" on.
help_exit() { sed -n '/^# usage:/,/^$/s/^# \{0,1\}//p' "$0"; exit 0; }
is_word() { printf '%s\n' "$1" | LC_ALL=C grep -Eq '^[a-z0-9][a-z0-9-]{0,30}$'; }
is_pair() { printf '%s\n' "$1" | LC_ALL=C grep -Eq '^[a-z0-9][a-z0-9-]{0,30}/[a-z0-9][a-z0-9.-]{0,62}$'; }

open_state() {
	[ -n "$DIR" ] || bad_usage "which state folder? give --dir DIR or set SAFEHAND_PKI"
	[ -d "$DIR" ] || die "$DIR: no such folder; make it with pki/init --dir $DIR --name NAME"
	DIR=$(cd "$DIR" && pwd)
	mkdir "$DIR/.lock" 2>/dev/null || die "$DIR/.lock: another script is at work here (remove it if none is)"
	trap cleanup EXIT
	trap 'exit 1' INT TERM HUP
	TMP=$(mktemp -d "$DIR/.tmp.XXXXXX")
}
cleanup() {
	[ -z "$TMP" ] || rm -rf "$TMP"
	rmdir "$DIR/.lock" 2>/dev/null || :
}

# now as the index of openssl-ca(1) writes times
index_time() { openssl x509 -in "$1" -noout -enddate -dateopt iso_8601 | sed 's/^notAfter=..//; s/[-: ]//g'; }
fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr 'A-F' 'a-f'; }
serial_of() { openssl x509 -in "$1" -noout -serial | sed 's/.*=//'; }
file_name() { printf '%s' "$1" | tr / _; }

# ca_conf CA: a configuration for openssl-ca(1) with the index of that CA
ca_conf() {
	cat <<EOT
[ca]
default_ca = it
[it]
database = $DIR/$1/index.txt
crlnumber = $DIR/$1/crlnumber
certificate = $DIR/$1/$1.pem
private_key = $DIR/$1/$1.key
default_md = sha256
crl_extensions = crl_ext
policy = any
unique_subject = no
new_certs_dir = $TMP
email_in_dn = no
[any]
commonName = supplied
[crl_ext]
authorityKeyIdentifier = keyid
EOT
}

# make_crl CA days|until: rewrites the CRL of CA; until is YYYYMMDDHHMMSSZ
make_crl() {
	ca_conf "$1" >"$TMP/$1.cnf"
	case $2 in
	*Z) set -- "$1" -crl_nextupdate "$2" ;;
	*) set -- "$1" -crldays "$2" ;;
	esac
	openssl ca -config "$TMP/$1.cnf" -gencrl "$2" "$3" ${PASS:+-passin "file:$PASS"} -out "$TMP/$1.crl" 2>"$TMP/err" ||
		die "$1: no CRL: $(tail -n 1 "$TMP/err")"
	mv "$TMP/$1.crl" "$DIR/$1/$1.crl"
	publish
}

# trust/: what relying parties are given
publish() {
	mkdir -p "$DIR/trust"
	cat "$DIR"/*/root.crl "$DIR"/issuing/issuing.crl >"$TMP/crl.pem" 2>/dev/null || return 0
	chmod 644 "$TMP/crl.pem"
	mv "$TMP/crl.pem" "$DIR/trust/crl.pem"
}

# want_word FILE: it holds a passphrase, in one line that is not empty
want_word() {
	[ -r "$1" ] || die "--passphrase-file $1: cannot be read"
	[ "$(head -n 1 "$1" | tr -d '\r\n' | wc -c)" -gt 0 ] || die "--passphrase-file $1: want a passphrase in its first line"
}
# new_key OUT [genpkey's arguments]: a key, under the passphrase in $WORD if there is one; it never is on disk without
new_key() {
	out=$1
	shift
	if [ -n "$WORD" ]; then
		openssl genpkey "$@" | openssl pkcs8 -topk8 -scrypt -passout "file:$WORD" -out "$out"
	else
		openssl genpkey "$@" -out "$out"
	fi
}

# index_add CA CERT: the line by which openssl-ca(1) knows a certificate for revocation
index_add() {
	printf 'V\t%s\t\t%s\tunknown\t%s\n' "$(index_time "$2")" "$(serial_of "$2")" \
		"$(openssl x509 -in "$2" -noout -subject -nameopt compat | sed 's/^subject=//; s/\t/ /g')" >>"$DIR/$1/index.txt"
}

# profile NAME -> KIND (agency, mailbox, person, gateway, tsa, roster), EKU, USAGE, DAYS
profile() {
	USAGE=digitalSignature DAYS=730
	# shellcheck disable=SC2034 # whoever sources this uses them
	case $1 in
	agency-tls) KIND=agency EKU="clientAuth, $ARC.1.1" ;;
	agency-seal) KIND=mailbox EKU="$ARC.1.2" USAGE=keyAgreement ;;
	agency-sign) KIND=agency EKU="$ARC.1.3" ;;
	person-sign) KIND=person EKU="$ARC.1.4" ;;
	gateway-tls) KIND=gateway EKU="serverAuth, $ARC.1.5" DAYS=397 ;;
	gateway-sign) KIND=gateway EKU="$ARC.1.6" ;;
	tsa) KIND=tsa EKU="critical, timeStamping" DAYS=3650 ;; # outlives the evidence that it stamps
	roster-sign) KIND=roster EKU="$ARC.1.8" ;;
	*) die "$1: no such profile; there are agency-tls agency-seal agency-sign person-sign gateway-tls gateway-sign tsa roster-sign" ;;
	esac
}

# extensions PROFILE NAME [dns] [ip]: the extension section of one leaf
extensions() {
	cat <<EOT
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, $USAGE
extendedKeyUsage = $EKU
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = @san
[san]
URI.1 = safehand:$KIND/$2
EOT
	n=0
	for h in $3; do n=$((n + 1)); echo "DNS.$n = $h"; done
	n=0
	for h in $4; do n=$((n + 1)); echo "IP.$n = $h"; done
}
