import { FormatError } from '../formats/format-error.ts';
import { isRecord, parseJson } from '../formats/json.ts';
import { readJsonLines } from '../formats/json-lines.ts';
import { completionsFile, seedFiles } from '../run-folder/names.ts';
import { openTask } from '../tasks/registry.ts';
import type { AdvantageEstimator } from '../vocabulary/estimators.ts';
import { byTraining, type ExportFile, trainingName } from './files.ts';
import type { ExportRun, RunRow } from './run-rows.ts';

/** Prompts of an update that a log shows, as UNIPO's schema asks. */
const SHOWN = 3;

/** UNIPO's names of the algorithms that it explains; it shows the numbers of others. */
const algorithms: Partial<Record<AdvantageEstimator, string>> = { gae: 'ppo', dr_grpo: 'drgrpo' };

/** UNIPO's conventional names of the scalars that it knows; others keep their own. */
const conventional: Readonly<Record<string, string>> = {
  reward_mean: 'reward',
  kl_mean: 'kl',
  actor_grad_norm: 'grad_norm',
  actor_lr: 'learning_rate',
  response_length_mean: 'response_length',
};

interface ShownPrompt {
  readonly prompt: string;
  readonly responses: readonly {
    readonly id: string;
    readonly reward: number;
    readonly response_text: string;
    readonly response_length: number;
    readonly tokens: { readonly ids: readonly number[]; readonly strings: readonly string[] };
  }[];
}

/**
 * A log for each training, in UNIPO's schema (`docs/canonical_schema.json` of its repository) and
 * its JSONL form: a header, then a line a step. A step is an update of a run, whose numbers are
 * means over the update's optimizer steps; each begins with a rollout. FULL of a task whose tokens
 * are characters also shows the first prompts of each rollout with their responses. A run stores no
 * log-probabilities, values or advantages of tokens, so a log has none.
 */
export async function* unipoFilesOf(
  runs: readonly ExportRun[],
): AsyncGenerator<ExportFile, void, void> {
  for (const run of runs) {
    for await (const training of byTraining(run)) {
      const { seed, method, rows } = training;
      if (seed === undefined) continue;
      const path = `${run.name}-${trainingName(training)}.jsonl`;
      const updates =
        run.trainings.find((one) => one.seed === seed && one.method === method)?.updates ?? 0;
      const shown = method === 'full' ? await shownPrompts(run, seed) : undefined;
      yield { path, content: logOf(run, { rows, updates, shown }) };
    }
  }
}

async function* logOf(
  run: ExportRun,
  of: {
    readonly rows: AsyncIterable<RunRow>;
    readonly updates: number;
    readonly shown: ReadonlyMap<number, readonly ShownPrompt[]> | undefined;
  },
): AsyncGenerator<string, void, void> {
  const { task, model, rollout, ppo } = run.config;
  const name = model.kind === 'folder' ? 'a given model' : 'a drawn model';
  const header = {
    type: 'header',
    task: task.name,
    dataset: task.name,
    reward_strategy: '1 right, -0.5 wrong, -1 without a well-formed answer',
    algorithm: algorithms[ppo.estimator] ?? ppo.estimator,
    totalSteps: of.updates,
    model_name: name,
    reference_model_name: name,
    hparams: {
      gamma: ppo.gamma,
      gae_lambda: ppo.gaeLambda,
      clip_eps: ppo.clipHigh,
      clip_eps_low: ppo.clipLow,
      clip_eps_high: ppo.clipHigh,
      kl_coef: ppo.klCoef,
      entropy_coef: ppo.entropyCoef,
      learning_rate: ppo.actor.learningRate,
      group_size: rollout.samples,
      temperature: rollout.temperature,
      rollout_prompts: rollout.prompts,
      update_epochs: ppo.updateEpochs,
    },
  };
  yield `${JSON.stringify(header)}\n`;
  for await (const row of of.rows) {
    if (row.kind !== 'update') continue;
    const metrics: Record<string, number> = {};
    const { policy_loss: loss = NaN } = row.metrics;
    if (Number.isFinite(loss)) metrics['policy_objective'] = -loss;
    for (const [key, value] of Object.entries(row.metrics)) {
      if (Number.isFinite(value)) metrics[conventional[key] ?? key] = value;
    }
    const prompts = of.shown?.get(row.update);
    const step = {
      type: 'step',
      step: row.update - 1,
      is_first_step_after_rollout_phase: true,
      metrics,
      ...(prompts ? { prompts } : {}),
    };
    yield `${JSON.stringify(step)}\n`;
  }
}

/**
 * The first prompts of each rollout of FULL, by update; undefined where the run does not tell: its
 * tokens are not characters, its pool is not written yet, or some prompts' responses were not kept.
 */
async function shownPrompts(
  run: ExportRun,
  seed: number,
): Promise<Map<number, ShownPrompt[]> | undefined> {
  const { config, folder, fullUpdates } = run;
  if (config.model.kind === 'folder') return undefined;
  const { text } = await openTask(config.task);
  const { alphabet } = text;
  const scores = await scoresText(run, seed);
  if (alphabet === undefined || scores === undefined) return undefined;
  const prompts = promptsIn(scores.text, scores.where);
  const shown = new Map<number, ShownPrompt[]>();
  let before = 0;
  for (const [epoch, updates] of (fullUpdates.get(seed) ?? []).entries()) {
    const source = await folder.open(completionsFile(seed, epoch));
    if (!source) return undefined;
    try {
      let rows = 0;
      for await (const { line, value } of readJsonLines(source)) {
        const update = before + Math.floor(rows / config.rollout.prompts) + 1;
        if (rows++ % config.rollout.prompts >= SHOWN) continue;
        const where = `${folder.name}/${completionsFile(seed, epoch)} line ${line}`;
        const list = shown.get(update) ?? [];
        list.push(
          shownPrompt(value, {
            where,
            prompts,
            alphabet,
            name: `step${update - 1}_p${list.length}`,
          }),
        );
        shown.set(update, list);
      }
      if (rows !== updates * config.rollout.prompts) return undefined;
    } finally {
      await source.close();
    }
    before += updates;
  }
  return shown;
}

async function scoresText(run: ExportRun, seed: number) {
  const name = seedFiles(seed, [...run.fullUpdates.keys()]).scores;
  const text = await run.folder.read(name);
  return text === undefined ? undefined : { text, where: `${run.folder.name}/${name}` };
}

function promptsIn(text: string, where: string): readonly string[] {
  const rows = parseJson(text, where);
  if (!Array.isArray(rows)) throw new FormatError(`${where}: must hold an array`);
  return (rows as unknown[]).map((row, i) => {
    const prompt = isRecord(row) ? row['prompt'] : undefined;
    if (typeof prompt === 'string') return prompt;
    throw new FormatError(`${where} row ${i + 1}: prompt must be a text`);
  });
}

function shownPrompt(
  value: unknown,
  of: {
    readonly where: string;
    readonly prompts: readonly string[];
    readonly alphabet: string;
    readonly name: string;
  },
): ShownPrompt {
  const [place, ...responses] = Array.isArray(value) ? (value as unknown[]) : [];
  const prompt = typeof place === 'number' ? of.prompts[place] : undefined;
  if (prompt === undefined) throw new FormatError(`${of.where}: names no prompt of the pool`);
  return {
    prompt,
    responses: responses.map((entry, i) => {
      const [text, reward] = Array.isArray(entry) ? (entry as unknown[]) : [];
      if (typeof text !== 'string' || typeof reward !== 'number') {
        throw new FormatError(`${of.where}: response ${i + 1} has no text and reward`);
      }
      const strings = Array.from(text);
      const ids = strings.map((character) => of.alphabet.indexOf(character));
      if (ids.includes(-1)) {
        throw new FormatError(`${of.where}: response ${i + 1} holds a character of no token`);
      }
      return {
        id: `${of.name}_sample${i}`,
        reward,
        response_text: text,
        response_length: ids.length,
        tokens: { ids, strings },
      };
    }),
  };
}
