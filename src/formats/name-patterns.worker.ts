import { exposeWorker } from '../threads/expose.ts';
import { matchesOf, type NamePatternsApi } from './name-patterns.ts';

const api: NamePatternsApi = {
  match: (patterns, names) =>
    patterns.map((pattern) => {
      try {
        return matchesOf(pattern, names);
      } catch (error) {
        if (error instanceof SyntaxError) return error.message;
        throw error;
      }
    }),
  dispose: () => undefined,
};

exposeWorker(api);
