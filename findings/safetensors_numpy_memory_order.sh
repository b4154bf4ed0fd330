#!/usr/bin/env bash
# safetensors 0.8.0: an array that does not lie in C order in memory is written with its values in other places, without
# a word.
#
# `safetensors.numpy.save_file` writes the memory as it lies beside the array's own shape. A transposed matrix, a
# column of one, or the directions that numpy.linalg.svd gives transposed, come back with other values in the same
# shape. 0.7.0 wrote what the array says. The torch side refuses tensors that are not contiguous. (Reported upstream as
# issue 825 of safetensors.) What saves numpy arrays has to make them contiguous first.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cat > "$work/look.py" <<'PY'
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

rows = np.arange(12, dtype=np.float32).reshape(4, 3)
_, _, directions = np.linalg.svd(rows, full_matrices=False)
arrays = {"rows": rows, "turned": rows.T, "column": rows[:, 1], "directions": directions.T}
save_file(arrays, sys.argv[1])
back = load_file(sys.argv[1])
for name, array in arrays.items():
    same_shape = back[name].shape == array.shape
    values = "values kept" if np.array_equal(back[name], array) else "VALUES MOVED"
    print(name, "shape kept" if same_shape else "shape lost", values)
PY
for version in 0.7.0 0.8.0; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install --quiet --disable-pip-version-check "safetensors==$version" numpy==2.4.6
  echo "safetensors $version"
  "$work/$version/bin/python" "$work/look.py" "$work/$version.safetensors" | tee "$work/$version.txt"
done
[ "$(grep -c 'shape kept values kept' "$work/0.7.0.txt")" = 4 ]
[ "$(grep -c 'shape kept VALUES MOVED' "$work/0.8.0.txt")" = 3 ]
