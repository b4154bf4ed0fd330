#!/usr/bin/env bash
# pyreadstat 1.3.7: value labels cannot be applied where rows are read as a dictionary.
#
# read_sav(..., output_format="dict") reads the numbers; with apply_value_formats=True, which every output format is
# documented to take, the same file raises a TypeError about the dictionary that the library itself made. Read the
# numbers, and apply metadata.variable_value_labels by hand.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pyreadstat==1.3.7 pandas==3.1.1 numpy==2.4.6
WORK="$work" "$work/venv/bin/python" - <<'PY'
import os

import pandas as pd
import pyreadstat

path = os.path.join(os.environ["WORK"], "answers.sav")
answers = pd.DataFrame({"content": [1.0, 2.0]})
pyreadstat.write_sav(answers, path, variable_value_labels={"content": {1: "yes", 2: "no"}})
numbers, metadata = pyreadstat.read_sav(path, output_format="dict")
print("numbers:", dict(numbers), "labels:", metadata.variable_value_labels)
try:
    pyreadstat.read_sav(path, output_format="dict", apply_value_formats=True)
except TypeError as error:
    print("TypeError:", error)
    assert "OrderedDict" in str(error)
else:
    raise AssertionError("value labels are applied to dictionaries now")
PY
