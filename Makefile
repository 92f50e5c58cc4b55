# SPDX-License-Identifier: Apache-2.0
# The front door; meson.build has the build, tools/ has the rest.
#
#   make           build build/sallyport        make check     every test; SANITIZE=1: under ASan and UBSan
#   make demo      a gateway to play with       make lint      layers, clang-tidy, cppcheck, spelling, manual
#   make install   DESTDIR=, as configured      make asan tsan tests under that sanitizer
#   make doc       manual pages and lists       make fuzz T=60 every fuzz target for T seconds
#   make format    clang-format changed lines   make cov       coverage per folder
#   make bench     measures against nginx, HAProxy and the bare relay, writes bench/report.md
#   make bench-quick
#   make faults    breaks the code on purpose and looks whether tests notice; LAYERS="ws net"
#   make siege     ten minutes of attacks beside honest users, with a report: build/siege-report.md
#
# Missing Debian packages are installed first (tools/deps); DEPS=no leaves them alone.

T ?= 30
ifeq ($(SANITIZE),1)
kinds = sanitized
else ifeq ($(SANITIZE),0)
kinds = plain
else ifeq ($(CI),true)
kinds = sanitized
else
kinds = plain
endif

.PHONY: all demo check siege faults lint asan tsan fuzz cov format install doc bench bench-quick clean

all:
	@tools/deps build
	@tools/build build

demo:
	@tools/deps build demo
	@tools/build build
	@exec examples/demo

check:
	@tools/check $(kinds)

siege:
	@tools/deps check
	@tools/build build -Dtests=enabled
	@tests/siege/run --report build/siege-report.md

faults:
	@tools/deps check
	@tests/style/faults/run $(LAYERS)

lint asan tsan cov format:
	@tools/dev $@

fuzz:
	@tools/dev fuzz $(T)

bench bench-quick:
	@tools/deps bench
	@tools/build build-bench -Dbench=true -Dtests=disabled
	@bench/run --wait 60 $(if $(findstring quick,$@),--quick --out build-bench/report.md)

install: all
	@meson install -C build --no-rebuild

doc:
	@tools/deps check
	@tools/build build -Dtests=enabled
	@tools/dev doc

clean:
	rm -rf build build-*
