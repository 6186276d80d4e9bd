#!/bin/sh
# threats.sh - each row of SECURITY.md's threats names tests that are there. Run by make check.
set -eu
cd "$(dirname "$0")/.."
T=$(mktemp)
trap 'rm -f "$T"' EXIT
sed -n '/^| threat /,/^$/p' SECURITY.md | sed '1,2d;/^$/d' >"$T"
bad=0 named=0
while IFS= read -r row; do
	tests=$(printf '%s\n' "$row" | awk -F'|' '{ n = split($4, part, "\140"); for (i = 2; i <= n; i += 2) print part[i] }')
	[ -n "$tests" ] || { echo "SECURITY.md: no test: $row"; bad=1; continue; }
	while IFS= read -r t; do
		file=${t%%: *} name=${t#*: }
		named=$((named + 1))
		if [ -z "$(git ls-files "$file")" ]; then
			echo "SECURITY.md: $file: no such test"
			bad=1
		elif [ "$name" != "$t" ] && ! grep -qE "(cmocka_unit_test|T)\($name\)|cmocka_unit_test_setup_teardown\($name," "$file"; then
			echo "SECURITY.md: $file: runs no $name"
			bad=1
		fi
	done <<-EOT
		$tests
	EOT
done <"$T"
[ "$named" -gt 0 ] || { echo "SECURITY.md: no threats were found"; bad=1; }
[ "$bad" = 0 ] && echo "threats: $named tests are named, and are there"
exit "$bad"
