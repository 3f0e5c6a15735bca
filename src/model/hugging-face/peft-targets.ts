import { ConfigError } from '../../config-error.ts';
import { shorten } from '../../formats/json.ts';
import { matchNames, type Matches, type NamePattern } from '../../formats/name-patterns.ts';
import type { AdapterPlan, PartAdapter } from '../adapters.ts';
import { blockOf } from '../block.ts';
import type { ModelConfig } from '../config.ts';
import { parameterLayout } from '../parameters.ts';
import { hfName } from './names.ts';

/** The fields of an `adapter_config.json` that say which modules have an adapter, and how large. */
export interface PeftTargets {
  readonly rank: number;
  readonly alpha: number;
  readonly rslora: boolean;
  /** Names or dotted ends of names; a text is a regular expression, or `all-linear`. */
  readonly targetModules: readonly string[] | string;
  readonly excludeModules: readonly string[] | string;
  /** Layers that the listed targets are cut to; empty where they are not. */
  readonly layers: readonly number[];
  /** Names of the model's lists of layers, as regular expressions; empty for any. */
  readonly layersPattern: readonly string[];
  /** Ranks and alphas that replace the general ones, by regular expressions for ends of names. */
  readonly rankPattern: ReadonlyMap<string, number>;
  readonly alphaPattern: ReadonlyMap<string, number>;
}

/** A matrix of a model that can have an adapter. */
export interface PeftModule {
  /** Name in the layout, such as `layers.0.q`. */
  readonly part: string;
  /** Name in the model, such as `model.layers.0.self_attn.q_proj`. */
  readonly name: string;
  /** (N, K): outputs and inputs. */
  readonly shape: readonly [number, number];
}

/** The matrices of a model's layers, which are all that can have an adapter here. */
export function adaptableModules(config: ModelConfig): PeftModule[] {
  const matrices = blockOf(config).parameters.filter(({ kind }) => kind === 'matrix');
  const found: PeftModule[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    for (const { parts } of matrices) {
      for (const [own, [outputs = 0, inputs = 0]] of Object.entries(parts)) {
        const part = `layers.${layer}.${own}`;
        found.push({ part, name: moduleName(config, part), shape: [outputs, inputs] });
      }
    }
  }
  return found;
}

const moduleName = ({ architecture }: ModelConfig, part: string): string =>
  hfName(architecture, part).replace(/\.(?:weight|bias)$/, '');

/** Modules of the vocabulary: PEFT adapts them, this engine does not. */
const vocabularyModules = new Set(['model.embed_tokens', 'lm_head']);

/** All modules that PEFT would try: those with parameters, what they lie in, and two without any. */
function allModules(config: ModelConfig): string[] {
  const names = new Set<string>(['lm_head', 'model.rotary_emb']);
  for (const { parts } of parameterLayout(config, 'lm').stored) {
    for (const { name } of parts) {
      const path = moduleName(config, name).split('.');
      for (let depth = 1; depth <= path.length; depth++) names.add(path.slice(0, depth).join('.'));
    }
  }
  for (let layer = 0; layer < config.layers; layer++) names.add(`model.layers.${layer}.mlp.act_fn`);
  return [...names];
}

/**
 * The adapters that PEFT puts on a model's modules: `check_target_module_exists`,
 * `get_pattern_key` and `_create_and_replace` of PEFT 0.21.
 *
 * @param where The file's name, for messages.
 * @throws ConfigError when no module matches, or one that can have no adapter here; FormatError when
 *   a pattern is no regular expression, or takes too long.
 */
export async function resolveTargets(
  targets: PeftTargets,
  config: ModelConfig,
  where: string,
): Promise<AdapterPlan> {
  const modules = new Map(adaptableModules(config).map((module) => [module.name, module]));
  const names = allModules(config);
  const patterns = new Patterns(where, names);
  const isTarget = targetRule(targets, patterns, modules);
  const isExcluded = listRule('exclude_modules', targets.excludeModules, patterns);
  const rankOf = valueRule('rank_pattern', targets.rankPattern, targets.rank, patterns);
  const alphaOf = valueRule('alpha_pattern', targets.alphaPattern, targets.alpha, patterns);
  await patterns.match();
  const plan = new Map<string, PartAdapter>();
  for (const [i, name] of names.entries()) {
    if (isExcluded(name, i) || !isTarget(name, i)) continue;
    const module = modules.get(name);
    if (!module) {
      const why = vocabularyModules.has(name)
        ? 'an adapter of the vocabulary is not implemented'
        : 'which is no linear layer';
      throw new ConfigError(`${where}: target_modules matches '${name}', ${why}`);
    }
    const rank = rankOf(i);
    const alpha = alphaOf(i);
    const scale = alpha / (targets.rslora ? Math.sqrt(rank) : rank);
    plan.set(module.part, { rank, scale });
  }
  if (plan.size === 0) {
    const cut =
      targets.layers.length > 0 || targets.excludeModules.length > 0
        ? ' that layers_to_transform and exclude_modules leave'
        : '';
    throw new ConfigError(`${where}: target_modules matches no module of the model${cut}`);
  }
  return plan;
}

/** Whether a module is meant: its name, and its place among all names. */
type Rule = (name: string, at: number) => boolean;

/** The patterns of a file, matched together: one worker serves all of them. */
class Patterns {
  readonly #where: string;
  readonly #names: readonly string[];
  readonly #asked: NamePattern[] = [];
  #matches: readonly Matches[] = [];

  constructor(where: string, names: readonly string[]) {
    this.#where = where;
    this.#names = names;
  }

  /** Adds a pattern. The result gives each name's match once `match` has run. */
  add(
    field: string,
    source: string,
    part: NamePattern['part'],
  ): (at: number) => string | undefined {
    const index = this.#asked.push({ where: `${this.#where}: ${field}`, source, part }) - 1;
    return (at) => this.#matches[index]?.[at];
  }

  async match(): Promise<void> {
    this.#matches = await matchNames(this.#asked, this.#names);
  }
}

/** A name is meant by itself or by a dotted end of it. */
function listRule(field: string, listed: readonly string[] | string, patterns: Patterns): Rule {
  if (typeof listed === 'string') {
    if (listed === '') return () => false;
    const match = patterns.add(field, listed, 'whole');
    return (_, at) => match(at) !== undefined;
  }
  const ends = new Set(listed);
  return (name) => endsOf(name).some((end) => ends.has(end));
}

/** A name and all that follows one of its dots. */
const endsOf = (name: string): string[] => {
  const path = name.split('.');
  return path.map((_, i) => path.slice(i).join('.'));
};

function targetRule(
  { targetModules, layers, layersPattern }: PeftTargets,
  patterns: Patterns,
  modules: ReadonlyMap<string, PeftModule>,
): Rule {
  if (typeof targetModules === 'string') {
    if (targetModules.toLowerCase() === 'all-linear') return (name) => modules.has(name);
    return listRule('target_modules', targetModules, patterns);
  }
  const isListed = listRule('target_modules', targetModules, patterns);
  if (layers.length === 0) return isListed;
  const whole = new Set(targetModules);
  const wanted = new Set(layers);
  const patterned = layersPattern.map((source) => patterns.add('layers_pattern', source, 'index'));
  const indexOf = (name: string, at: number): string | undefined =>
    patterned.length > 0
      ? patterned.map((match) => match(at)).find((index) => index !== undefined)
      : /^.*?\.[^.]*\.(\d+)\./.exec(name)?.[1];
  return (name, at) => {
    if (!isListed(name, at)) return false;
    // A module that is listed by its whole name is not cut.
    if (whole.has(name)) return true;
    const index = indexOf(name, at) ?? '';
    return index !== '' && wanted.has(Number(index));
  };
}

/** The value of the first pattern that matches a name, else the general one. */
function valueRule(
  field: string,
  values: ReadonlyMap<string, number>,
  general: number,
  patterns: Patterns,
): (at: number) => number {
  const matches = [...values].map(([source, value]) => ({
    value,
    match: patterns.add(`${field} '${shorten(source)}'`, source, 'suffix'),
  }));
  return (at) => matches.find(({ match }) => match(at) !== undefined)?.value ?? general;
}
