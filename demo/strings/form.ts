// Texts of the form of a new run.
import { describePlan, weightsText, type Choice } from '../link.ts';
import { counted } from '../../src/look/wording.ts';
import type { PlannedRun } from '../../src/index.ts';
import { bytes, whole } from './numbers.ts';
import { translated } from './translated.ts';

const english = {
  title: 'A new run',
  preset: 'Preset',
  ownModel: 'a model of your own',
  seed: 'Seed',
  start: 'Start',
  seedHint:
    'A whole number, or several with commas: one whole experiment each. The same seed on the same device gives the same run.',
  own: 'Your model and your prompts',
  ownHint:
    'Drop a model’s folder (config.json, model.safetensors, tokenizer.json), a file of prompts and, if you have one, a verifier module (.js, .mjs) anywhere on this page, or choose them here. They stay on this machine.',
  noModel: 'No model chosen.',
  model: 'Model',
  chooseModel: 'Choose a model folder',
  keepModel: 'Keep in this browser',
  keeping: 'Share that is kept',
  cancel: 'Cancel',
  keptHere: 'Kept in this browser:',
  noPrompts: 'No prompts chosen.',
  choosePrompts: 'Choose a file of prompts',
  verifier: 'Verifier',
  ownModule: 'a module of your own',
  trained: 'Trained',
  lora: 'LoRA adapters',
  full: 'all its weights',
  rank: 'LoRA rank',
  storage: 'Base stored in',
  budget: 'GPU memory, GiB',
  promptTokens: 'Tokens of a prompt',
  responseTokens: 'Tokens of a response',
  moduleLimits:
    'A module runs in a sandboxed frame: it gets each prompt, answer and response and may compute for 30 seconds on one, but it reaches no network, nothing of this page or of your files, and nothing that this browser stores.',
  noModule: 'No module chosen.',
  chooseModule: 'Choose a .js or .mjs file',
  pasteCode: 'Or paste its code',
  useCode: 'Use this code',
  moduleFile: 'Module file',
  modelFolder: 'Model folder',
  promptsFile: 'File of prompts',
  settings: 'Settings of this run',
  json: 'Replace settings of the preset (JSON; they go into this page’s address)',

  /** What a run will be, in a sentence. */
  plan: (choice: Choice): string => describePlan(choice),
  /** Parts of a run that are still to be chosen. */
  missing: (model: boolean, prompts: boolean, verifier: boolean) => {
    const parts = [
      ...(model ? ['a model folder'] : []),
      ...(prompts ? ['a file of prompts'] : []),
      ...(verifier ? ['a verifier module'] : []),
    ];
    return `Choose ${new Intl.ListFormat('en-GB').format(parts)}.`;
  },
  memory: (run: number, pretraining: number | undefined) =>
    `About ${bytes(run)} of GPU memory` +
    `${pretraining === undefined ? '' : `; ${bytes(pretraining)} where its base has to be pre-trained first`}.`,
  /** How the run of a model of the user's own is laid out in the memory that it may take. */
  ownMemory: (total: number, of: number, choices: PlannedRun['choices']) =>
    `GPU memory: ${bytes(total)} of ${bytes(of)}; ${counted(choices.rowsTogether, 'answer')} ` +
    `decoded together, ${counted(choices.microRows, 'token', whole(choices.microRows))} a pass, ` +
    `gradient checkpointing ${choices.gradientCheckpointing ? 'on' : 'off'}.`,
  tooSmall: (why: string) => `This adapter is too small: ${why}.`,
  memoryWhy: (why: string) => `GPU memory: ${why}.`,
  same: 'Nothing differs from the preset.',
  differ: (count: number) =>
    `${count} ${count === 1 ? 'setting differs' : 'settings differ'} from the preset:`,
  insteadOf: (value: string, reference: string) => `: ${value} instead of ${reference}`,
  modelFacts: (parameters: number, size: number, positions: number) =>
    ` · ${weightsText(parameters)} weights, ${bytes(size)}, ${positions} positions`,
  rows: (count: number) => ` · ${counted(count, 'row')}`,
  keptPart: (copied: number, of: number) => `${bytes(copied)} of ${bytes(of)} kept`,
  use: 'Use',
  remove: 'Remove',
  useKept: (model: string) => `Use the kept model ${model}`,
  removeKept: (model: string) => `Remove the kept model ${model}`,
  confirmRemove: (model: string) => `Remove the kept model ${model}?`,
  codeChanged: 'The code has changed: press “Use this code”.',
  notAModule: (name: string) => `${name}: a module’s name ends in .js or .mjs`,
  /** A file, and how it is told from another of its name. */
  moduleFacts: (size: number, digest: string) => ` · ${bytes(size)}, ${digest}`,
  wantsModule: (module: string, digest: string | undefined) =>
    `This run began with the module ${module}${digest === undefined ? '' : ` (${digest})`}, whose code is ` +
    'not kept and never starts by itself: choose the module again, then press Resume.',
  otherModule: (module: string, digest: string | undefined, chosen: string, its: string) =>
    `This run began with the module ${module}${digest === undefined ? '' : ` (${digest})`}, which ` +
    `${chosen} (${its}) is not: choose the same module, then press Resume.`,
  wantsModel: (path: string) =>
    `This run began with the model ${path}, which this browser does not keep: choose its folder ` +
    'again, then press Resume. Its files are compared with those that the run began with.',
  wantsModelToAsk: (path: string) =>
    `This run began with the model ${path}, which this browser does not keep: choose its folder in Data, then ask again.`,
  looking: (name: string) => `Looking at ${name} …`,
  linkNames: 'The link names the module ',
  chooseYourself: ', but code never comes with a link: choose the module yourself.',
};

export type FormText = typeof english;

export const formText = translated(english, {
  de: () => import('./de/form.ts'),
  zh: () => import('./zh/form.ts'),
});
