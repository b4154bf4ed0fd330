#!/usr/bin/env bash
# argilla 2.8.0: records written by to_json no longer say which answers were discarded.
#
# The nested form, which `records.to_json` writes, keeps value and user of a response and drops its status: an answer
# that the annotator discarded or left as a draft looks like one that was submitted. The flattened form keeps it.
# Also: `import argilla` needs `requests`, which the package does not declare; since huggingface_hub 1.0 speaks httpx,
# nothing else brings it along.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check argilla==2.8.0 datasets==5.2.0 huggingface_hub==2.4.0
if "$work/venv/bin/python" -c "import argilla" 2>"$work/fault"; then
    echo "argilla imports by itself now"; exit 1
fi
grep "No module named 'requests'" "$work/fault"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check requests==2.34.2
"$work/venv/bin/python" - <<'PY'
from uuid import uuid4

import argilla as rg
from argilla.records._io import GenericIO

answer = rg.Response("topic", "roads", user_id=uuid4(), status="discarded")
record = rg.Record(fields={"text": "The lamp is out"}, responses=[answer])
nested, flat = (GenericIO.to_list([record], flatten=flatten)[0] for flatten in (False, True))
kept = nested["responses"]["topic"][0]
print("nested:", sorted(kept), "| flattened:", flat["topic.responses.status"])
assert sorted(kept) == ["user_id", "value"]
assert flat["topic.responses.status"] == ["discarded"]
PY
