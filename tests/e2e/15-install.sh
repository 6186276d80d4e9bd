#!/bin/sh
# 15-install.sh - make install into a folder of its own; a program against the installed library; a manual page for
# each program; what is exported; uninstall leaves nothing.
set -u
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
TOP=${TOP:-.}
BUILD=${BUILD:-build}
P=/opt/safehand
R=$T$P
passed=0 failed=0
ok() { # description, command...
	what=$1
	shift
	if "$@" >"$T/out" 2>&1; then passed=$((passed + 1)); echo "ok - $what"; else failed=$((failed + 1)); echo "not ok - $what"; sed 's/^/  # /' "$T/out"; fi
}
# what is installed is the ordinary build, whatever build is being tested
mk() { env -u MAKEFLAGS -u SAN -u COVERAGE make -s -C "$TOP" BUILD=build DESTDIR="$T" PREFIX=$P "$@"; }
exports() { nm -D --defined-only "$R/lib/libsafehand.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }'; }
pages() { # every program has its page
	for b in "$R"/bin/* "$R"/sbin/* "$R"/libexec/safehand/safehand*; do
		n=$(basename "$b")
		[ -e "$R/share/man/man1/$n.1" ] || [ -e "$R/share/man/man8/$n.8" ] || { echo "no manual page: $n"; return 1; }
	done
}
[ -e "$BUILD/test-pki/trust/root.pem" ] || "$TOP/tests/mkpki.sh" "$BUILD/test-pki" >/dev/null || exit 1
export LD_LIBRARY_PATH="$R/lib" PKG_CONFIG_PATH="$R/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$T"

ok "make install" mk install
for f in sbin/safehandd sbin/safehandctl libexec/safehand/safehand-front libexec/safehand/safehand-store \
	libexec/safehand/safehand-notary libexec/safehand/safehand-courier lib/libsafehand.a lib/libsafehand.so lib/libsafehand.so.0 \
	include/safehand/manifest.h share/doc/safehand/examples/safehand.conf share/doc/safehand/examples/calendars/england-wales.ics lib/systemd/system/safehandd.service \
	lib/sysusers.d/safehand.conf lib/tmpfiles.d/safehand.conf share/man/man5/safehand.conf.5 share/man/man5/safehand-classes.5; do
	ok "there: $f" test -s "$R/$f"
done
ok "safehandd starts where it was put" "$R/sbin/safehandd" -V
ok "safehandctl tells its usage" "$R/sbin/safehandctl" --help
ok "the unit names the installed paths" grep -q "^ExecStart=$P/sbin/safehandd" "$R/lib/systemd/system/safehandd.service"
if [ -x /usr/bin/systemd-analyze ]; then
	mkdir -p "$T/unit"
	sed -e '/^Documentation=/d' -e "s|$P/|$R/|" "$R/lib/systemd/system/safehandd.service" >"$T/unit/safehandd.service"
	ok "systemd takes the unit" sh -c "systemd-analyze verify '$T/unit/safehandd.service' 2>&1 | grep '$T/unit' | if grep .; then exit 1; fi"
fi
ok "pki scripts make a PKI" "$R/bin/safehand-pki" init --dir "$T/pki" --name Test
ok "every program has its manual page" pages

cat >"$T/prog.c" <<'C'
#include <stdio.h>
#include <safehand/err.h>
#include <safehand/name.h>

int
main(void)
{
	char id[UUID_TEXT];

	uuid_new(id, 1700000000000);
	return !(uuid_is_v7(id) && name_is_mailbox("uhcw/emergency") && puts(err_title(ERR_SIGNATURE)) >= 0);
}
C
# shellcheck disable=SC2046
ok "a program is built by pkg-config" gcc -Wall -Werror -o "$T/prog" "$T/prog.c" $(pkg-config --cflags --libs libsafehand)
ok "it runs" "$T/prog"
ok "it is bound to the soname" sh -c "readelf -d '$T/prog' | grep -q 'NEEDED.*libsafehand.so.0'"
# a hospital's program, which seals bundles and opens them by public headers alone: with the shared library, and the static
build() { # program, flags...
	to=$T/$1
	shift
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Werror -o "$to" "$TOP/tests/bench/bench_bundle.c" "$@"
}
seals() { mkdir "$T/$1.d" && PKI=$BUILD/test-pki "$T/$1" "$T/$1.d" 1 && grep -q '"bench":"open","bytes":1048576' "$T/out"; }
mkdir "$T/only" && cp "$R/lib/libsafehand.a" "$T/only"
# shellcheck disable=SC2046
ok "a sealing program, shared" build shared $(pkg-config --cflags --libs libsafehand)
# shellcheck disable=SC2046
ok "a sealing program, static" build static $(pkg-config --cflags libsafehand) -L"$T/only" \
	$(pkg-config --libs libsafehand $(sed -n 's/^Requires.private: //p' "$R/lib/pkgconfig/libsafehand.pc"))
ok "the static one needs no library of ours" sh -c "! readelf -d '$T/static' | grep libsafehand"
ok "the shared one seals and opens" seals shared
ok "the static one seals and opens" seals static
exports >"$T/exports"
ok "public functions are exported" grep -qx manifest_parse "$T/exports"
ok "inner functions are not" sh -c "! grep -E '^openssl_' '$T/exports'"
ok "every export stands in a public header" sh -c "for s in \$(cat '$T/exports'); do grep -qw \$s '$R'/include/safehand/*.h || { echo \$s; exit 1; }; done"
ok "every header compiles on its own" sh -c "for h in '$R'/include/safehand/*.h; do echo \"#include <safehand/\${h##*/}>\" | gcc -D_GNU_SOURCE -fsyntax-only -Wall -Werror -I'$R/include' -x c - || exit 1; done"
ok "make uninstall" mk uninstall
ok "nothing is left" sh -c "find '$R' ! -type d | if grep .; then exit 1; fi"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
