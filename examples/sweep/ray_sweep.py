"""Shards of a sweep as tasks of Ray: python ray_sweep.py grid.json sweep 8

All nodes see the folder of the sweep. A task that is lost is tried again and goes on from its last
checkpoint. LIMR names the command, `limr` when unset.
"""

import os
import shlex
import subprocess
import sys

import ray


@ray.remote(max_retries=3, retry_exceptions=True)
def shard(command, grid, out, index, of):
    words = [*command, "sweep", grid, "--out", out, "--shard", f"{index}/{of}"]
    subprocess.run(words, check=True)
    return index


def main():
    grid, out = (os.path.abspath(path) for path in sys.argv[1:3])
    of = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    command = shlex.split(os.environ.get("LIMR", "limr"))
    ray.init(address=os.environ.get("RAY_ADDRESS"))
    tasks = [shard.remote(command, grid, out, index, of) for index in range(1, of + 1)]
    while tasks:
        done, tasks = ray.wait(tasks)
        print(f"shard {ray.get(done[0])} of {of} is done", flush=True)
    # Writes the rows of all cells, where nothing else is left to do.
    subprocess.run([*command, "sweep", grid, "--out", out], check=True)


if __name__ == "__main__":
    main()
