#!/usr/bin/env bash
# langsmith 0.15.0: where it is installed, every pytest process loads its plugin, and with it pytest's plugin loads
# the LangSmith client, although no test mentions it.
#
# langchain-core requires langsmith, and langsmith registers a pytest plugin by entry point (`langsmith_plugin`). A test
# that imports nothing finds langsmith.client, requests and pydantic loaded. `-p no:langsmith_plugin` leaves them out.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pytest==9.2.0 langsmith==0.15.0
cat > "$work/test_nothing.py" <<'PY'
import sys


def test_what_is_loaded():
    names = [name for name in ("langsmith.client", "requests", "pydantic", "httpx") if name in sys.modules]
    print("\nloaded:", *names or ["nothing"], f"({len(sys.modules)} modules)")
PY
cd "$work"
run() { "$work/venv/bin/python" -m pytest -q -s -p no:cacheprovider "$@" test_nothing.py | grep "loaded:"; }
echo "as it comes:"; with=$(run); echo "$with"
echo "with -p no:langsmith_plugin:"; without=$(run -p no:langsmith_plugin); echo "$without"
grep -q "langsmith.client" <<< "$with"
grep -q "nothing" <<< "$without"
