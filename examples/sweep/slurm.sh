#!/bin/sh
#SBATCH --job-name=limr-sweep
#SBATCH --array=1-16
#SBATCH --gres=gpu:1
#SBATCH --time=01:00:00
#SBATCH --requeue
# One shard for each task of the array, over a shared file system. A task ends behind a checkpoint
# before its hour is over: submit the array again until it says that all cells are done.
set -eu
limr sweep grid.json --out sweep --seconds 3300 \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
