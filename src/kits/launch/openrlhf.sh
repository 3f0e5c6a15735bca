
# ppo keeps a critic, as LIMR does; grpo compares the answers to one prompt instead.
case "$ALGORITHM" in
  ppo) ESTIMATOR=gae ;;
  grpo) ESTIMATOR=group_norm ;;
  *) echo "ALGORITHM must be ppo or grpo, is $ALGORITHM" >&2; exit 2 ;;
esac

# One machine: a Ray of its own, unless one runs here. A cluster: RAY_ADDRESS=http://HEAD:8265
if [ -z "${RAY_ADDRESS:-}" ]; then
  ray status >/dev/null 2>&1 || ray start --head --num-gpus "$GPUS"
  RAY_ADDRESS=http://127.0.0.1:8265
fi
export RAY_ADDRESS

ray job submit --address="$RAY_ADDRESS" --runtime-env-json="$RUNTIME_ENV" \
  -- python3 -m openrlhf.cli.train_ppo_ray \
  --actor.num_nodes "$NODES" \
  --actor.num_gpus_per_node "$GPUS" \
  --ref.num_nodes "$NODES" \
  --ref.num_gpus_per_node "$GPUS" \
  --critic.num_nodes "$NODES" \
  --critic.num_gpus_per_node "$GPUS" \
  --vllm.num_engines "$((NODES * GPUS / TENSOR_PARALLEL))" \
  --vllm.tensor_parallel_size "$TENSOR_PARALLEL" \
  --vllm.gpu_memory_utilization 0.6 \
  --vllm.enable_sleep \
  --ds.enable_sleep \
  --train.colocate_all \
  --actor.model_name_or_path "$MODEL" \
  --reward.remote_url "$KIT/limr_reward.py" \
  --data.prompt_dataset "$KIT/train.jsonl" \
  --data.input_key input \
  --data.label_key label \
  --data.apply_chat_template \
  --data.max_len "$((PROMPT_TOKENS + RESPONSE_TOKENS))" \
  --rollout.max_new_tokens "$RESPONSE_TOKENS" \
  --rollout.batch_size "$PROMPTS" \
  --rollout.n_samples_per_prompt "$SAMPLES" \
  --rollout.temperature "$TEMPERATURE" \
  --train.batch_size "$((PROMPTS * SAMPLES))" \
  --train.micro_batch_size 1 \
  --rollout.micro_batch_size 1 \
  --train.num_episodes "$EPOCHS" \
  --train.max_epochs 1 \
  --ds.zero_stage 3 \
  --ds.param_dtype bf16 \
  --actor.adam.lr "$LEARNING_RATE" \
  --actor.gradient_checkpointing_enable \
  --critic.adam.lr "$CRITIC_LEARNING_RATE" \
  --algo.kl.init_coef "$KL" \
  --algo.advantage.estimator "$ESTIMATOR" \
  --ckpt.output_dir "$OUT/model" \
  --ckpt.path "$OUT/checkpoints" \
  "$@"
