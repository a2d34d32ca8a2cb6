# Short names for the usual commands. Nothing needs make: every line can be typed by itself.
.PHONY: setup check test test-quick lock bench

setup:
	python3 -m venv .venv
	.venv/bin/pip install -q --require-hashes -r requirements.lock
	.venv/bin/pip install -q -e '.[dev]'

check:
	.ci/checks

test:
	.venv/bin/python -m pytest -n auto

# what starts no Postgres
test-quick:
	.venv/bin/python -m pytest -n auto -m "not db"

# keeps the versions that still fit; newer ones: make lock UPGRADE=--upgrade
lock:
	.venv/bin/pip install -q 'uv>=0.5'
	.venv/bin/uv pip compile pyproject.toml --output-file requirements.lock --extra notify --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet $(UPGRADE)

bench:
	.venv/bin/python -m benchmarks.speed --orders 20000 --runs 3
