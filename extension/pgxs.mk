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
EXTRA_CLEAN = extension/unichat--*.sql

# PGXS takes the folder of the first makefile for the source folder; ours is the top.
VPATH      := $(CURDIR)
PG_CONFIG  ?= pg_config
PGXS       := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

extension/unichat--$(EXTVERSION).sql: $(sort $(wildcard extension/sql/*.sql))
	cat $^ > $@

$(OBJS): $(wildcard extension/*.h)
