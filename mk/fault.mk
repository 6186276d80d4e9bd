# fault.mk - what goes wrong under the store: one system call at a time, power cuts, a file system that is shut down.

FAULT_BIN = $(BUILD)/fault/inject
$(FAULT_BIN): $(BUILD)/obj/tests/fault/inject.o $(BUILD)/obj/tests/fault/record.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $^
$(BUILD)/obj/tests/fault/%.o: CFLAGS_ALL += -Itests

# leaks are found by ptrace, which the injector uses itself; the unit tests look for them
FAULT_RUN = ASAN_OPTIONS="detect_leaks=0:$$ASAN_OPTIONS" TOP=$(CURDIR) BUILD=$(CURDIR)/$(BUILD) /usr/bin/python3 -B
## make fault      every case of tests/fault: some hours on two cores; FAULT_SHARE=N takes each N-th
FAULT_SHARE = 1
.PHONY: fault fault-share
fault: all $(FAULT_BIN) $(BUILD)/test-pki/done
	$(FAULT_RUN) tests/fault/power.py
	$(FAULT_RUN) tests/fault/disk.py --share $(FAULT_SHARE)
	$(FAULT_RUN) tests/fault/watch.py --share $(FAULT_SHARE)
	$(FAULT_RUN) tests/fault/store.py --share $(FAULT_SHARE)

## make soak       TIME seconds (an hour) of mixed load, kills and restarts; then every document is counted
TIME = 3600
.PHONY: soak
soak: all $(BUILD)/test-pki/done
	$(FAULT_RUN) tests/soak/soak.py --seconds $(TIME)

# What once lost an arrival.
FAULT_FOUND = in:renameat:1:eio in:mkdirat:13:eio in:mkdirat:13:enospc
# What make test runs of it: the same cases each time.
fault-share: all $(FAULT_BIN) $(BUILD)/test-pki/done
	@$(FAULT_RUN) tests/fault/store.py --share 601
	@$(FAULT_RUN) tests/fault/disk.py --share 197
	@$(FAULT_RUN) tests/fault/watch.py --share 211
	@for c in $(FAULT_FOUND); do $(FAULT_RUN) tests/fault/watch.py --only $$c || exit 1; done
	@$(FAULT_RUN) tests/fault/power.py --moments 2 --seed 1
