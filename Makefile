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
# RUNTIME and ARCHITECTURE: what to build for; see local/overrides.py for what holds where they are not given.
VENV := .venv/.ready
SAM_READY := .tools/sam/.ready
EMULATOR := .tools/emulator/.ready
AUDIT := .tools/audit/.ready
SAM := PATH="$(CURDIR)/.venv/bin:$$PATH" .tools/sam/bin/sam
# The template's parameters as "$$@", the same for build and deploy.
WITH_OVERRIDES = set -e; overrides=$$(.venv/bin/python -m local.overrides $(STAGE) "$(RUNTIME)" "$(ARCHITECTURE)"); \
	eval "set -- $$overrides";
LOCAL := .venv/bin/python -m local
CODE := $(wildcard src tests local benchmarks)

.PHONY: help
help: ## What this list shows
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Everyday

.PHONY: run
run: $(VENV) $(SAM_READY) $(EMULATOR) ## The whole stack on this machine, with alerts arriving  [API_KEY= API_URL= RECORDINGS=]
	@$(LOCAL) run

.PHONY: up
up: $(VENV) $(SAM_READY) $(EMULATOR) ## The local stack stays up until Ctrl-C, for `sam local invoke` and everything else  [PORT=4566]
	@$(LOCAL) up $(if $(PORT),--port $(PORT))

.PHONY: test
test: $(VENV) $(SAM_READY) $(EMULATOR) ## Every test  [ARGS="tests/unit -k rules"]
	@.venv/bin/python -m $(if $(ARGS),pytest $(ARGS),tests)

.PHONY: check
check: check-format check-lint check-types check-layers check-template check-tree ## Every check CI makes, tests aside

.PHONY: format
format: $(VENV) ## Format the code, and mend what lint can mend
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

.PHONY: invoke
invoke: $(VENV) $(SAM_READY) $(EMULATOR) ## One event through one function, without Docker  FUNCTION=evaluate|slack|webhook|discovery EVENT=events/….json [PORT=4566]
	@.venv/bin/python -m local.invoke $(call required,FUNCTION) $(call required,EVENT) $(if $(PORT),--port $(PORT))

.PHONY: bench
bench: $(VENV) $(SAM_READY) $(EMULATOR) ## What it costs, as ratios to the bare calls and to the textbook way  [PART=]
	@.venv/bin/python -m benchmarks $(PART)

.PHONY: simulate
simulate: $(VENV) ## As many seeds of the simulator as wanted, on all cores; a broken one tells its story  [SEEDS=2000 FIRST=0]
	@PYTHONPATH=src .venv/bin/python -m tests.simulation --seeds $(or $(SEEDS),2000) --first $(or $(FIRST),0)

.PHONY: mutations
mutations: $(VENV) ## The simulator's teeth: the delivery code broken in each named way, and each one caught
	@PYTHONPATH=src .venv/bin/python -m tests.simulation mutations

.PHONY: chaos
chaos: $(VENV) $(SAM_READY) $(EMULATOR) .tools/chaos/.ready ## 1,000 events while vendor, Slack, workers and AWS itself fail: then the books must balance
	@.venv/bin/python -m pytest tests/chaos --aws-faults --capture=no

##@ On AWS

.PHONY: build
build: $(VENV) $(SAM_READY) ## Build for Lambda  [STAGE=dev RUNTIME=python3.13 ARCHITECTURE=arm64]
	@$(WITH_OVERRIDES) $(SAM) build --config-env $(STAGE) --parameter-overrides "$$@"

.PHONY: deploy
deploy: build ## Build, deploy with questions asked, and show how secrets are stored  [STAGE=dev STACK=]
	@echo 'Keep the PythonRuntime and Architecture that are offered: the build is for them.'
	@$(WITH_OVERRIDES) $(SAM) deploy --guided --config-env $(STAGE) --stack-name $(STACK) --parameter-overrides "$$@"
	@printf '\n%s\n' 'Store each secret with one command (it reads what you paste, so that no shell history keeps it):'
	@for secret in api-key slack-webhook-url; do printf "\n  %s\n" "read -rs SECRET && aws ssm put-parameter \
	--type SecureString --overwrite --name /$(STACK)/$$secret --value \"\$$SECRET\"; unset SECRET"; done
	@printf '\n  %s\n' 'For webhooks (WebhookUrl above): SECRET="whsec_$$(openssl rand -base64 32)"; echo "$$SECRET"; aws ssm put-parameter --type SecureString --overwrite --name /$(STACK)/webhook-secret --value "$$SECRET"; unset SECRET'
	@printf '\n%s\n' 'Then try it: make send STACK=$(STACK) RECORDING=<the id of an analysed recording>'

.PHONY: send
send: $(VENV) ## Put one event into a deployed stack, and show its outcome  RECORDING=123 STACK=…
	@$(LOCAL) send --recording $(call required,RECORDING) --stack $(STACK)

.PHONY: discover
discover: $(VENV) ## Look for new recordings now, or for those of the past  STACK=… [HISTORY_HOURS=48]
	@$(LOCAL) discover --stack $(STACK) $(if $(HISTORY_HOURS),--history-hours $(HISTORY_HOURS))

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
check-layers: $(VENV) ## handlers → adapters → domain
	@PYTHONPATH=src .venv/bin/lint-imports --no-cache --no-logo

.PHONY: check-template
check-template: $(VENV) $(SAM_READY) $(AUDIT) ## template.yaml: sam validate, cfn-lint with the serverless rules, checkov
	@AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint
	@.venv/bin/cfn-lint --append-rules cfn_lint_serverless.rules --template template.yaml
	@.tools/audit/bin/checkov --config-file .checkov.yaml

.PHONY: check-tree
check-tree: $(VENV) ## Locks in step; no registry address and no machine's path in any file
	@.venv/bin/python -m local.check_tree

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

# A value that has no sensible default: $(call required,NAME)
required = $(if $($(1)),"$($(1))",$(error say $(1)=…; `make` lists what each target wants))
