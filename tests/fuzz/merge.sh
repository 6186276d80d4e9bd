#!/bin/sh
# merge.sh - a fuzzer's corpus made small: of all that was found, the least that covers the same. Needs libFuzzer.
# usage: merge.sh NAME BUILD
set -eu
name=$1 build=$2 corpus=tests/fuzz/corpus/$1 merged=$2/fuzz/merged/$1
MAX=16384 # bytes of an input that is kept: larger ones are found again
mkdir -p "$corpus" "$build/fuzz/found/$name" "$build/fuzz/seeds/$name"
rm -rf "$merged"
mkdir -p "$merged"
"$build/fuzz/$name" -merge=1 -max_len=$MAX -timeout=20 "$merged" "$corpus" "$build/fuzz/seeds/$name" "$build/fuzz/found/$name" \
	>"$build/fuzz/$name.merge" 2>&1
# what was once a finding stays, whether or not it covers anything new
find "$corpus" -type f ! -name 'finding-*' -delete
find "$merged" -type f -size -${MAX}c -exec cp {} "$corpus" \;
echo "fuzz_$name: $(find "$corpus" -type f | wc -l) inputs"
