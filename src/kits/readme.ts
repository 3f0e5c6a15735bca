import { counted } from '../look/wording.ts';
import { engineWords, modelLicence, modelText } from './engines.ts';
import type { Kit } from './kit.ts';
import { licenceText } from './licences.ts';

/** The variables of `launch.sh`, with what each is. */
const variables: readonly (readonly [name: string, is: string])[] = [
  ['MODEL', 'the model: a folder, or a name on the hub'],
  ['OUT', 'where the model and its checkpoints are written (default `out/`)'],
  ['EPOCHS', 'passes over the prompts'],
  ['PROMPTS', 'prompts of a rollout'],
  ['SAMPLES', 'answers to a prompt'],
  ['TEMPERATURE', 'of sampling'],
  ['PROMPT_TOKENS, RESPONSE_TOKENS', 'longest prompt and longest answer'],
  ['LEARNING_RATE, KL', 'step of the policy, weight of its distance from the model it began as'],
  ['GPUS, NODES', 'GPUs of a machine, machines'],
];
const variablesOfPpo: typeof variables = [
  ['ALGORITHM', '`ppo` trains a critic, as LIMR does; `grpo` compares the answers to one prompt'],
  ['CRITIC_LEARNING_RATE', 'step of the critic'],
  ['TENSOR_PARALLEL', 'GPUs that one copy of the model is generated on'],
];

/** The README of a kit. */
export function readmeOf(kit: Kit): string {
  const { engine, model, verifier, selection, dataLicence, rows, version } = kit;
  const words = engineWords[engine];
  const { method, rule, scored } = selection;
  const all = engine === 'trl' ? variables : [...variables, ...variablesOfPpo];
  const judged =
    verifier === 'math'
      ? 'A right answer in `\\boxed{}` gets 1, a wrong one -0.5, a response that breaks a rule of form -1.'
      : 'A response that is the answer gets 1, another -0.5, a response that was cut -1.';
  return `# ${counted(rows.length, 'prompt')} for ${words.title}

Chosen by \`${method}\` of ${counted(scored, 'prompt')} (${rule}), by LIMR Lab ${version}. \`selection.json\` names each
prompt with its score, and the files it was chosen from.

## Start

\`\`\`
bash launch.sh                                         # one machine
RAY_ADDRESS=http://HEAD:8265 NODES=2 bash launch.sh    # a Ray cluster, this folder at one path on all nodes
EPOCHS=5 bash launch.sh ${engine === 'verl' ? 'trainer.save_freq=5' : engine === 'trl' ? '--save_steps 5' : '--ckpt.save_steps 5'}          # settings of one's own
\`\`\`

| variable | is |
| --- | --- |
${all.map(([name, is]) => `| \`${name.replace(', ', '`, `')}\` | ${is} |`).join('\n')}

The numbers that \`launch.sh\` begins with are LIMR's, or those of the run that the prompts come from.

## What is here

- Data: ${words.data}
- \`limr_reward.py\`, the reward: ${words.hook}
  ${judged}
  It needs Python's standard library alone; \`LIMR_MATH_VERIFY=1\` compares by the package \`math_verify\` instead.
- \`launch.sh\`, the command${engine === 'trl' ? ', and `ray_trl.py`, which starts it on a Ray cluster' : ''}.
- Written for ${words.version}; another version may name its options otherwise.

## Back again

Every answer that was judged becomes a line of \`rollouts/\` (\`LIMR_ROLLOUTS\` names another folder):

\`\`\`
npx limr score rollouts --out scores.json
npx limr report scores.json --out report.html
\`\`\`

## Licences

- Model ${modelText(model)}: ${modelLicence(model)}.
- Data: ${licenceText(dataLicence)}.
- \`limr_reward.py\`, \`launch.sh\`${engine === 'trl' ? ', `ray_trl.py`' : ''}: MIT, as LIMR Lab.
`;
}
