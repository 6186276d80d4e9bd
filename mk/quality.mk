# quality.mk - line coverage of the library, attacks on the running daemon.

# a mail server with TLS, for what the courier sends
PACKAGES_TEST += python3-aiosmtpd

## make coverage   lines of lib/ that the unit tests run, file by file; fails below COVERAGE_MIN per cent
COVERAGE_MIN = 90
.PHONY: coverage
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
