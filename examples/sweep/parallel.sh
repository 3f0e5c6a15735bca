#!/bin/sh
# Four shards at a time on this machine, each in a process of its own; then the rows of all cells.
set -eu
grid=${1:-grid.json}
out=${2:-sweep}
shards=${SHARDS:-8}
seq "$shards" | parallel --jobs 4 --halt soon,fail=1 \
  limr sweep "$grid" --out "$out" --shard "{}/$shards"
limr sweep "$grid" --out "$out"
