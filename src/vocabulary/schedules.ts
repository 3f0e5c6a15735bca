/** How a learning rate goes on after its warmup, by the names Hugging Face gives the schedules. */
export const lrSchedules = ['constant', 'linear', 'cosine', 'cosine_with_min_lr'] as const;
export type LrScheduleShape = (typeof lrSchedules)[number];
