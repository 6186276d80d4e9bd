#!/bin/sh
# coverage.sh - lines of lib/ that a run of the unit tests built with COVERAGE=1 went through. Run by make coverage.
# usage: tests/coverage.sh BUILD-FOLDER MINIMUM-PER-CENT
set -eu
B=$1 MIN=$2
for c in lib/*.c; do
	o=$B/obj/lib/$(basename "$c" .c)
	if [ -e "$o.gcda" ]; then
		gcov -n -o "$o.gcno" "$c" 2>/dev/null
	else # no test's binary even holds it
		printf "File '%s'\nLines executed:0.00%% of %s\n" "$c" "$(gcov -n -o "$o.gcno" "$c" 2>/dev/null | sed -n '/^Lines/s/.* of //p' | head -1)"
	fi
done | awk -v min="$MIN" '
	/^File / { split($0, f, "\047"); file = f[2] }
	/^Lines executed:/ && file ~ /^lib\// {
		split($0, a, /[:% ]+/)
		lines = $NF; per = a[3]
		if (!(file in seen)) { seen[file] = 1; n[file] = lines; p[file] = per; all += lines; hit += lines * per / 100 }
	}
	{ if (/^Lines executed:/) file = "" }
	END {
		if (all == 0) { print "no coverage data"; exit 1 }
		for (i in n) printf "%6.1f %%  %5d lines  %s\n", p[i], n[i], i | "sort -n"
		close("sort -n")
		printf "%6.1f %%  %5d lines  all of lib/, wanted %d %%\n", 100 * hit / all, all, min
		exit 100 * hit / all < min
	}'
