import type { MetricsText } from '../metrics.ts';

export const text: MetricsText = {
  metrics: {
    reward_mean: {
      name: '奖励',
      meaning: '采样回答的平均验证奖励：正确 1，错误 −0.5，格式无效 −1',
    },
    accuracy_mean: {
      name: '一致率',
      meaning: '采样回答中与标准答案（包括错误的标准答案）一致的比例',
    },
    format_error_rate: { name: '格式错误', meaning: '采样回答中没有完整有效答案的比例' },
    informative_groups: {
      name: '有信息的提示',
      meaning: '回答既不全对也不全错的提示的比例',
    },
    response_length_mean: { name: '回答长度', meaning: '回答的平均词元数，含结束符' },
    cut_share: {
      name: '截短的回答',
      meaning: '使用给定模型时：在结束前达到长度上限的采样回答的比例',
    },
    kl_mean: {
      name: '与基础模型的 KL',
      meaning: '采样策略与基础模型之间所设 KL 估计在回答词元上的平均；k1 可以为负',
    },
    sampler_gap: {
      name: '采样与训练之差',
      meaning: '使用适配器时：同一词元在采样时与计分时对数概率的最大差',
    },
    entropy: { name: '熵', meaning: '策略在回答词元上的平均熵；为正' },
    supervised_loss: {
      name: '监督损失',
      meaning: '监督微调时：一次更新中回答词元的平均负对数似然',
    },
    policy_loss: {
      name: '策略损失',
      meaning: '截断的替代目标取负：被最小化，负值表示预期的收益',
    },
    value_loss: {
      name: '价值损失',
      meaning: '截断后评论家平方误差的一半；被最小化，不会为负',
    },
    explained_variance: {
      name: '解释方差',
      meaning: '一次采样上的 1 − var(回报 − 价值) / var(回报)；1 是完美的评论家，0 相当于常数',
    },
    clip_fraction: { name: '被截断的词元', meaning: '概率比率被截断限制的回答词元的比例' },
    approx_kl: {
      name: '更新的 KL',
      meaning: '策略与采样时的自身之间 比率 − 1 − log 比率 的平均；不会为负',
    },
    advantage_mean: { name: '优势均值', meaning: '标准化之前回答词元的平均优势' },
    advantage_std: { name: '优势离散度', meaning: '标准化之前回答词元优势的标准差' },
    actor_grad_norm: { name: '策略梯度范数', meaning: '裁剪之前的整体范数' },
    critic_grad_norm: { name: '评论家梯度范数', meaning: '裁剪之前的整体范数' },
    actor_lr: { name: '策略学习率', meaning: '最近一个优化步的学习率' },
    critic_lr: { name: '评论家学习率', meaning: '最近一个优化步的学习率' },
    verifier_failures: {
      name: '未判定的回答',
      meaning: '检查失败或超时的采样回答；按奖励 −1 计',
    },
    tokens_per_second: { name: '速度', meaning: '采样的回答词元数除以整个迭代的时间' },
    samples_generated: { name: '生成的样本', meaning: '在线方法采样的回答，含筛掉的' },
    samples_trained: { name: '训练的样本', meaning: '在线方法的更新所用的回答' },
    generated_accuracy: { name: '生成时的正确率', meaning: '在线方法全部采样中正确回答的比例' },
    ranking_change: {
      name: '排名的变化',
      meaning: '1 − 含与不含最近一轮数据时 LIM 最高提示的 Jaccard 指数',
    },
    ranking_noise: {
      name: '排名的噪声',
      meaning: '1 − LIM 最高提示与重采样奖励所得最高提示的 Jaccard 指数',
    },
    step_ms: { name: '迭代', meaning: '一次迭代的时间：采样、验证、更新' },
    rollout_ms: { name: '采样', meaning: '采样的时间' },
    verify_ms: { name: '验证', meaning: '直到全部判定完成的时间' },
    update_ms: { name: '更新', meaning: '计算对数概率、优势和优化步的时间' },
  },
  units: {
    share: '比例',
    tokens: '词元',
    'nats per token': '奈特/词元',
    nats: '奈特',
    'per optimizer step': '每优化步',
    responses: '个回答',
    'tokens/s': '词元/秒',
    ms: '毫秒',
  },
};
