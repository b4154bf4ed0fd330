#!/usr/bin/env bash
# krippendorff 0.9.0: a category that is called "nan" counts as a missing value, without a word.
#
# Six items, two annotators, text categories, one of them named "nan" (a brand, a bread, a person). Where the second
# annotator says "cat" and the first says "nan", the disagreement disappears and alpha is 1.0; with the category
# renamed the same table has alpha 0.766. A pandas column (dtype object) is refused instead.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check krippendorff==0.9.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import krippendorff
import numpy as np

first = ["cat", "dog", "nan", "nan", "cat", "dog"]
second = ["cat", "dog", "nan", "cat", "cat", "dog"]
renamed = [[name.replace("nan", "gnat") for name in row] for row in (first, second)]
as_named = krippendorff.alpha(reliability_data=np.array([first, second]), level_of_measurement="nominal")
as_renamed = krippendorff.alpha(reliability_data=np.array(renamed), level_of_measurement="nominal")
print(f'a class named "nan": alpha {as_named:.3f}; the same class renamed: alpha {as_renamed:.3f}')
assert as_named == 1.0 and abs(as_renamed - 0.766) < 0.001
try:
    krippendorff.alpha(reliability_data=np.array([first, second], dtype=object), level_of_measurement="nominal")
except ValueError as error:
    print(f"object array: {error}")
else:
    raise AssertionError("object arrays are taken now")
PY
