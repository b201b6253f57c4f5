#!/usr/bin/env bash
# Fetches NVIDIA's run-time compiler of CUDA C into the folder given as $1 (88 MB, from its wheel) and
# prints the path of libnvrtc.so for TRIBUTARY_TEST_NVRTC. It needs no GPU. x86-64 Linux only.
set -euo pipefail

into=${1:?give a folder}
wheel=nvidia_cuda_nvrtc_cu12-12.8.93-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl
sha256=a7756528852ef889772a84c6cd89d41dfa74667e24cca16bb31f8f061e3e9994
library=$into/nvidia/cuda_nvrtc/lib/libnvrtc.so.12

if [[ ! -f $into/nvrtc-12.8.93.done ]]; then
  mkdir -p "$into"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$work" \
    nvidia-cuda-nvrtc-cu12==12.8.93 >&2
  echo "$sha256  $work/$wheel" | sha256sum --check --quiet >&2
  # Its builtins are looked for beside it.
  python3 -m zipfile -e "$work/$wheel" "$into"
  touch "$into/nvrtc-12.8.93.done"
fi
echo "$library"
