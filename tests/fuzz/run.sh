#!/bin/sh
# run.sh - one fuzzer for a while, then what it has covered of the files that it is there for.
# usage: run.sh NAME BUILD SECONDS CLANG ARGS FILE...   (CLANG: empty without libFuzzer; ARGS: of the fuzzer's own main)
set -eu
name=$1 build=$2 seconds=$3 clang=$4 args=$5
shift 5
found=$build/fuzz/found/$name
mkdir -p "$found" "$build/fuzz/seeds/$name" "tests/fuzz/corpus/$name"
if [ -n "$clang" ]; then
	log=$build/fuzz/$name.log
	"$build/fuzz/$name" -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$build/fuzz/$name-" "$found" "tests/fuzz/corpus/$name" "$build/fuzz/seeds/$name" >"$log" 2>&1 || {
		tail -n 40 "$log"
		exit 1
	}
	said="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s, nothing broke"
elif [ -n "$args" ]; then
	# shellcheck disable=SC2086 # words
	said=$("$build/fuzz/$name" $args)
else
	said="its corpus alone: there is no libFuzzer here"
fi
echo "fuzz_$name: $said"
find "$build/replay" -name '*.gcda' -delete
"$build/replay/$name" "$found" "tests/fuzz/corpus/$name" "$build/fuzz/seeds/$name" >/dev/null
for file in "$@"; do
	object=$build/replay/obj/${file%.c}.gcda
	[ -e "$object" ] || object=$build/replay/of-$name/$(echo "${file%.c}" | tr / _).gcda
	gcov -n "$object" 2>/dev/null | grep -A1 "^File '.*$file'" | sed -n "s|^Lines executed:\(.*\)% of \(.*\)|    $file: \1 % of \2 lines|p"
done
