import { experimentOf } from '../experiment.ts';
import { statesOf } from '../states.ts';
import {
  unfired,
  ended,
  goOn,
  type Injection,
  type Kind,
  lastWords,
  malformed,
  unclean,
} from '../verdict.ts';

/** A failing call to the file system: only once, or also every later call, as on a full disk. */
export const store: Kind = {
  name: 'store',
  summary: 'EIO at each file event, ENOSPC from each on, EIO at each read of a resume',
  plan: async (laboratory) => {
    const experiment = await experimentOf(laboratory, 'smallest');
    const counted = laboratory.path('counted');
    const { events } = await laboratory.call(experiment.start(counted), {
      files: { folder: counted, mode: 'count' },
    });
    laboratory.discard(counted);
    const injections: Injection[] = [];
    for (let at = 1; at <= events; at++) {
      for (const lasting of [false, true]) {
        const code = lasting ? 'ENOSPC' : 'EIO';
        injections.push({
          id: `store/${code}/${at}`,
          inject: async () => {
            const folder = laboratory.path('failing');
            const reply = await laboratory.call(experiment.start(folder), {
              files: { folder, mode: 'fail', at, code, lasting },
            });
            if (reply.fired === 0) return unfired(reply);
            let verdict = ended(folder, experiment, 'went on, equal');
            if (reply.code !== 0) {
              const fault = malformed(reply, [1]);
              verdict =
                fault === undefined
                  ? await goOn((argv) => laboratory.call(argv), experiment, folder)
                  : unclean('fails without a word for it', fault);
              verdict = { ...verdict, how: `one line, then ${verdict.how}` };
            }
            laboratory.discard(folder);
            return { ...verdict, how: `${code}: ${verdict.how}` };
          },
        });
      }
    }
    const states = await statesOf(laboratory, 'smallest');
    const state = states.findLast(
      ({ files }) => !files.has('results.json') && files.has('scores.json'),
    );
    if (!state) throw new Error('the run was never in that state');
    const resumed = laboratory.path('counted');
    state.write(resumed);
    const all = await laboratory.call(experiment.resume(resumed), {
      files: { folder: resumed, mode: 'count', reads: true },
    });
    laboratory.discard(resumed);
    for (let at = 1; at <= all.events; at++) {
      injections.push({
        id: `store/resume/${at}`,
        inject: async () => {
          const folder = laboratory.path('failing');
          state.write(folder);
          const reply = await laboratory.call(experiment.resume(folder), {
            files: { folder, mode: 'fail', at, reads: true },
          });
          if (reply.fired === 0) return unfired(reply, [0, 2]);
          let verdict = ended(folder, experiment, 'went on, equal');
          if (reply.code !== 0) {
            // An unreadable file is bad input, or fails the run.
            const fault = malformed(reply, [1, 2]);
            verdict =
              fault === undefined
                ? await goOn((argv) => laboratory.call(argv), experiment, folder)
                : unclean('fails without a word for it', `${fault} (${lastWords(reply)})`);
            verdict = { ...verdict, how: `one line, then ${verdict.how}` };
          }
          laboratory.discard(folder);
          return { ...verdict, how: `EIO in a resume: ${verdict.how}` };
        },
      });
    }
    return injections;
  },
};
