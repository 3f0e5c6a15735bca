/** The lessons, in their order. */
export const lessons = ['paid', 'sampling', 'credit', 'clip', 'kl', 'lim', 'less'] as const;

export type Lesson = (typeof lessons)[number];
