# The extension, built by PGXS from the top folder:  make -f extension/pgxs.mk [install|installcheck]
# PGXS knows no sub-folders, so this file is run from the top, where unichat.control, sql/, expected/ and specs/ are.
EXTENSION   = unichat
MODULE_big  = unichat
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" unichat.control)
OBJS        = $(patsubst %.c,%.o,$(sort $(wildcard extension/*.c)))
DATA_built  = extension/unichat--$(EXTVERSION).sql
REGRESS     = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=plpgsql
ISOLATION   = $(patsubst specs/%.spec,%,$(sort $(wildcard specs/*.spec)))
PG_CFLAGS   = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers $(WERROR)
ifneq ($(findstring clang,$(CC)),)
# pg_config hands out the flags of the compiler that PostgreSQL was built with
PG_CFLAGS  += -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes
endif
# Before 16, every function that modules share is exported. Whoever else in the server's process has a plan_run or get_text,
# ours are called: they are bound here, as we are linked.
SHLIB_LINK += -Wl,-Bsymbolic -lcrypto
EXTRA_CLEAN = extension/unichat--*.sql

# Hardened, whatever PostgreSQL was built with. Not with sanitizers: what they watch, these would have changed.
ifeq ($(findstring -fsanitize,$(COPT)),)
PG_CFLAGS  += -fstack-protector-strong -fstack-clash-protection
PG_CFLAGS  += $(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
SHLIB_LINK += -Wl,-z,relro,-z,now,-z,noexecstack
endif

# PGXS takes the folder of the first makefile for the source folder; ours is the top.
VPATH      := $(CURDIR)
PG_CONFIG  ?= pg_config
PGXS       := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error $(PG_CONFIG) does not lead to what extensions are built with; on Debian, `scripts/install-deps.sh build` installs it (postgresql-server-dev-15). For another PostgreSQL: make PG_CONFIG=/path/to/its/pg_config)
endif
ifeq ($(findstring -fsanitize,$(COPT))$(findstring _FORTIFY_SOURCE,$(shell $(PG_CONFIG) --cppflags --cflags)),)
PG_CFLAGS  += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
include $(PGXS)

extension/unichat--$(EXTVERSION).sql: $(sort $(wildcard extension/sql/*.sql))
	cat $^ > $@

$(OBJS): extension/pgxs.mk $(wildcard extension/*.h)
