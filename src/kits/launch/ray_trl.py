"""TRL's GRPO on a Ray cluster: python3 ray_trl.py WORKERS ARGUMENTS OF trl grpo

Ray Train starts the processes and joins them; each of them runs what `trl grpo` runs. The kit's
folder must have one path on all nodes. Workers without a GPU train on the CPU.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def train(config):
    # TRL imports limr_reward from the folder that it runs in.
    os.chdir(HERE)
    from trl.scripts.grpo import main, make_parser

    parsed = make_parser().parse_args_and_config(
        config["arguments"], fail_with_unknown_args=False
    )
    main(*parsed)


def run(workers, arguments):
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    ray.init(ignore_reinit_error=True)
    has_gpus = ray.cluster_resources().get("GPU", 0) >= workers
    TorchTrainer(
        train,
        train_loop_config={"arguments": arguments},
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=has_gpus),
        run_config=RunConfig(storage_path=os.path.join(HERE, "ray")),
    ).fit()


if __name__ == "__main__":
    run(int(sys.argv[1]), sys.argv[2:])
