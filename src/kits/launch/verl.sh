
# ppo keeps a critic, as LIMR does; grpo compares the answers to one prompt instead.
case "$ALGORITHM" in
  ppo) CRITIC=(algorithm.adv_estimator=gae "critic.model.path='$MODEL'"
    "critic.optim.lr=$CRITIC_LEARNING_RATE" critic.use_dynamic_bsz=True
    "critic.ppo_max_token_len_per_gpu=$TOKENS_PER_GPU" critic.model.enable_gradient_checkpointing=True) ;;
  grpo) CRITIC=(algorithm.adv_estimator=grpo) ;;
  *) echo "ALGORITHM must be ppo or grpo, is $ALGORITHM" >&2; exit 2 ;;
esac

# verl wants a file of validation prompts and reads none of it here: test_freq is -1.
TRAIN=(python3 -m verl.trainer.main_ppo
  "data.train_files='$KIT/train.parquet'"
  "data.val_files='$KIT/train.parquet'"
  "data.train_batch_size=$PROMPTS"
  "data.max_prompt_length=$PROMPT_TOKENS"
  "data.max_response_length=$RESPONSE_TOKENS"
  data.filter_overlong_prompts=True
  data.truncation=error
  "reward.custom_reward_function.path='$KIT/limr_reward.py'"
  reward.custom_reward_function.name=compute_score
  "actor_rollout_ref.model.path='$MODEL'"
  actor_rollout_ref.model.enable_gradient_checkpointing=True
  "actor_rollout_ref.actor.optim.lr=$LEARNING_RATE"
  "actor_rollout_ref.actor.ppo_mini_batch_size=$PROMPTS"
  actor_rollout_ref.actor.use_dynamic_bsz=True
  "actor_rollout_ref.actor.ppo_max_token_len_per_gpu=$TOKENS_PER_GPU"
  actor_rollout_ref.rollout.name=vllm
  "actor_rollout_ref.rollout.n=$SAMPLES"
  "actor_rollout_ref.rollout.temperature=$TEMPERATURE"
  "actor_rollout_ref.rollout.tensor_model_parallel_size=$TENSOR_PARALLEL"
  actor_rollout_ref.rollout.gpu_memory_utilization=0.6
  actor_rollout_ref.rollout.log_prob_use_dynamic_bsz=True
  "actor_rollout_ref.rollout.log_prob_max_token_len_per_gpu=$TOKENS_PER_GPU"
  actor_rollout_ref.ref.log_prob_use_dynamic_bsz=True
  "actor_rollout_ref.ref.log_prob_max_token_len_per_gpu=$TOKENS_PER_GPU"
  algorithm.use_kl_in_reward=True
  "algorithm.kl_ctrl.kl_coef=$KL"
  "${CRITIC[@]}"
  'trainer.logger=["console"]'
  trainer.project_name=limr
  trainer.experiment_name=limr
  "trainer.default_local_dir='$OUT'"
  "trainer.n_gpus_per_node=$GPUS"
  "trainer.nnodes=$NODES"
  trainer.val_before_train=False
  trainer.test_freq=-1
  trainer.save_freq=20
  "trainer.total_epochs=$EPOCHS"
  "$@")

# One machine: verl starts a Ray of its own. A cluster: RAY_ADDRESS=http://HEAD:8265
if [ -z "${RAY_ADDRESS:-}" ]; then
  "${TRAIN[@]}"
else
  ray job submit --address="$RAY_ADDRESS" --runtime-env-json="$RUNTIME_ENV" -- "${TRAIN[@]}"
fi
