# unichat: make | make install | make demo | make check
WERROR ?= -Werror
export WERROR

all: extension bridge

extension:
	$(MAKE) -f extension/pgxs.mk

bridge:
	$(MAKE) -C bridge

install: all
	$(MAKE) -f extension/pgxs.mk install

clean:
	$(MAKE) -f extension/pgxs.mk clean
	rm -rf build

.PHONY: all extension bridge install clean
