# make demo: watch a face move. make test: lint, types and all tests. Both set everything up in .venv, build, install.
PYTHON ?= python3
SHELL := /bin/bash
# As a word of the shell, whatever stands in the path.
root := '$(subst ','\'',$(CURDIR))'
python := .venv/bin/python
# The modules that people import.
public := $(shell cat docs/public_modules.txt)

# Python sources are installed as links, so only what is generated or listed needs a new build.
listed := $(shell find src lab config foxglove launch meshes models rviz -type f -not -name '*.pyc' | LC_ALL=C sort)
compiled := CMakeLists.txt package.xml wheels/relocate_targets.cmake $(wildcard action/*.action msg/*.msg srv/*.srv src/*/setup.cfg lab/*/setup.cfg)

.PHONY: demo test setup setup-test lint types colcon-test docs clean FORCE

demo: setup
	@./imusic demo

test: setup-test lint types
	@root=$(root) && source wheels/environment.sh && $(python) -m pytest --durations=10 $(PYTEST_ARGS)

setup: install/.built

setup-test: setup .venv/.test

lint: setup-test
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

types: setup-test
	@.venv/bin/mypy

# The suite as `colcon test` runs it, built beside what `make setup` built; TESTS=tests/imu_driver runs a part of it.
TESTS ?= tests
colcon-test: setup-test
	@root=$(root) && source wheels/environment.sh && unset PYTHONPATH && base=$$root/build/colcon && \
	  colcon --log-base "$$base/log" build --base-paths . --build-base "$$base/build" --install-base "$$base/install" \
	    --symlink-install --cmake-args -DBUILD_TESTING=ON "-DIMUSIC_TESTS=$(TESTS)" "-DPython3_EXECUTABLE=$$root/$(python)" \
	    "-DCMAKE_PROJECT_INCLUDE=$$root/wheels/relocate_targets.cmake" && \
	  colcon --log-base "$$base/log" test --base-paths . --build-base "$$base/build" --install-base "$$base/install" \
	    --event-handlers console_direct+ --return-code-on-test-failure

# The Python API as pages, from the docstrings.
docs: setup-test
	@root=$(root) && source wheels/environment.sh && $(python) -W error -m pdoc --docformat google --output-directory docs/api \
	  $(public)
	@echo "The pages are docs/api/index.html"

clean:
	rm -rf .venv build install log docs/api

.venv/bin/python:
	@$(PYTHON) wheels/check_place.py $(root)
	@$(PYTHON) wheels/check_python.py
	$(PYTHON) -m venv .venv

.venv/.run: requirements/run.txt | .venv/bin/python
	@echo "Installing ROS 2 and the libraries into .venv (once, about a minute)"
	@.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv/.test: requirements/test.txt .venv/.run
	@echo "Installing the test tools into .venv (once)"
	@.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

build/listed: FORCE
	@mkdir -p build && touch build/COLCON_IGNORE
	@printf '%s\n' $(listed) | cmp --silent - $@ || printf '%s\n' $(listed) > $@

install/.built: .venv/.run build/listed $(compiled)
	@$(PYTHON) wheels/check_place.py $(root)
	@echo "Building the ROS 2 package (about 20 s)"
	@rm -rf install/imusic # what was renamed or deleted since must not stay
	@root=$(root) && source wheels/environment.sh && unset PYTHONPATH && colcon --log-base build/log build --base-paths . \
	  --symlink-install --event-handlers console_direct+ \
	  --cmake-force-configure --cmake-args -DBUILD_TESTING=OFF "-DPython3_EXECUTABLE=$$root/$(python)" \
	  "-DCMAKE_PROJECT_INCLUDE=$$root/wheels/relocate_targets.cmake" > build/build.log 2>&1 \
	  || { tail -n 40 build/build.log; echo "The build failed; the whole log is build/build.log"; exit 1; }
	@$(python) wheels/repair_programs.py install/imusic/lib/imusic
	@touch $@
