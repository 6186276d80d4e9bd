# quality.mk - line coverage of the library, attacks on the running daemon, and the fuzzers.

## make coverage   lines of lib/ that the unit tests run, file by file; fails below COVERAGE_MIN per cent
COVERAGE_MIN = 90
.PHONY: coverage fuzz
coverage: deps
	@find $(BUILD)-cov -name "*.gcda" -delete 2>/dev/null || true
	$(MAKE) --no-print-directory COVERAGE=1 unit
	sh tests/coverage.sh $(BUILD)-cov $(COVERAGE_MIN)

## make test-security   attacks on the running daemon: public scanners, the wire, slowness, a crowd; who may do what
.PHONY: test-security
# what it needs beside the rest: asked for by deps, only here
test-security: PACKAGES_CHECK += $(PACKAGES_SECURITY)
test-security: deps all $(BUILD)/test-pki/done
	@set -e; for s in tests/e2e/31-refusals tests/e2e/32-http tests/e2e/36-matrix $(basename $(sort $(wildcard tests/security/[0-9]*.py))); do \
		echo "== $$s"; TOP=$(CURDIR) BUILD=$(CURDIR)/$(BUILD) /usr/bin/python3 -B $$s.py; done

## make fuzz       every fuzzer for FUZZ_SECONDS: libFuzzer where clang has it, else the file's own main
FUZZ_SECONDS = 20
FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_SAN     = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# What a fuzzer needs beside the library: sources, flags, and the arguments of its own main.
FUZZ_http_SRC    = gateway/front/http.c gateway/front/chunk.c $(wildcard /usr/share/llhttp/*.c)
FUZZ_http_FLAGS  = -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp
FUZZ_http_ARGS   = 100000
FUZZ_unpack_ARGS = 20000
FUZZ_notice_ARGS = 200000
FUZZ_deadline_ARGS = 200000
FUZZ_calendar_ARGS = 20000
FUZZ_ical_ARGS = 20000
FUZZ_zone_ARGS = 100000
# a fuzzer that compares needs what it compares with: the path that says whether it is there
FUZZ_http_NEEDS  = /usr/share/llhttp/llhttp.c
FUZZ_http_PACKAGE = node-llhttp
# libFuzzer's main, or the fuzzer's own
FUZZ_CC     := $(if $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a),clang,$(CC))
FUZZ_MODE   := $(if $(filter clang,$(FUZZ_CC)),-fsanitize=fuzzer,-DFUZZ_MAIN)
FUZZ_NAMES  := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
fuzz: $(FUZZ_NAMES:%=fuzz-%)
# Third parties' C is not held to our warnings: -w.
fuzz-%: tests/fuzz/fuzz_%.c $(LIB_SRC)
	@if [ -n "$(FUZZ_$*_NEEDS)" ] && [ ! -e "$(FUZZ_$*_NEEDS)" ]; then \
		echo "fuzz_$*: skipped: apt-get install $(FUZZ_$*_PACKAGE)"; exit 0; fi; \
	mkdir -p $(BUILD)/fuzz/$*.seeds && \
	$(FUZZ_CC) -std=gnu11 -D_GNU_SOURCE -g -O1 -w $(FUZZ_SAN) $(FUZZ_MODE) -Iinclude -Ilib -Igateway $(FUZZ_$*_FLAGS) \
		-DSAFEHAND_VERSION='"$(VERSION)"' -o $(BUILD)/fuzz/$* $< $(FUZZ_$*_SRC) $(LIB_SRC) $(LIBS_LIB) && \
	if [ "$(FUZZ_CC)" = clang ]; then \
		$(BUILD)/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -print_final_stats=0 -verbosity=0 \
			-artifact_prefix=$(BUILD)/fuzz/$*- $(BUILD)/fuzz/$*.seeds && echo "fuzz_$*: $(FUZZ_SECONDS) s under libFuzzer, nothing broke"; \
	elif [ -n "$(FUZZ_$*_ARGS)" ]; then $(BUILD)/fuzz/$* $(FUZZ_$*_ARGS); \
	else echo "fuzz_$*: built; its own main wants arguments, see its head"; fi
