/** The course of a learning rate after its warmup, by Hugging Face's names. */
export const lrSchedules = ['constant', 'linear', 'cosine', 'cosine_with_min_lr'] as const;
export type LrScheduleShape = (typeof lrSchedules)[number];
