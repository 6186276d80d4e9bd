#!/bin/sh
# manuals.sh - manual pages against the programs: every option, command and setting has its entry in its page and the
# other way round; mandoc finds no fault. Run by make check. usage: tests/manuals.sh BIN-FOLDER
set -eu
cd "$(dirname "$0")/.."
BIN=$1
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
bad=0
same() { # what, file of what is, file of what its page says
	sort -u "$2" >"$T/is"
	sort -u "$3" >"$T/told"
	[ -s "$T/is" ] || { echo "$1: nothing to compare was found"; bad=1; }
	comm -23 "$T/is" "$T/told" | sed "s|^|$1: not in the manual page: |" >"$T/diff"
	comm -13 "$T/is" "$T/told" | sed "s|^|$1: in the manual page only: |" >>"$T/diff"
	[ ! -s "$T/diff" ] || { cat "$T/diff"; bad=1; }
}
options() { # program, page: "-x, --long" of --help are ".It Fl x , Fl -long"
	"$BIN/$1" --help | sed -n 's/^  -\([a-zA-Z]\), --\([a-z-]*\).*/\1 \2/p' >"$T/a"
	sed -n 's/^\.It Fl \([a-zA-Z]\) , Fl -\([a-z-]*\).*/\1 \2/p' "$2" >"$T/b"
	same "$1" "$T/a" "$T/b"
}

options safehandd gateway/master/safehandd.8
options safehandctl gateway/ctl/safehandctl.8
"$BIN/safehandctl" --help | sed -n '/^commands:/,$s/^  \([a-z][a-z]*\)\( .*\)\{0,1\}$/\1/p' >"$T/a"
sed -n '/^\.Sh COMMANDS/,/^\.Sh FILES/s/^\.It Cm \([a-z]*\).*/\1/p' gateway/ctl/safehandctl.8 >"$T/b"
same "safehandctl's commands" "$T/a" "$T/b"

# settings: the rows of the table, with the short names of sections that it defines
sed -n 's/^#define \([A-Z]\) "\([a-z]*\)"/s|^\1 |\2 |/p' gateway/frame/settings.c >"$T/short"
sed -n 's/^ *{\([A-Z]\|"[a-z]*"\), "\([a-z-]*\)", CONF_.*/\1 \2/p' gateway/frame/settings.c | tr -d '"' | sed -f "$T/short" >"$T/a"
[ "$(wc -l <"$T/a")" = "$(grep -c ', CONF_[A-Z]*, \(true\|false\), ' gateway/frame/settings.c | awk '{ print $1 - 1 }')" ] ||
	{ echo "settings.c: rows are written in another way than this script reads"; bad=1; }
awk '/^\.Ss / { s = $2 } /^\.Sh / { s = "" } /^\.It Cm / && s != "" { print s, $3 }' gateway/frame/safehand.conf.5 >"$T/b"
same settings "$T/a" "$T/b"

# classes that are shipped, and the fields that they can require
entries() { awk -v s="$1" '/^\.Sh / { in_it = $2 == s } /^\.It Cm / && in_it { print $3 }' gateway/frame/safehand-classes.5; }
sed -n 's/^\[class "\(.*\)"\]$/\1/p' conf/classes.conf >"$T/a"
entries CLASSES >"$T/b"
same classes "$T/a" "$T/b"
sed -n '/^} needs\[\]/,/^};/s/^    {"\([a-z.-]*\)", .*/\1/p' lib/cover_need.c >"$T/a"
entries FIELDS >"$T/b"
same fields "$T/a" "$T/b"

: >"$T/a"
for v in init issue renew revoke crl roster log-key linking-key show; do
	"pki/$v" --help | grep -oE -- '--[a-z-]+' | sed "s/^-/$v /" >>"$T/a"
done
awk '/^\.Ss / { v = $2 } /^\.Sh / { v = "" } /^\.It Fl -/ && v != "" { print v, $3 }' pki/safehand-pki.1 >"$T/b"
same pki "$T/a" "$T/b"

# the client's commands that have a page of their own
# the client: options of each command, settings
: >"$T/a"
for c in $("$BIN/safehand" --help | sed -n '/^With every command/q; s/^  \([a-z]*\) .*/\1/p'); do
	echo "$c" >>"$T/a"
	"$BIN/safehand" "$c" --help | sed -n "s/^  --\([a-z-]*\).*/$c -\1/p" >>"$T/a"
done
awk '/^\.Sh / { in_it = $2 == "COMMANDS" } /^\.Ss / && in_it { v = $2; print v } /^\.It Fl -/ && in_it { print v, $3 }' \
	client/safehand.1 >"$T/b"
same "safehand's options" "$T/a" "$T/b"
sed -n 's/^#define \([A-Z]\) *"\([a-z]*\)"/s|^\1 |\2 |/p' client/settings.c | tr -d '\t' >"$T/short"
sed -n 's/^ *{\([A-Z]\), "\([a-z-]*\)", CONF_.*/\1 \2/p' client/settings.c | sed -f "$T/short" >"$T/a"
awk '/^\.Ss Section / { s = $3 } /^\.Sh / { s = "" } /^\.It Cm / && s != "" { print s, $3 }' client/safehand.1 >"$T/b"
same "safehand's settings" "$T/a" "$T/b"

for page in $(git ls-files 'client/safehand-*.1'); do
	v=${page#client/safehand-}
	"$BIN/safehand" "${v%.1}" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p' >"$T/a"
	sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' "$page" >"$T/b"
	same "safehand ${v%.1}" "$T/a" "$T/b"
done

for page in $(git ls-files 'gateway/*' 'client/*' 'pki/*' 'lib/*' | grep '\.[1-8]$'); do
	# STYLE is taste; pages that are referred to lie in other folders until they are installed
	mandoc -Tlint -Wwarning "$page" || bad=1
done
[ "$bad" = 0 ] && echo "manuals: say what the programs do"
exit "$bad"
