# IdentityCall Alerts: `make` lists what there is. Everything sets itself up in .venv/ and .tools/; only Python 3.11 to
# 3.14 with venv, and make, must be there. A second run finds the environments ready and costs nothing.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The interpreter to set up with; empty: the first one that will do.
export PYTHON
export SAM_CLI_TELEMETRY := 0

STAGE ?= dev
STACK ?= identitycall-alerts$(if $(filter-out prod,$(STAGE)),-$(STAGE))
VENV := .venv/.ready
SAM_READY := .tools/sam/.ready
EMULATOR := .tools/emulator/.ready
AUDIT := .tools/audit/.ready
SAM := PATH="$(CURDIR)/.venv/bin:$$PATH" .tools/sam/bin/sam
LOCAL := .venv/bin/python -m local
OPERATOR := .tools/operator/.ready
ICA := .venv/bin/ica
CODE := $(wildcard src cli tests local benchmarks)

.PHONY: help
help: ## What this list shows
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Everyday

.PHONY: setup
setup: $(VENV) $(SAM_READY) $(EMULATOR) $(ICA) ## Make every environment, with `ica` in .venv/bin; the other targets do it where needed
	@echo 'Ready. .venv/bin/ica works on a deployed stack; `make up` starts one on this machine.'

.PHONY: run
run: $(VENV) $(SAM_READY) $(EMULATOR) ## The whole stack on this machine, with alerts arriving  [API_KEY= API_URL= RECORDINGS=]
	@$(LOCAL) run

.PHONY: up
up: $(VENV) $(SAM_READY) $(EMULATOR) ## The local stack stays up until Ctrl-C, for `sam local invoke` and everything else  [PORT=4566]
	@$(LOCAL) up $(if $(PORT),--port $(PORT))

.PHONY: test
test: $(VENV) $(SAM_READY) $(EMULATOR) $(ICA) ## Every test  [ARGS="tests/unit -k rules"]
	@.venv/bin/python -m $(if $(ARGS),pytest $(ARGS),tests)

.PHONY: test-docker
test-docker: $(VENV) $(SAM_READY) $(EMULATOR) ## Each function in a real container of `sam local invoke`; needs Docker  [IMAGE=name:tag where AWS's cannot be pulled]
	@IMAGE="$(IMAGE)" .venv/bin/python -m pytest tests/docker --capture=no

.PHONY: check
check: check-format check-lint check-types check-layers check-template check-tree check-vulnerabilities ## Every check CI makes, tests aside

.PHONY: format
format: $(VENV) ## Format the code, and mend what lint can mend
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

.PHONY: schema
schema: $(VENV) ## docs/rules.schema.json from the models of the rules
	@PYTHONPATH=src .venv/bin/python -m local.rules_schema

.PHONY: invoke
invoke: $(VENV) $(SAM_READY) $(EMULATOR) ## One event through one function, without Docker  FUNCTION=evaluate|slack|webhook|discovery EVENT=events/….json [PORT=4566]
	@.venv/bin/python -m local.invoke $(call required,FUNCTION) $(call required,EVENT) $(if $(PORT),--port $(PORT))

.PHONY: bench
bench: $(VENV) $(SAM_READY) $(EMULATOR) ## What it costs, as ratios to the bare calls and to the textbook way  [PART=]
	@.venv/bin/python -m benchmarks $(PART)

.PHONY: simulate
simulate: $(VENV) ## As many seeds of the simulator as wanted, on all cores; the trace of a broken one is printed  [SEEDS=2000 FIRST=0]
	@PYTHONPATH=src .venv/bin/python -m tests.simulation --seeds $(or $(SEEDS),2000) --first $(or $(FIRST),0)

.PHONY: mutations
mutations: $(VENV) ## The simulator's teeth: the delivery code broken in each named way, and each one caught
	@PYTHONPATH=src .venv/bin/python -m tests.simulation mutations

##@ On AWS

.PHONY: deploy
deploy: export SET := $(SET)
deploy: $(VENV) $(SAM_READY) $(OPERATOR) ## Build and deploy; what is offered comes from the stack  [STAGE=dev STACK= REGION= GUIDED=no SET="AlertEmail=… MaxPauseMs=…" RUNTIME= ARCHITECTURE=]
	@PATH="$(CURDIR)/.venv/bin:$(CURDIR)/.tools/sam/bin:$$PATH" .tools/operator/bin/python -m cli.deploy \
		--stack "$(STACK)" --region "$(REGION)" $(if $(filter no,$(GUIDED)),--unattended,$(if $(GUIDED),$(error GUIDED is `no`, or not given))) \
		$(if $(filter file,$(origin STAGE)),,Stage=$(STAGE)) $(if $(RUNTIME),PythonRuntime=$(RUNTIME)) \
		$(if $(ARCHITECTURE),Architecture=$(ARCHITECTURE)) --set "$$SET"

.PHONY: send
send: $(ICA) ## Put one event into a deployed stack, and show its outcome  RECORDING=123 STACK=… [REGION=]
	@$(ICA) send $(call required,RECORDING) --stack "$(STACK)" $(if $(REGION),--region $(REGION))

.PHONY: discover
discover: $(ICA) ## Look for new recordings now, or for those of the past  STACK=… [REGION= HISTORY_HOURS=48]
	@$(ICA) discover --stack "$(STACK)" $(if $(REGION),--region $(REGION)) $(if $(HISTORY_HOURS),--history-hours $(HISTORY_HOURS))

##@ Parts of check

.PHONY: check-format
check-format: $(VENV) ## Is everything formatted
	@.venv/bin/ruff format --check .

.PHONY: check-lint
check-lint: $(VENV) ## ruff
	@.venv/bin/ruff check .

.PHONY: check-types
check-types: $(VENV) ## mypy, strict
	@.venv/bin/mypy $(CODE)

.PHONY: check-layers
check-layers: $(VENV) ## handlers → runtime → adapters → domain
	@PYTHONPATH=src .venv/bin/lint-imports --no-cache --no-logo

.PHONY: check-template
check-template: $(VENV) $(SAM_READY) $(AUDIT) ## template.yaml: sam validate, cfn-lint with the serverless rules, checkov
	@AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint
	@.venv/bin/cfn-lint --append-rules cfn_lint_serverless.rules --template template.yaml
	@.tools/audit/bin/checkov --config-file .checkov.yaml

.PHONY: check-tree
check-tree: $(VENV) ## Locks in step; no registry address and no machine's path in any file
	@.venv/bin/python -m local.check_tree

.PHONY: check-vulnerabilities
check-vulnerabilities: $(VENV) $(AUDIT) ## Known vulnerabilities of the pinned packages, where osv.dev can be reached
	@.venv/bin/python -m local.check_vulnerabilities

##@ Keeping house

.PHONY: lock
lock: .tools/uv/.ready ## Compile the locks anew from the .in files  [UPGRADE="--upgrade"]
	@set -e; for name in src/requirements $(basename $(wildcard requirements/*.in)); do \
		echo "▸ $$name.txt"; \
		(cd "$$(dirname $$name)" && "$(CURDIR)/.tools/uv/bin/uv" pip compile --quiet --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(UPGRADE) \
			--output-file "$$(basename $$name).txt" "$$(basename $$name).in"); \
	done

.PHONY: clean
clean: ## Remove the environments, builds and caches
	rm -rf .venv .tools build .aws-sam .hypothesis .mypy_cache .pytest_cache .ruff_cache

# ── Environments ─────────────────────────────────────────────────────────────────────────────────────────────────────

.tools/uv/.ready: requirements/uv.txt
	@local/environment.sh .tools/uv $<

.tools/%/.ready: requirements/%.txt .tools/uv/.ready
	@local/environment.sh .tools/$* $<

.venv/.ready: requirements/dev.txt .tools/uv/.ready
	@local/environment.sh .venv $<

# The operator's command: its packages are apart from those that the functions are tested with.
$(ICA): local/ica.sh $(VENV) $(OPERATOR)
	@install -m 755 local/ica.sh $@

# A value that has no sensible default: $(call required,NAME)
required = $(if $($(1)),"$($(1))",$(error say $(1)=…; `make` lists what each target wants))
