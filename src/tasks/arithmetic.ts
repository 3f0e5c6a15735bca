// Left-to-right digit arithmetic, with everything in it put in by design.
import {
  arithmeticSchema,
  arithmeticVerifier,
  checkArithmetic,
  describeArithmetic,
  OUTSIDE,
  shapeOf,
  type ArithmeticConfig,
} from './arithmetic-config.ts';
import type { TaskKind } from './task.ts';

export const arithmeticKind = {
  name: 'arithmetic',
  schema: arithmeticSchema,
  check: checkArithmetic,
  shape: shapeOf,
  tierSizes: ({ tiers }) => new Map(tiers.map(({ prompts }, i) => [`T${i + 1}`, prompts])),
  outsideTierSizes: ({ outOfDistribution: outside }) =>
    new Map(outside ? [[OUTSIDE, outside.prompts]] : []),
  // The pool and the tier outside are left out: a base never sees such prompts.
  corpusIdentity: ({ trainedOperators: operators, heldOutSkills, ...config }) => ({
    name: config.name,
    modulus: config.modulus,
    maxOperators: config.maxOperators,
    ...(operators === undefined ? {} : { trainedOperators: operators }),
    ...(heldOutSkills === undefined ? {} : { heldOutSkills }),
    skills: config.skills,
    formatErrorShare: config.formatErrorShare,
    tiers: config.tiers,
    tierSeed: config.tierSeed,
  }),
  describe: describeArithmetic,
  // Drawing prompts is most of the code, and a page that shows a run draws none.
  open: async (config) => {
    const { ArithmeticTask } = await import('./arithmetic-task.ts');
    return new ArithmeticTask(config);
  },
  verifier: () => arithmeticVerifier,
} satisfies TaskKind<ArithmeticConfig>;
