# fuzz.mk - the fuzzers: run for a while, their corpora replayed, made and made small.

FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAMES  := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZ_SAN     = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Third parties' C is not held to our warnings: -w.
FUZZ_CFLAGS  = -std=gnu11 -D_GNU_SOURCE -g -O1 -w $(FUZZ_SAN) -Iinclude -Ilib -Igateway -I. -DSAFEHAND_VERSION='"$(VERSION)"' \
	-DFUZZ_DATA='"$(CURDIR)/tests/fuzz/data"'
# What a fuzzer needs beside the library: sources, flags, and the arguments of its own main (where it has one).
FUZZ_http_SRC       = gateway/front/http.c gateway/front/chunk.c $(wildcard /usr/share/llhttp/*.c)
FUZZ_http_FLAGS     = -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp
FUZZ_http_ARGS      = 100000
FUZZ_route_SRC      = gateway/front/routes.c gateway/front/range.c gateway/frame/range.c gateway/front/http.c
FUZZ_conf_SRC       = gateway/frame/settings.c gateway/frame/contact.c
FUZZ_msg_SRC        = gateway/frame/msg.c
FUZZ_unpack_ARGS    = 20000
FUZZ_notice_ARGS    = 200000
FUZZ_deadline_ARGS  = 200000
FUZZ_calendar_ARGS  = 20000
FUZZ_ical_ARGS      = 20000
FUZZ_zone_ARGS      = 100000
# The files whose lines are counted: what each fuzzer is there for.
FUZZ_http_OF        = gateway/front/http.c gateway/front/chunk.c
FUZZ_route_OF       = gateway/front/routes.c gateway/front/range.c gateway/frame/range.c
FUZZ_conf_OF        = lib/conf_parse.c lib/conf.c
FUZZ_msg_OF         = gateway/frame/msg.c
FUZZ_bundle_OF      = lib/bundle.c
FUZZ_manifest_OF    = lib/manifest.c lib/json.c
FUZZ_cms_OF         = lib/cms_shape.c lib/signature.c
FUZZ_certificate_OF = lib/identity.c lib/trust.c
FUZZ_statement_OF   = lib/statement.c
FUZZ_roster_OF      = lib/roster.c
FUZZ_cover_OF       = lib/cover.c lib/cover_check.c lib/cover_show.c
FUZZ_unpack_OF      = lib/unpack.c lib/zstd_frame.c
FUZZ_note_OF        = lib/note.c lib/checkpoint.c
FUZZ_proof_OF       = lib/checkpoint.c lib/merkle.c
FUZZ_entry_OF       = lib/entry_parse.c lib/fetched.c
FUZZ_evidence_OF    = lib/evidence_parse.c
FUZZ_timestamp_OF   = lib/timestamp.c
FUZZ_notice_OF      = lib/notice_parse.c lib/notice_file.c
FUZZ_deadline_OF    = lib/deadline.c lib/ladder.c
FUZZ_calendar_OF    = lib/calendar_text.c lib/calendar.c
FUZZ_ical_OF        = lib/ical_text.c lib/calendar_ical.c lib/calendar_build.c
FUZZ_zone_OF        = lib/zone.c lib/zone_rule.c
# a fuzzer that compares needs what it compares with: the path that says whether it is there
FUZZ_http_NEEDS     = /usr/share/llhttp/llhttp.c
FUZZ_http_PACKAGE   = node-llhttp
fuzz_has            = $(if $(FUZZ_$(1)_NEEDS),$(wildcard $(FUZZ_$(1)_NEEDS)),yes)

# libFuzzer's main, or the fuzzer's own, or that of the replay
FUZZ_CC    := $(if $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a),clang,$(CC))
FUZZ_CLANG  = $(filter clang,$(FUZZ_CC))
fuzz_main   = $(if $(FUZZ_CLANG),-fsanitize=fuzzer,$(if $(FUZZ_$(1)_ARGS),-DFUZZ_MAIN,tests/fuzz/replay.c))
FUZZ_OBJ   := $(LIB_SRC:%.c=$(BUILD)/fuzz/obj/%.o)
REPLAY_OBJ := $(LIB_SRC:%.c=$(BUILD)/replay/obj/%.o)
FUZZ_LIBS   = $(LIBS_LIB) -levent_core
$(BUILD)/fuzz/obj/%.o: %.c mk/fuzz.mk
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(if $(FUZZ_CLANG),-fsanitize=fuzzer-no-link) -MMD -MP -c -o $@ $<
$(BUILD)/replay/obj/%.o: %.c mk/fuzz.mk
	@mkdir -p $(@D)
	@$(CC) $(FUZZ_CFLAGS) --coverage -MMD -MP -c -o $@ $<
$(BUILD)/fuzz/lib.a: $(FUZZ_OBJ)
	@rm -f $@; $(AR) rcs $@ $^
$(BUILD)/replay/lib.a: $(REPLAY_OBJ)
	@rm -f $@; $(AR) rcs $@ $^

# $(1): a fuzzer's name. The replay's own objects lie apart, where gcov finds what each has counted.
define fuzz_rules
$(BUILD)/fuzz/$(1): tests/fuzz/fuzz_$(1).c $(wildcard tests/fuzz/*.h) $(filter-out /%,$(FUZZ_$(1)_SRC)) $(BUILD)/fuzz/lib.a
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_$(1)_FLAGS) $(call fuzz_main,$(1)) -o $$@ $$< $(FUZZ_$(1)_SRC) $(BUILD)/fuzz/lib.a $(FUZZ_LIBS)
$(BUILD)/replay/$(1): tests/fuzz/fuzz_$(1).c tests/fuzz/replay.c $(wildcard tests/fuzz/*.h) $(filter-out /%,$(FUZZ_$(1)_SRC)) $(BUILD)/replay/lib.a
	@rm -rf $(BUILD)/replay/of-$(1); mkdir -p $(BUILD)/replay/of-$(1); set -e; for s in $$< tests/fuzz/replay.c $(FUZZ_$(1)_SRC); do \
		$(CC) $(FUZZ_CFLAGS) --coverage $(FUZZ_$(1)_FLAGS) -c -o $(BUILD)/replay/of-$(1)/$$$$(echo $$$${s%.c} | tr / _).o $$$$s; done
	@$(CC) $(FUZZ_SAN) --coverage -o $$@ $(BUILD)/replay/of-$(1)/*.o $(BUILD)/replay/lib.a $(FUZZ_LIBS)
fuzz-$(1): $(if $(call fuzz_has,$(1)),$(BUILD)/fuzz/$(1) $(BUILD)/replay/$(1) $(BUILD)/fuzz/seeds/done)
	@$(if $(call fuzz_has,$(1)),sh tests/fuzz/run.sh $(1) $(BUILD) $(TIME) "$(FUZZ_CLANG)" "$(FUZZ_$(1)_ARGS)" $(FUZZ_$(1)_OF),\
		echo "fuzz_$(1): skipped: apt-get install $(FUZZ_$(1)_PACKAGE)")
endef
TIME ?= 20
$(foreach n,$(FUZZ_NAMES),$(eval $(call fuzz_rules,$(n))))
FUZZ_HERE := $(foreach n,$(FUZZ_NAMES),$(if $(call fuzz_has,$(n)),$(n)))

## make fuzz TIME=60   every fuzzer in turn for TIME seconds: libFuzzer where clang has it, else the file's own main
.PHONY: fuzz fuzz-replay fuzz-corpus $(FUZZ_NAMES:%=fuzz-%)
fuzz:
	@set -e; for n in $(FUZZ_NAMES); do $(MAKE) --no-print-directory fuzz-$$n; done

# the committed corpora once more, under the sanitizers: what was found stays found
fuzz-replay: $(FUZZ_HERE:%=$(BUILD)/replay/%)
	@set -e; for n in $(FUZZ_HERE); do printf 'fuzz_%s: ' $$n; $(BUILD)/replay/$$n tests/fuzz/corpus/$$n; done

# seeds: made by the tests' own makers of bundles, statements and evidence, with a gateway that runs
$(BUILD)/fuzz/seeds/done: tests/fuzz/seeds.py
	@$(MAKE) --no-print-directory all $(BUILD)/test-pki/done >/dev/null
	@rm -rf $(@D); TOP=$(CURDIR) BUILD=$(CURDIR)/$(BUILD) /usr/bin/python3 -B tests/fuzz/seeds.py $(@D)
	@touch $@

## make fuzz-corpus    what was found so far, merged into tests/fuzz/corpus/ and made as small as covers the same
fuzz-corpus: $(FUZZ_HERE:%=$(BUILD)/fuzz/%) $(BUILD)/fuzz/seeds/done
	@set -e; for n in $(FUZZ_HERE); do sh tests/fuzz/merge.sh $$n $(BUILD); done; du -sh --apparent-size tests/fuzz/corpus

-include $(shell find $(BUILD)/fuzz/obj $(BUILD)/replay/obj -name '*.d' 2>/dev/null)
