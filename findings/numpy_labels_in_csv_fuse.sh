#!/usr/bin/env bash
# pandas 3.1.1 + ast.literal_eval: a set of labels held in a NumPy array comes back from CSV as one fused label.
#
# to_csv writes the array as it prints, ['late' 'broken'], without a comma. literal_eval, the usual way to read a list
# from a cell, joins the two string literals and answers ['latebroken']: no error, one label that nobody gave.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import ast
import io

import numpy as np
import pandas as pd

table = pd.DataFrame({"text": ["The parcel came late and was broken"], "labels": [np.array(["late", "broken"])]})
cell = pd.read_csv(io.StringIO(table.to_csv(index=False)))["labels"][0]
read = ast.literal_eval(cell)
print(f"cell {cell!r} -> {read!r}")
assert cell == "['late' 'broken']"
assert read == ["latebroken"]
PY
