/**
 * What is equal when methods are compared: PPO iterations, or passes over each method's own
 * prompts.
 */
export const budgets = ['updates', 'epochs'] as const;
export type Budget = (typeof budgets)[number];
