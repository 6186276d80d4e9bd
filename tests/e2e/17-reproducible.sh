#!/bin/sh
# 17-reproducible.sh - the same sources in another folder, built again: the same bytes.
set -u
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
TOP=${TOP:-.}
BUILD=${BUILD:-build}
case $BUILD in
*-san | *-cov) echo "# skipped: only the ordinary build is given to anybody"; exit 0 ;;
esac
D="$T/another folder's depth/much deeper than the first"
mkdir -p "$D"
D=$(echo "$D" | tr -d "' ")
mkdir -p "$D"
(cd "$TOP" && git ls-files -z | xargs -0 cp --parents -t "$D") || exit 1
env -u MAKEFLAGS -u SAN -u COVERAGE -u CCACHE_BASEDIR CCACHE_DISABLE=1 make -s -j2 -C "$D" BUILD=out all >"$T/log" 2>&1 || { tail -n 5 "$T/log"; echo "not ok - it builds elsewhere"; exit 1; }
passed=0 failed=0
for b in "$BUILD"/bin/safehand* "$BUILD/lib/libsafehand.a"; do
	other=$D/out/${b#"$BUILD"/}
	if cmp "$b" "$other" >"$T/said" 2>&1; then passed=$((passed + 1)); echo "ok - ${b##*/}: the same bytes"; else failed=$((failed + 1)); echo "not ok - ${b##*/}: $(cat "$T/said")"; fi
done
# the check itself: another source is other bytes
printf '\n/* one line more */\nint one_line_more;\n' >>"$D/lib/time.c"
env -u MAKEFLAGS -u SAN -u COVERAGE CCACHE_DISABLE=1 make -s -C "$D" BUILD=out out/lib/libsafehand.a >/dev/null 2>&1
if cmp -s "$BUILD/lib/libsafehand.a" "$D/out/lib/libsafehand.a"; then failed=$((failed + 1)); echo "not ok - a changed source is seen"; else passed=$((passed + 1)); echo "ok - a changed source is seen"; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
