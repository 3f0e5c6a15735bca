
# A generation has PROMPTS prompts: each of the processes takes SAMPLES answers at a time.
WORKERS=$((NODES * GPUS > 0 ? NODES * GPUS : 1))
ACCUMULATE=$((PROMPTS / WORKERS > 0 ? PROMPTS / WORKERS : 1))
ARGUMENTS=(
  --model_name_or_path "$MODEL"
  --dataset_name "$KIT"
  --reward_funcs limr_reward.reward
  --output_dir "$OUT"
  --num_generations "$SAMPLES"
  --per_device_train_batch_size "$SAMPLES"
  --gradient_accumulation_steps "$ACCUMULATE"
  --max_completion_length "$RESPONSE_TOKENS"
  --temperature "$TEMPERATURE"
  --learning_rate "$LEARNING_RATE"
  --beta "$KL"
  --num_train_epochs "$EPOCHS"
  --log_completions
  --logging_steps 1
  --report_to none
  "$@")

# TRL imports limr_reward from the folder that it runs in.
cd "$KIT"

# One machine: accelerate starts a process for each GPU. A cluster: RAY_ADDRESS=http://HEAD:8265
if [ -z "${RAY_ADDRESS:-}" ]; then
  trl grpo --num_processes "$WORKERS" "${ARGUMENTS[@]}"
else
  ray job submit --address="$RAY_ADDRESS" --runtime-env-json="$RUNTIME_ENV" \
    -- python3 "$KIT/ray_trl.py" "$WORKERS" "${ARGUMENTS[@]}"
fi
