# make demo, make test: each sets up all it needs (setup.sh)
PYTHON = .venv/bin/python

.PHONY: demo test lint wheel clean
.NOTPARALLEL:

demo:
	@./setup.sh demo
	@if [ -e .venv/host-only ]; then .venv/bin/rtrl-edge demo --host-only; else .venv/bin/rtrl-edge demo; fi

test:
	@./setup.sh test
	@if [ -e .venv/host-only ]; then echo "test: WITHOUT the emulated chips, see above"; export RTRL_EDGE_HOST_ONLY=1; fi; \
	    $(MAKE) --no-print-directory lint && $(PYTHON) -m pytest -n 2 tests

lint:
	@[ -e .venv/stamp-test ] || ./setup.sh test
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

wheel:
	@[ -x $(PYTHON) ] || ./setup.sh demo
	@$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf build dist .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
