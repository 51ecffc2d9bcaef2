# unichat: make | make install | make demo | make check
WERROR    ?= -Werror
PREFIX    ?= /usr/local
SYSCONFDIR ?= /etc
PG_CONFIG ?= pg_config
export WERROR PREFIX PG_CONFIG

share     = $(DESTDIR)$(PREFIX)/share/unichat

all: extension bridge ## Build the extension (unichat.so) and the bridge (build/unichat-bridge)

extension:
	@$(MAKE) --no-print-directory -f extension/pgxs.mk

bridge:
	@$(MAKE) --no-print-directory -C bridge

web: ## Lay out the portals in build/web (takes npm packages)
	@scripts/build-web.sh

install: all web ## Install the extension into PG_CONFIG's PostgreSQL, the rest below PREFIX and SYSCONFDIR
	$(MAKE) --no-print-directory -f extension/pgxs.mk install
	install -D -m 755 build/unichat-bridge $(DESTDIR)$(PREFIX)/bin/unichat-bridge
	install -d $(share)
	rm -rf $(share)/web && cp -r build/web $(share)/web && chmod -R a+rX $(share)/web
	install -D -m 644 packaging/unichat-bridge.conf.example $(share)/unichat-bridge.conf.example
	sed 's|/usr/local/|$(PREFIX)/|; s|/etc/unichat|$(SYSCONFDIR)/unichat|' packaging/unichat-bridge.service > build/unichat-bridge.service
	install -D -m 644 build/unichat-bridge.service $(DESTDIR)$(PREFIX)/lib/systemd/system/unichat-bridge.service
	install -d $(DESTDIR)$(SYSCONFDIR)/unichat

uninstall: ## Remove what install has installed; the configuration and all data stay
	$(MAKE) --no-print-directory -f extension/pgxs.mk uninstall
	rm -rf $(share) $(DESTDIR)$(PREFIX)/bin/unichat-bridge $(DESTDIR)$(PREFIX)/lib/systemd/system/unichat-bridge.service

demo: ## Install what is missing, build and run everything here until Ctrl-C; DEMO_PORT=8080
	@scripts/install-deps.sh demo
	@[ -x build/unichat-bridge ] || echo "Building; this takes a minute or two"
	@$(MAKE) --no-print-directory -s -j2 all
	@$(MAKE) --no-print-directory -s web
	@scripts/demo.sh

demo-clean: ## Forget the demo's data and secrets
	@if [ -e build/demo ]; then rm -rf "$$(realpath build/demo)" build/demo; fi

check: ## Install what is missing and run every test; prints a table and "N passed, N failed"
	@scripts/install-deps.sh test
	@scripts/check.sh

chaos: ## Faults at random under load, and the proof that nothing is lost; CHAOS_SECONDS=300 CHAOS_SEED=
	@scripts/install-deps.sh test
	@$(MAKE) --no-print-directory -s -j2 all
	@scripts/npm-ci.sh tests
	@CHAOS_SECONDS=$${CHAOS_SECONDS:-300} node tests/faults/chaos.js

check-%: ## Run one part of check: build unit extension extension-san lib e2e security faults push pusher suites web browser fuzz valgrind docs style lint
	@scripts/check.sh $*

lint: ## Check the style of C, shell and JavaScript, and C by clang-tidy, cppcheck and gcc -fanalyzer
	@scripts/check.sh style lint

format-check: ## Check the style alone
	@scripts/check.sh style

format: ## Bring the bridge's C into the project's format
	clang-format -i $(wildcard bridge/*.[ch] bridge/*/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch])

fuzz: ## Fuzz every parser for FUZZ_SECONDS (60) each
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-60} scripts/check.sh fuzz

bench-%: ## Measure: bench-latency bench-fanout bench-connections bench-idle bench-commit bench-scale; QUICK=1 for a look
	@$(MAKE) --no-print-directory -s all
	@$(MAKE) --no-print-directory -s -C bench $*

clean: ## Remove what was built; a demo's data stays
	@$(MAKE) --no-print-directory -s -f extension/pgxs.mk clean
	@find build -mindepth 1 -maxdepth 1 ! -name demo ! -name '*pg' -exec rm -rf {} + 2>/dev/null || true
	@for pg in build/pg build/san-pg; do if [ -e $$pg ]; then rm -rf "$$(realpath $$pg)" $$pg; fi; done

help: ## Say what make can do
	@sed -n 's/^\([a-z%][a-z% -]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  %-20s %s\n' "$$name" "$$text"; done

.PHONY: all extension bridge web install uninstall demo demo-clean check chaos lint format-check format fuzz clean help
