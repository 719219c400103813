# make run      set everything up and serve dialplans/demo.yaml    (ARGS="--bind 127.0.0.1:5070" adds options)
# make install  the set-up alone
# make test     install what the tests need, run them all           (ARGS="-k name" narrows)
# make test-unit     the tests that start neither a service nor a speech engine
# make test-campaigns   bounded slices of the campaigns: mutated SIP, floods, wild RTP, faults, hostile text
# make test-system   the tests that need root and other servers: Asterisk in a chroot, Kamailio, the image
# make docker-check  the image's steps carried out in a clean Debian, and the result called
# make bench    the measurements of the README
# make bench-capacity   calls on one core, on the carrier build, beside Asterisk's (root; 8 minutes)
# make bench-turns      turn-taking: a corpus of callers and noises over telephone lines, beside others' numbers
# make bench-understanding   how often callers are understood, people and voices, beside matching the text alone
# make carrier  put our own build of PJSUA2 into the environment: 1000 calls, TLS, Python 3.13 (docker/pjsua2)
# make sanitized VENV=.venv-sanitized   an environment with AddressSanitizer in PJSUA2 (tests/hostile/README.md)
# make stock    put the stock wheel back
# make lint     ruff and mypy
# make clean    remove the virtual environment and what tools left (the model cache stays)
#
# TEST_PROCESSES=8 runs tests in so many processes at once; most of them wait, so that is more than there are cores.
# PYTHON=/path/to/python3.12 names the interpreter; otherwise python3.12 and python3.11 are looked for.

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PLAN ?= dialplans/demo.yaml
ARGS ?=
TEST_PROCESSES ?= 4

.PHONY: run install test test-unit test-campaigns test-system docker-check bench bench-capacity bench-turns bench-understanding carrier sanitized stock lint clean venv models

run: install
	@exec $(BIN)/ivr serve $(PLAN) $(ARGS)

install: $(VENV)/.installed models

models: $(VENV)/.installed
	@$(BIN)/ivr models fetch --quiet

test: $(VENV)/.installed-dev
	@tools/test-packages.sh
	@$(BIN)/ivr models fetch --quiet
	@tools/test.sh $(BIN)/python $(TEST_PROCESSES) $(ARGS)

test-unit: $(VENV)/.installed-dev
	@tools/test-packages.sh
	@$(BIN)/ivr models fetch --quiet
	@tools/test.sh $(BIN)/python $(TEST_PROCESSES) -m 'not integration and not timing and not system and not campaign' $(ARGS)

test-campaigns: $(VENV)/.installed-dev
	@tools/test-packages.sh
	@$(BIN)/ivr models fetch --quiet
	@tools/test.sh $(BIN)/python $(TEST_PROCESSES) -m campaign $(ARGS)

test-system: $(VENV)/.installed-dev
	@tools/test-packages.sh debootstrap kamailio kamailio-tls-modules
	@$(BIN)/ivr models fetch --quiet
	@tools/test.sh $(BIN)/python $(TEST_PROCESSES) -m system $(ARGS)

docker-check: $(VENV)/.installed-dev
	@tools/test-packages.sh debootstrap
	@$(BIN)/ivr models fetch --quiet
	$(BIN)/python -m pytest -m 'system or not system' tests/docker -rs $(ARGS)

bench: $(VENV)/.installed-dev
	@tools/test-packages.sh
	@$(BIN)/ivr models fetch --quiet
	$(BIN)/python -m tests.bench $(ARGS)

# It puts the carrier build into the environment (`make stock` goes back).
bench-capacity: export PJSUA2 = carrier
bench-capacity: $(VENV)/.installed-dev
	@tools/test-packages.sh debootstrap
	@docker/pjsua2/install.sh $(VENV)
	@$(BIN)/ivr models fetch --quiet
	$(BIN)/python -m tests.bench.capacity $(ARGS)

bench-turns: $(VENV)/.installed-dev
	@tools/test-packages.sh asterisk-core-sounds-fr-wav openarena-081-players
	@$(BIN)/ivr models fetch --quiet
	$(BIN)/python -m tests.bench.turns $(ARGS)

bench-understanding: $(VENV)/.installed-dev
	@tools/test-packages.sh ktuberling-data festival festvox-kallpc16k
	@$(BIN)/ivr models fetch --quiet
	$(BIN)/python -m tests.bench.understanding --today $(ARGS)

# The first time it takes a few minutes; the wheel is kept in the project's cache.
carrier: export PJSUA2 = carrier
carrier: $(VENV)/.installed
	@docker/pjsua2/install.sh $(VENV)

sanitized: export PJSUA2 = carrier
sanitized: $(VENV)/.installed-dev
	@docker/pjsua2/install.sh --sanitize $(VENV)

stock: $(VENV)/.installed
	@docker/pjsua2/install.sh --stock $(VENV)

lint: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

# The stamps live inside the environment, so a new environment is filled again.
venv:
	@tools/venv.sh $(VENV)

$(VENV)/.installed: pyproject.toml | venv
	@echo "installing the service and its local engines (some 300 MB the first time)"
	@$(PIP) install -e '.[local]'
	@docker/pjsua2/install.sh --again $(VENV)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | venv
	@echo "installing the service, its local engines and the test tools"
	@$(PIP) install -e '.[local,test,lint]'
	@docker/pjsua2/install.sh --again $(VENV)
	@touch $(VENV)/.installed $@
