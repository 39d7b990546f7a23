#!/usr/bin/env bash
# Checks and timings on a machine with an NVIDIA GPU, in under eight minutes:
#   benchmarks/gpu.sh OUT [PEER]
# PEER: a checkout of quark0/darts. Leaves OUT/result.json and a log of each part; a part that fails or
# takes too long does not stop the others. DEVICE=cpu tries the script with tiny networks.
# The collapse study at the published size (NAS-Bench-201, C = 16, N = 5, half of CIFAR-10's training
# images for the weights, 50 epochs, 3 seeds; hours) is a command of its own:
#   python3 experiments/collapse.py --data cifar10 --table nasbench201.csv.gz --device cuda --out OUT \
#       --runs darts-first random xnas "xnas, no none" "xnas, no none, warm-up, its L" \
#           "xnas, no none, warm-up, AdaHedge"
# Called again, it continues where it stopped.
set -uo pipefail
out=$(realpath -m "${1:?usage: benchmarks/gpu.sh OUT [PEER]}")
peer=${2:+--peer $(realpath "$2")}
device=${DEVICE:-cuda}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} EXPERTS_TEST_DEVICE=$device
mkdir -p "$out"

if [ "$device" = cuda ]; then
    nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader | tee "$out/gpu.txt"
    steps=1000 size="--epochs 12 --retrain-epochs 6"
else
    steps=5 size="--epochs 2 --retrain-epochs 1 --channels 4 --batch-size 240" small=--smoke
fi

part() { # part NAME SECONDS COMMAND...: run a part, note how it ended
    local name=$1 limit=$2 start=$SECONDS
    shift 2
    timeout -s KILL "$limit" "$@" >"$out/$name.log" 2>&1
    echo "$name $? $((SECONDS - start))" | tee -a "$out/parts.txt"
    tail -n 12 "$out/$name.log"
}
search() { # search NAME OPTIONS...: a short published search
    local name=$1
    shift
    python3 experiments/run_xnas.py --data digits --preset published --decide search --baselines 0 \
        --device "$device" --out "$out/$name" $size "$@"
}
killed() { # a search that is killed after its first checkpoint, then resumed
    search resumed &
    local run=$!
    until [ -e "$out/resumed/checkpoint.pt" ]; do
        kill -0 $run || return 1
        sleep 0.2
    done
    pkill -KILL -P $run # the program; $run is the shell that waits for it
    wait $run
    search resumed --resume
}
export -f search killed
export out device size

: >"$out/parts.txt"
part timings 220 python3 benchmarks/supernet.py --device "$device" --out "$out/timings" $peer ${small:-}
part search 60 python3 benchmarks/supernet.py --device "$device" --out "$out/steps" --steps $steps ${small:-}
for precision in tf32 float32 bf16; do
    part "$precision" 35 bash -c "search $precision --precision $precision"
done
part resume 45 bash -c killed
part laws 50 python3 -m pytest tests/experts/test_laws.py tests/nas_adapter/edges \
    -k "other_libraries-torch or edges"

python3 - "$out" <<'PYTHON'
import json, sys
from pathlib import Path
out = Path(sys.argv[1])
read = lambda path: json.loads(path.read_text()) if path.exists() else None
kept = ("seconds_per_step", "valid_accuracy", "test_accuracy", "test_loss", "search_seconds",
        "peak_memory_mib", "device", "versions", "wiped_out")
searches = {name: read(out / name / "result.json") for name in ("tf32", "float32", "bf16", "resumed")}
parts = [line.split() for line in (out / "parts.txt").read_text().splitlines()]
(out / "result.json").write_text(json.dumps({
    "gpu": (out / "gpu.txt").read_text().strip() if (out / "gpu.txt").exists() else None,
    "parts": {name: {"exit_code": int(code), "seconds": int(took)} for name, code, took in parts},
    "timings": read(out / "timings/result.json"),
    "steps_in_a_row": read(out / "steps/result.json"),
    "searches": {name: found and {key: found[key] for key in kept} for name, found in searches.items()},
}, indent=1))
PYTHON
