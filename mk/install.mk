# install.mk - what goes where. DESTDIR is put before every path; PREFIX is where it will run.
SOVERSION := 0
SONAME    := libsafehand.so.$(SOVERSION)
SHARED    := $(BUILD)/lib/libsafehand.so.$(VERSION)
EXPORTS   := $(BUILD)/lib/libsafehand.map
PC        := $(BUILD)/lib/libsafehand.pc

bindir      = $(PREFIX)/bin
sbindir     = $(PREFIX)/sbin
libdir      = $(PREFIX)/lib
libexecdir  = $(PREFIX)/libexec/safehand
includedir  = $(PREFIX)/include
mandir      = $(PREFIX)/share/man
exampledir  = $(PREFIX)/share/doc/safehand/examples
systemddir  = $(PREFIX)/lib/systemd/system
sysusersdir = $(PREFIX)/lib/sysusers.d
tmpfilesdir = $(PREFIX)/lib/tmpfiles.d

HEADERS  := $(wildcard include/safehand/*.h)
MANUALS  := $(sort $(wildcard gateway/*/*.[1-8] client/*.[1-8] pki/*.[1-8] lib/*.[1-8]))
PKI_VERBS := init issue renew revoke crl roster log-key linking-key show
# master finds the roles beside itself: all of them lie in one folder, and sbin has a link
LIBEXEC_BINS = $(filter-out %/safehandctl,$(ROLE_BINS))

# Exported is what the library defines and a public header names, nothing else.
$(EXPORTS): $(STATIC) $(HEADERS)
	@cat $(HEADERS) | $(CC) -fpreprocessed -dD -E -P - | grep -oE '[a-z_][a-z0-9_]*' | sort -u >$@.public
	@nm -g --defined-only $(STATIC) | awk 'NF == 3 { print $$3 }' | sort -u | comm -12 - $@.public >$@.names
	@[ -s $@.names ]
	@{ echo 'SAFEHAND_$(SOVERSION) {'; echo '	global:'; sed 's/.*/		&;/' $@.names; echo '	local: *;'; echo '};'; } >$@

$(SHARED): $(LIB_OBJ) $(EXPORTS)
	$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,$(EXPORTS) -Wl,-z,defs -Wl,-z,relro,-z,now \
		-Wl,--as-needed $(SANLINK) $(LDFLAGS) -o $@ $(LIB_OBJ) $(LIBS_LIB)

.PHONY: shared pc install uninstall
shared: $(SHARED)
pc:
	@mkdir -p $(BUILD)/lib
	@{ echo 'prefix=$(PREFIX)'; echo 'libdir=$${prefix}/lib'; echo 'includedir=$${prefix}/include'; echo; \
	echo 'Name: libsafehand'; echo 'Description: sealed, signed documents between agencies, with evidence'; \
	echo 'Version: $(VERSION)'; echo 'Requires.private: libcrypto libssl libsodium libarchive jansson libical'; \
	echo 'Libs: -L$${libdir} -lsafehand'; echo 'Cflags: -I$${includedir}'; } >$(PC)

## make install    everything below $(DESTDIR)$(PREFIX); configuration that is there is left alone
D = $(DESTDIR)
install: all $(SHARED) pc
	install -d $(D)$(bindir) $(D)$(sbindir) $(D)$(libdir)/pkgconfig $(D)$(libexecdir)/pki $(D)$(includedir)/safehand \
		$(D)$(exampledir) $(D)$(systemddir) $(D)$(sysusersdir) $(D)$(tmpfilesdir)
	install -m 755 $(LIBEXEC_BINS) $(D)$(libexecdir)
	install -m 755 $(BUILD)/bin/safehandctl $(D)$(sbindir)
	ln -sf ../libexec/safehand/safehandd $(D)$(sbindir)/safehandd
	$(if $(CLIENT_BIN),install -m 755 $(CLIENT_BIN) $(D)$(bindir))
	install -m 755 $(PKI_VERBS:%=pki/%) pki/safehand-pki $(D)$(libexecdir)/pki
	install -m 644 pki/common.sh $(D)$(libexecdir)/pki
	ln -sf ../libexec/safehand/pki/safehand-pki $(D)$(bindir)/safehand-pki
	install -m 644 $(STATIC) $(SHARED) $(D)$(libdir)
	ln -sf $(notdir $(SHARED)) $(D)$(libdir)/$(SONAME)
	ln -sf $(SONAME) $(D)$(libdir)/libsafehand.so
	install -m 644 $(PC) $(D)$(libdir)/pkgconfig
	install -m 644 $(HEADERS) $(D)$(includedir)/safehand
	for m in $(MANUALS); do install -D -m 644 $$m $(D)$(mandir)/man$${m##*.}/$${m##*/} || exit 1; done
	install -m 644 $(wildcard conf/*.conf) $(D)$(exampledir)
	install -d $(D)$(exampledir)/calendars
	install -m 644 $(wildcard conf/calendars/*.ics) $(D)$(exampledir)/calendars
	for u in conf/systemd/*.service; do sed 's|/usr/local|$(PREFIX)|g' $$u >$(D)$(systemddir)/$${u##*/} || exit 1; done
	chmod 644 $(patsubst conf/systemd/%,$(D)$(systemddir)/%,$(wildcard conf/systemd/*.service))
	install -m 644 conf/systemd/safehand.sysusers $(D)$(sysusersdir)/safehand.conf
	install -m 644 conf/systemd/safehand.tmpfiles $(D)$(tmpfilesdir)/safehand.conf

## make uninstall  takes away what install put there, and nothing else
uninstall:
	rm -rf $(D)$(libexecdir) $(D)$(includedir)/safehand $(D)$(PREFIX)/share/doc/safehand
	rm -f $(D)$(bindir)/safehand $(D)$(bindir)/safehand-pki $(D)$(sbindir)/safehandd $(D)$(sbindir)/safehandctl
	rm -f $(D)$(libdir)/libsafehand.a $(D)$(libdir)/libsafehand.so $(D)$(libdir)/$(SONAME) \
		$(D)$(libdir)/$(notdir $(SHARED)) $(D)$(libdir)/pkgconfig/libsafehand.pc
	for m in $(MANUALS); do rm -f $(D)$(mandir)/man$${m##*.}/$${m##*/}; done
	rm -f $(patsubst conf/systemd/%,$(D)$(systemddir)/%,$(wildcard conf/systemd/*.service)) \
		$(D)$(sysusersdir)/safehand.conf $(D)$(tmpfilesdir)/safehand.conf
