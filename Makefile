# The hands' way in; Meson does the work. HACKING.md tells the rest.
BUILD = build
prefix ?= /usr/local
DESTDIR ?=
TARGET ?= query
SECONDS ?= 30

all: $(BUILD)/build.ninja
	@scripts/build $(BUILD)

# A new compiler's new warning must not keep anyone from building; scripts/check turns them into errors.
$(BUILD)/build.ninja:
	@scripts/build $(BUILD) -Dwerror=false

run:
	@scripts/bootstrap run
	@$(MAKE) --no-print-directory all
	@scripts/run $(ARGS)

# Three servers, PostgreSQL and NATS on 127.0.0.1, to play with (docs/cluster.md).
cluster:
	@scripts/bootstrap cluster
	@$(MAKE) --no-print-directory all
	@scripts/cluster $(ARGS)

# STEPS="layout unit" runs only these.
check:
	@scripts/bootstrap check
	@scripts/check $(STEPS)

# What takes minutes to hours. ROUNDS and SECONDS, where given, size the tests that go in rounds or on for a time;
# ARGS="-k kill" chooses among the dialogues.
soak:
	@scripts/bootstrap check
	@SOAK_ROUNDS="$(ROUNDS)" SOAK_SECONDS="$(if $(filter command line,$(origin SECONDS)),$(SECONDS))" \
		SOAK_ARGS="$(ARGS)" scripts/check $(or $(STEPS),soak)

# Which lines the tests come to, by rooms.
coverage:
	@scripts/bootstrap check
	@scripts/check make-coverage

# ARGS="--servers floor,messagerd --cases relay-50x16-64" measures only these; bench/compare --help tells more.
bench:
	@scripts/bootstrap bench
	@scripts/build build-bench -Dbench=true -Dtests=disabled -Dwerror=false
	@bench/compare $(ARGS)

# What several servers cost beside one; ARGS="--rounds 2 --cases pairs,group" is less, bench/cluster --help tells more.
bench-cluster:
	@scripts/bootstrap cluster
	@scripts/build build-bench -Dbench=true -Dtests=disabled -Dwerror=false
	@bench/cluster $(ARGS)

# What a second worker costs; ARGS="--rounds 3 --cases relay-50x1-64" is less, bench/workers --help tells more.
bench-workers:
	@scripts/bootstrap bench
	@scripts/build build-bench -Dbench=true -Dtests=disabled -Dwerror=false
	@bench/workers $(ARGS)

bench-quick:
	@$(MAKE) --no-print-directory bench ARGS="--quick $(ARGS)"

install: all
	@meson configure $(BUILD) --prefix="$(abspath $(prefix))"
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --quiet

format:
	@clang-format-14 -i $$(find src tests bench -name '*.[ch]' 2>/dev/null)

fuzz:
	@scripts/bootstrap check
	@scripts/fuzz $(TARGET) $(SECONDS)

clean:
	rm -rf build build-*

.PHONY: all run cluster check soak coverage bench bench-cluster bench-workers bench-quick install format fuzz clean
