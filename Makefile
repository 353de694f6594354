# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The first that runs and is new enough: a pyenv shim may exist and still refuse.
ifeq ($(origin SYSTEM_PYTHON),undefined)
SYSTEM_PYTHON := $(shell for candidate in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$candidate; break; }; done)
endif
PYTHON := .venv/bin/python
PREPARE = $(SYSTEM_PYTHON) -m tests.tools.prepare

.DEFAULT_GOAL := help
.PHONY: help demo test check soak lab lab-down lab-shell bench constraints clean python environment environment-newest environment-lab

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: environment-lab ## One service from blue to green on a real control plane, with traffic flowing
	@$(PYTHON) -m tests.demo

test: environment-lab environment-newest ## Everything that CI runs
	@$(PYTHON) -m tests.tools.everything

check: environment-newest ## Lint, types and unit tests: no lab, some three minutes
	@$(PYTHON) -m tests.tools.check

soak: environment-lab ## The long matrices, some two hours; run again, it goes on where it was
	@$(PYTHON) -m tests.soak

lab: environment-lab ## Start a lab, leave it up and say how to use it
	@$(PYTHON) -m tests.lab up
	@$(PYTHON) -m tests.lab status
	@echo
	@echo "make lab-shell    a shell inside it, with kubectl, ansible-playbook and KUBECONFIG"
	@echo "make lab-down     ends it"
	@echo "tests/lab/README.md says what chooses a pod's behaviour, and how to send requests"

lab-down: environment ## Stop the lab
	@$(PYTHON) -m tests.lab down

lab-shell: environment-lab ## A shell inside the lab, with KUBECONFIG set
	@$(PYTHON) -m tests.lab up
	@PATH="$(CURDIR)/.venv/bin:$$PATH" ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/.tree" MOLECULE_GLOB='molecule/*/molecule.yml' \
		$(PYTHON) -m tests.lab run -- $${SHELL:-/bin/sh}

bench: environment-lab ## What a traffic step costs, beside other ways to write it, and how long a rollback takes
	@$(PYTHON) -m tests.bench

constraints: environment ## Write down what the environment holds, after a change of its requirements
	@$(PYTHON) -m tests.tools.constraints

clean: ## Remove what make has made here; downloads and builds outside stay
	@if [ -x $(PYTHON) ] && [ -d .lab ]; then $(PYTHON) -m tests.lab down; fi
	rm -rf .venv .venv-newest .tree .sanity .lab .logs .build .mypy_cache .ruff_cache .pytest_cache .hypothesis

python:
	@test -n "$(SYSTEM_PYTHON)" || { echo "Python >= 3.11 is missing: install python3.11 and python3.11-venv (or newer)" >&2; exit 1; }

environment: python
	@$(PREPARE)

environment-newest: python
	@$(PREPARE) --newest

environment-lab: python
	@$(PREPARE) --lab
