# The targets people type. Everything lands in .venv (and build/, for what is thrown away); `make clean` removes both.
# Each step leaves a stamp in .venv and is done again only when what it is made from changed.

VENV := .venv
BIN := $(VENV)/bin
LOCK := deploy/requirements
SCRATCH := build
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCKED := $(PIP) install --quiet --require-hashes
# gcc: for the disk that can be hurt. The last two: for deploy/install.sh, which is tested with the system's own Python.
TEST_PACKAGES := mosquitto chromium chromium-driver systemd shellcheck procps gcc libc6-dev python3 python3-venv
UV_VERSION := 0.13.9
ESPHOME_VERSION := 2026.6.5
# The newest that runs on Python 3.11; what it would fetch at run time, for MQTT and not to start in recovery mode,
# stands in the rule below.
HOMEASSISTANT_VERSION := 2024.3.3

# Arguments for the program that a target starts: make demo ARGS="--port 8090", make test ARGS="-k lane"
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test test-api-fuzz test-homeassistant test-sign-cycles check accuracy sign-sheet staff-pictures torture clean lock \
  check-esphome test-kernel test-systemd test-arm64

help: ## Show this
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || \
	  sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1    \2/p' Makefile

install: $(VENV)/.product ## Make .venv with the product in it, .venv/bin/parking-controller
	@echo "Ready: $(BIN)/parking-controller"

demo: $(VENV)/.demo ## Run the product on simulated traffic; ARGS="..." are passed on
	@exec $(BIN)/parking-controller demo $(ARGS)

test: $(VENV)/.test $(SCRATCH)/promtool ## Run all tests but the heavy suites; ARGS="-k name" chooses
	@deploy/need-debian.sh $(TEST_PACKAGES)
	$(BIN)/pytest $(ARGS)

test-sign-cycles: $(VENV)/.test ## Heavy: kill and stop the count a hundred times each under a lit sign
	PARKING_SIGN_CYCLES=100 $(BIN)/pytest -s tests/sign/test_sign_cycles.py tests/sign/test_sign_far.py $(ARGS)

check: $(VENV)/.check ## Style, formatting, types, and that imports point down
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_imports.py

test-api-fuzz: $(VENV)/.test ## Heavy: 10,000 cases of schemathesis against the API, as each role
	PARKING_FUZZ_CASES=10000 $(BIN)/pytest -q -s tests/api/test_fuzz.py tests/api/test_form_fuzz.py

test-homeassistant: $(VENV)/.test $(SCRATCH)/homeassistant/.ready ## Heavy: a real Home Assistant must find the lot over MQTT, and correct it
	HASS=$(SCRATCH)/homeassistant/bin/hass $(BIN)/pytest -q -s tests/publish/homeassistant_accepts.py

accuracy: $(VENV)/.accuracy ## Heavy: simulate, replay and score every scenario; write docs/accuracy.md; ARGS="--only office*"
	$(BIN)/python -m controller.accuracy --out docs $(ARGS)

staff-pictures: $(VENV)/.test ## Draw every page of staff anew: docs/img/staff/*.png
	@deploy/need-debian.sh $(TEST_PACKAGES)
	PARKING_PICTURES=docs/img/staff $(BIN)/pytest -q tests/api/test_staff_rounds.py -k "picture or why or post"

sign-sheet: $(VENV)/.product ## Draw every message on every panel: docs/img/sign-sheet-*.png, tests/sign/golden/*.txt
	$(BIN)/python -m controller.sign.sheet

test-kernel: $(VENV)/.pi ## Heavy, as root: real GPIO lines and a real SPI bus in an emulated machine; ARGS="-k restart"
	tests/kernel/guest/build.sh $(SCRATCH)/guest
	@echo '$(ARGS)' >$(SCRATCH)/guest/arguments
	tests/kernel/guest/boot.sh $(SCRATCH)/guest / run=$(CURDIR)/tests/kernel/guest/run-tests.sh

test-systemd: ## Heavy, as root: install into a Debian of its own, boot it, try the services, on real lines and bus, too
	tests/kernel/guest/build.sh $(SCRATCH)/guest
	tests/kernel/systemd/run.sh $(SCRATCH)/systemd $(SCRATCH)/guest $(ARGS)

test-arm64: ## Heavy, as root: install into a Debian for 64-bit Arm, and run the tests from pin to pixels there
	tests/kernel/arm64/run.sh $(SCRATCH)/arm64 $(ARGS)

torture: $(VENV)/.test ## Heavy: cut the power, kill, fill the disk, hurt the broker, long; ARGS="--only power --seed 7"
	@deploy/need-debian.sh $(TEST_PACKAGES)
	PYTHONPATH=tests $(BIN)/python -m torture $(ARGS)

clean: ## Remove .venv, build/ and every cache
	rm -rf $(VENV) $(SCRATCH) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: $(SCRATCH)/uv/.ready ## Resolve all dependencies anew and write deploy/requirements/*.txt
	UV=$(SCRATCH)/uv/bin/uv deploy/lock.sh

check-esphome: $(SCRATCH)/esphome/.ready ## Heavy: let ESPHome itself check the nodes in firmware_config/esphome
	deploy/check-esphome.sh $(SCRATCH)/esphome/bin/esphome

# A Python >= 3.11 that can make environments with pip; the newest first. Asked by running it: a name may be only a shim.
# The first lines find it; a missing one is installed from Debian, or the command for that is said.
define find_python
find_python() { \
  for name in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
    if $$name -c 'import ensurepip, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
      echo $$name; return; fi; \
  done; return 1; }; \
python=$$(find_python) || { deploy/need-debian.sh python3 python3-venv >&2 && python=$$(find_python); } || { \
  echo 'No Python >= 3.11 with venv and pip here. make install PYTHON=/path/to/python3.11 names one.' >&2; exit 1; }
endef

$(VENV)/.made:
	@$(find_python); echo "Making $(VENV) with $$python"; $$python -m venv --clear $(VENV)
	@touch $@

# What builds the product stays out of its environment: in a folder that is on the path for this one command.
$(VENV)/.product: $(VENV)/.made pyproject.toml $(LOCK)/run.txt $(LOCK)/build.txt
	$(LOCKED) -r $(LOCK)/run.txt
	@rm -rf $(SCRATCH)/backend
	$(LOCKED) --target $(SCRATCH)/backend -r $(LOCK)/build.txt
	PYTHONPATH=$(SCRATCH)/backend $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.demo: $(VENV)/.product $(LOCK)/demo.txt
	$(LOCKED) -r $(LOCK)/demo.txt
	@touch $@

$(VENV)/.test: $(VENV)/.demo $(VENV)/.accuracy $(LOCK)/test.txt $(LOCK)/axe.txt
	$(LOCKED) -r $(LOCK)/test.txt
	$(LOCKED) --no-deps -r $(LOCK)/axe.txt
	@touch $@

$(VENV)/.check: $(VENV)/.test $(LOCK)/check.txt
	$(LOCKED) -r $(LOCK)/check.txt
	@touch $@

# spidev and lgpio may have to be built.
$(VENV)/.pi: $(VENV)/.test $(LOCK)/pi.txt
	@deploy/need-debian.sh gcc libc6-dev python3-dev swig
	PYPI=1 $(LOCKED) --no-build-isolation -r $(LOCK)/pi.txt
	@touch $@

$(VENV)/.accuracy: $(VENV)/.product $(LOCK)/accuracy.txt
	$(LOCKED) -r $(LOCK)/accuracy.txt
	@touch $@

$(SCRATCH)/uv/.ready:
	@$(find_python); $$python -m venv --clear $(SCRATCH)/uv
	$(SCRATCH)/uv/bin/python -m pip install --quiet uv==$(UV_VERSION)
	@touch $@

$(SCRATCH)/promtool:
	@deploy/promtool.sh $@

$(SCRATCH)/esphome/.ready:
	@$(find_python); $$python -m venv --clear $(SCRATCH)/esphome
	$(SCRATCH)/esphome/bin/python -m pip install --quiet esphome==$(ESPHOME_VERSION)
	@touch $@

$(SCRATCH)/homeassistant/.ready:
	@$(find_python); $$python -m venv --clear $(SCRATCH)/homeassistant
	$(SCRATCH)/homeassistant/bin/python -m pip install --quiet homeassistant==$(HOMEASSISTANT_VERSION) \
	  'josepy<2' home-assistant-frontend==20240307.0 securetar==2024.2.1 paho-mqtt==1.6.1 janus==1.0.0 pillow \
	  psutil-home-assistant==0.0.1 sqlalchemy==2.0.27 fnv-hash-fast==0.5.0
	@touch $@
