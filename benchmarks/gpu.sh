#!/usr/bin/env bash
# Checks and timings on a machine with an NVIDIA GPU: benchmarks/gpu.sh OUT [DATA]
# The collapse study at the published size (NAS-Bench-201, C = 16, N = 5, half of CIFAR-10's training
# images for the weights, 50 epochs, 3 seeds; hours) is a command of its own:
#   python3 experiments/collapse.py --data cifar10 --table nasbench201.csv.gz --device cuda --out OUT \
#       --runs darts-first random xnas "xnas, no none" "xnas, no none, warm-up, its L" \
#           "xnas, no none, warm-up, AdaHedge"
# Called again, it continues where it stopped.
# The laws of the core and of EdgeExperts on CUDA, then a search on DATA (default: digits) on the GPU and on the CPU.
# Needs the project's dependencies on the machine; prints seconds per step and their ratio.
set -euo pipefail
out=${1:?usage: benchmarks/gpu.sh OUT [DATA]}
data=${2:-digits}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PYTHONPATH=$PWD

nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
EXPERTS_TEST_DEVICE=cuda python3 -m pytest tests/experts/test_laws.py -k other_libraries-torch
EXPERTS_TEST_DEVICE=cuda python3 -m pytest tests/nas_adapter/edges
for device in cuda cpu; do
    python3 experiments/run_xnas.py --data "$data" --device $device --out "$out/$device" \
        --baselines 1
done
python3 - "$out" <<'PYTHON'
import json, sys
from pathlib import Path
steps = {}
for device in ("cuda", "cpu"):
    result = json.loads((Path(sys.argv[1]) / device / "result.json").read_text())
    steps[device] = result["seconds_per_step"]
    print(device, result["device"], result["versions"]["torch"], f"{steps[device]:.4f} s a step,",
          f"{result['peak_memory_mib']:.0f} MiB, test accuracy {result['test_accuracy']:.4f}")
print(f"ratio cpu / cuda: {steps['cpu'] / steps['cuda']:.2f}")
PYTHON
