# bench.mk - measures: the load generator, the floor, the tool that fills a ledger, and what runs them.

## make bench      measures: JSON lines, then a table with the goals and shares of the machine's floor; FULL=1: the heavy rows too
.PHONY: bench
# nginx is what a large upload is measured against: asked for by deps, only here; it need not run
bench: PACKAGES_TEST += nginx-light
BENCH_BIN  := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c))
BENCH_LOAD := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/bench/load/*.c))
BENCH_GROW  = $(BUILD)/obj/tests/bench/grow.o $(filter-out %/main.o,$(call role_obj,store)) $(FRAME_OBJ)
$(BUILD)/bench/bench_%: $(BUILD)/obj/tests/bench/bench_%.o $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $< $(STATIC) $(LIBS_LIB)
$(BUILD)/bench/load: $(BENCH_LOAD) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(BENCH_LOAD) $(STATIC) $(LIBS_LIB)
$(BUILD)/bench/grow: $(BENCH_GROW) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(BENCH_GROW) $(STATIC) $(LIBS_store) -lcrypto
$(BUILD)/bench/deadlines: $(BUILD)/obj/tests/bench/deadlines.o $(filter-out %/main.o,$(call role_obj,store)) $(FRAME_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_LIB) -levent_core -lsqlite3 -lseccomp -lcmocka
bench: deps all $(BENCH_BIN) $(BUILD)/bench/deadlines $(BUILD)/bench/load $(BUILD)/bench/grow $(BUILD)/test-pki/done
	@TOP=$(CURDIR) BUILD=$(CURDIR)/$(BUILD) /usr/bin/python3 -B tests/bench/bench.py $(if $(FULL),--full) $(ROWS)
	@$(if $(ROWS),,rm -rf $(BUILD)/bench/d; mkdir -p $(BUILD)/bench/d; $(BUILD)/bench/deadlines $(CURDIR)/$(BUILD)/bench/d; rm -rf $(BUILD)/bench/d)
	@$(if $(ROWS),,for b in fair oracle; do TOP=$(CURDIR) BUILD=$(CURDIR)/$(BUILD) /usr/bin/python3 -B tests/bench/$$b.py || exit 1; done)
