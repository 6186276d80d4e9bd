# Makefile - builds, tests, checks and installs Safehand. `make help` lists the targets.
BUILD    ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
VERSION  := 0.1.0
CC       ?= gcc
AR       ?= ar

# One row per need: Debian package names (Debian 12). README and .ci/run read this list through `make packages`.
PACKAGES_BUILD = gcc make pkg-config libssl-dev libsodium-dev libarchive-dev libcurl4-openssl-dev libsqlite3-dev \
	libjansson-dev libevent-dev libseccomp-dev libical-dev tzdata
PACKAGES_TEST  = softhsm2 libengine-pkcs11-openssl p11-kit p11-kit-modules libcmocka-dev openssl python3 python3-cryptography python3-nacl python3-zstandard procps sqlite3
PACKAGES_CHECK = clang-format clang-tidy cppcheck shellcheck git mandoc
# make test-security alone: scanners and an attacker's tool to run against the daemon
PACKAGES_SECURITY = testssl.sh sslscan slowhttptest
# make fuzz alone: without clang the fuzzers run with their own main
PACKAGES_FUZZ  = clang libclang-rt-14-dev node-llhttp

WARN   = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	-Wcast-qual -Wformat=2 -Wundef -Wvla -Wno-unused-parameter -Wno-format-zero-length -Werror=implicit-function-declaration
HARDEN = -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero \
	-D_FORTIFY_SOURCE=3 -fPIE
OPT   ?= -O2
ifdef SAN
BUILD   := $(BUILD)-san
HARDEN  := -fPIE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SANLINK := -fsanitize=address,undefined
endif
ifdef COVERAGE
BUILD   := $(BUILD)-cov
OPT     := -O0
HARDEN  := -fPIE --coverage -DSAFEHAND_COVERAGE
SANLINK := --coverage
endif
ifdef WERROR
WARN   += -Werror
endif
# The same bytes whatever folder it is built in.
CFLAGS_SAME = -ffile-prefix-map=$(CURDIR)=.
ifdef ANALYZE
# with the variables that the compiler zeroes it sees uninitialised ones everywhere (gcc 12)
HARDEN := $(filter-out -ftrivial-auto-var-init=zero,$(HARDEN))
WARN   += -fanalyzer
endif
# -fPIC for the library's objects: the same objects make the .a and the .so.
CFLAGS_ALL  = -std=gnu11 -D_GNU_SOURCE -g $(OPT) $(WARN) $(HARDEN) -Iinclude -I$(BUILD)/gen -DSAFEHAND_VERSION='"$(VERSION)"' $(CFLAGS_SAME) $(CFLAGS)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--gc-sections $(SANLINK) $(LDFLAGS)

LIB_SRC  := $(wildcard lib/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
LIBS_LIB  = -lssl -lcrypto -lsodium -larchive -ljansson -lical

# A role is a folder, a process and a binary. Its libraries are its link line: see README "Who links what".
ROLES := master front verify store notary courier ctl
LIBS_master  = -levent_core -lseccomp -lical -ljansson
LIBS_front   = -levent_core -levent_openssl -lssl -lcrypto -lseccomp
LIBS_verify  = -levent_core -lcrypto -ljansson -lseccomp
LIBS_store   = -levent_core -lsqlite3 -lcrypto -lseccomp
LIBS_notary  = -levent_core -lcrypto -lseccomp
LIBS_courier = -levent_core -lcurl -lcrypto -lseccomp
LIBS_ctl     = -ljansson -lcrypto
NAME_master  = safehandd
NAME_ctl     = safehandctl
name_of      = $(or $(NAME_$(1)),safehand-$(1))

FRAME_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard gateway/frame/*.c))
role_src   = $(wildcard gateway/$(1)/*.c)
role_obj   = $(patsubst %.c,$(BUILD)/obj/%.o,$(call role_src,$(1)))
# A folder without its main.c is parts for tests so far.
ROLE_BINS := $(foreach r,$(ROLES),$(if $(wildcard gateway/$(r)/main.c),$(BUILD)/bin/$(call name_of,$(r))))

CLIENT_SRC := $(wildcard client/*.c)
CLIENT_OBJ := $(CLIENT_SRC:%.c=$(BUILD)/obj/%.o)
CLIENT_BIN := $(if $(CLIENT_SRC),$(BUILD)/bin/safehand)
LIBS_client = $(LIBS_LIB) -lcurl

STATIC := $(BUILD)/lib/libsafehand.a

.PHONY: all help clean packages unit
all: $(STATIC) $(ROLE_BINS) $(CLIENT_BIN)

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

# Which sources this is, for those who must tell one build from another: the log's GatewayStart, status.
BUILD_ID_H := $(BUILD)/gen/build_id.h
BUILD_ID_SRC = Makefile $(sort $(wildcard include/safehand/*.h lib/*.[ch] gateway/*/*.[ch] client/*.[ch]))
$(BUILD_ID_H): $(BUILD_ID_SRC)
	@mkdir -p $(@D)
	@printf '#define SAFEHAND_BUILD_ID "%s"\n' $$(cat $^ | sha256sum | cut -c1-16) >$@
$(BUILD)/obj/gateway/store/roster.o $(BUILD)/obj/gateway/store/control.o: $(BUILD_ID_H)

$(BUILD)/obj/lib/%.o: lib/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -fPIC -MMD -MP -c -o $@ $<
$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Igateway -I. -MMD -MP -c -o $@ $<

$(STATIC): $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

define role_rule
$(BUILD)/bin/$(call name_of,$(1)): $(call role_obj,$(1)) $(FRAME_OBJ) $(STATIC)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS_ALL) -o $$@ $(call role_obj,$(1)) $(if $(filter ctl,$(1)),,$(FRAME_OBJ)) $(STATIC) $(LIBS_$(1)) $(LIBS_extra)
endef
$(foreach r,$(ROLES),$(if $(call role_src,$(r)),$(eval $(call role_rule,$(r)))))

$(BUILD)/bin/safehand: $(CLIENT_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(CLIENT_OBJ) $(STATIC) $(LIBS_client)

# Unit tests: tests/unit/test_X.c is one cmocka binary, linked with the library and, for test_ROLE_*.c,
# with the objects of gateway/ROLE (without its main.c) and the frame.
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
unit_role = $(firstword $(filter $(ROLES) frame client,$(subst _, ,$(1))))
unit_extra = $(if $(filter client,$(call unit_role,$(1))),$(filter-out %/main.o,$(CLIENT_OBJ)),\
	$(if $(filter $(ROLES),$(call unit_role,$(1))),$(filter-out %/main.o,$(call role_obj,$(call unit_role,$(1)))) $(FRAME_OBJ),\
	$(if $(filter frame,$(call unit_role,$(1))),$(FRAME_OBJ))))
define unit_rule
$(BUILD)/unit/$(1): $(BUILD)/obj/tests/unit/$(1).o $(call unit_extra,$(1)) $(STATIC)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS_ALL) -o $$@ $$< $(call unit_extra,$(1)) $(STATIC) $(LIBS_LIB) -levent_core -levent_openssl -lsqlite3 -lcurl -lseccomp -lcmocka
endef
$(foreach t,$(notdir $(basename $(UNIT_SRC))),$(eval $(call unit_rule,$(t))))

$(BUILD)/test-pki/done: $(wildcard pki/* tests/mkpki.sh)
	@rm -rf $(BUILD)/test-pki; mkdir -p $(BUILD)/test-pki
	@if [ -x tests/mkpki.sh ]; then tests/mkpki.sh $(BUILD)/test-pki >$(BUILD)/test-pki.log 2>&1 || { cat $(BUILD)/test-pki.log; exit 1; }; fi
	@touch $@

## make unit       the cmocka tests of each file
unit: $(UNIT_BIN) $(BUILD)/test-pki/done
	@set -e; for t in $(UNIT_BIN); do TOP=$(CURDIR) BUILD=$(CURDIR)/$(BUILD) PKI=$(CURDIR)/$(BUILD)/test-pki $$t 2>$$t.log >&2 || { cat $$t.log; exit 1; }; \
		grep -h '^\[  PASSED  \]' $$t.log | sed "s|^|$$(basename $$t): |"; done

## make jail       inside each role's jail, every forbidden act; as root also what a gateway started as root keeps
JAIL_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/jail/*.c))
.PHONY: jail
$(BUILD)/unit/test_jail: $(JAIL_OBJ) $(FRAME_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(JAIL_OBJ) $(FRAME_OBJ) $(STATIC) $(LIBS_LIB) -levent_core -lseccomp -lcmocka
jail: $(BUILD)/unit/test_jail
	@$< 2>$<.log >&2 || { cat $<.log; exit 1; }
	@grep -hE '^(\[  PASSED  \]|skipped|Landlock)' $<.log | sed 's|^|test_jail: |'

## make roles      each role's place on its channels taken: everything it could say, said to the real others
ROLES_OBJ := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/roles/*.c))
.PHONY: roles
$(BUILD)/unit/test_roles: $(ROLES_OBJ) $(FRAME_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(ROLES_OBJ) $(FRAME_OBJ) $(STATIC) $(LIBS_LIB) -levent_core -lseccomp -lcmocka
roles: $(BUILD)/unit/test_roles $(ROLE_BINS) $(BUILD)/test-pki/done
	@ASAN_OPTIONS=detect_leaks=0 BUILD=$(CURDIR)/$(BUILD) PKI=$(CURDIR)/$(BUILD)/test-pki $< 2>$<.log >&2 || { cat $<.log; exit 1; }
	@grep -h '^\[  PASSED  \]' $<.log | sed 's|^|test_roles: |'

## make test       everything: unit tests, the numbered end-to-end scenarios, a share of make fault
E2E := $(sort $(wildcard tests/e2e/[0-9]*.sh))
.PHONY: test e2e check format deps install
test: deps all unit simulate fuzz-replay jail roles e2e fault-share
e2e: all $(BUILD)/test-pki/done
	@set -e; for s in $(E2E); do echo "== $$s"; TOP=$(CURDIR) BUILD=$(CURDIR)/$(BUILD) sh $$s; done

## make simulate   10,000 random schedules of deadlines against a plain model (make soak: 100,000); prints its seed
SIMULATION = $(BUILD)/unit/test_store_simulation
.PHONY: simulate simulate-long soak
simulate: $(SIMULATION)
	@SCHEDULES=10000 $< 2>$<.log || { cat $<.log; exit 1; }
simulate-long: $(SIMULATION)
	@SCHEDULES=100000 $< 2>$<.log || { cat $<.log; exit 1; }
soak: simulate-long

## make demo       the story of three documents: build/demo
.PHONY: demo
demo: deps all
	@BUILD=$(CURDIR)/$(BUILD) tests/demo.sh $(BUILD)/demo

## make check      format, warnings as errors, static analysis, the one-door rule
# cppcheck does not read <sys/queue.h>
CPPCHECK_QUEUE = '-DSTAILQ_HEAD(n,t)=struct n {struct t *f, **l;}' '-DSTAILQ_ENTRY(t)=struct {struct t *n;}' \
	'-DTAILQ_HEAD(n,t)=struct n {struct t *f, **l;}' '-DTAILQ_ENTRY(t)=struct {struct t *n, **p;}' \
	'-DLIST_HEAD(n,t)=struct n {struct t *f;}' '-DLIST_ENTRY(t)=struct {struct t *n, **p;}'
C_FILES  = $(shell git ls-files '*.c' '*.h')
SH_FILES = $(shell git ls-files 'pki/*' 'tests/*.sh' '.ci/run' | grep -v '\.[0-9]$$')
# clang-tidy, a file each, again only when the file or what it includes has changed; its checks are .clang-tidy's
TIDY_OK = $(patsubst %.c,$(BUILD)-check/tidy/%.ok,$(wildcard lib/*.c gateway/*/*.c client/*.c))
$(BUILD)-check/tidy/%.ok: %.c .clang-tidy $(wildcard include/safehand/*.h) | $(BUILD)-check/gen/build_id.h
	@mkdir -p $(@D)
	@clang-tidy --quiet --warnings-as-errors='*' $< -- -std=gnu11 -D_GNU_SOURCE -Iinclude -Igateway -I. -I$(BUILD)-check/gen \
		-DSAFEHAND_VERSION='"$(VERSION)"' 2>$@.said >&2 || { grep -v 'warnings\? generated' $@.said; exit 1; }
	@touch $@
$(BUILD)-check/gen/build_id.h:
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD)-check $@
check: deps $(TIDY_OK)
	clang-format --dry-run -Werror $(C_FILES)
	shellcheck -x -P pki -e SC1091,SC2034 $(SH_FILES)
	sh tests/doors.sh
	sh tests/threats.sh
	cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,portability --suppress=missingIncludeSystem \
		--suppress=nullPointerOutOfMemory --std=c11 -D_GNU_SOURCE -DOPENSSL_VERSION_NUMBER=0x30000160L $(CPPCHECK_QUEUE) -Iinclude -Igateway $(wildcard lib gateway client)
	$(MAKE) --no-print-directory BUILD=$(BUILD)-check WERROR=1 ANALYZE=1 all
	sh tests/manuals.sh $(BUILD)-check/bin
format:
	clang-format -i $(C_FILES)

# What is missing is installed when root, else the one line that installs it is printed.
OPENSSL_OLDEST = 3.0.22
deps:
	@missing=$$(pkg-config --atleast-version=$(OPENSSL_OLDEST) libcrypto 2>/dev/null || echo libssl-dev libssl3 openssl; \
		for p in $(PACKAGES_BUILD) $(PACKAGES_TEST) $(PACKAGES_CHECK); do \
		dpkg-query -W -f='$${db:Status-Abbrev}' $$p 2>/dev/null | grep -q '^ii' || echo $$p; done); \
	[ -z "$$missing" ] || if [ "$$(id -u)" = 0 ]; then \
		apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $$missing; \
	else echo "missing packages; run: sudo apt-get install" $$missing >&2; exit 1; fi

## make sbom       build/safehand.spdx.json: what is in the programs, in SPDX 2.3
SBOM = $(BUILD)/safehand.spdx.json
.PHONY: sbom
sbom: all
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)} /usr/bin/python3 -B mk/sbom.py $(VERSION) \
		$$(sed -n 's/.*"\(.*\)"/\1/p' $(BUILD_ID_H)) $(ROLE_BINS) $(CLIENT_BIN) >$(SBOM).new
	@mv $(SBOM).new $(SBOM)

packages:
	@echo $(PACKAGES_BUILD) $(PACKAGES_TEST) $(PACKAGES_CHECK)

clean:
	rm -rf $(BUILD)

include mk/install.mk mk/quality.mk mk/bench.mk mk/fuzz.mk mk/fault.mk

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
