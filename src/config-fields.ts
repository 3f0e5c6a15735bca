// The fields of a config for whoever lets somebody fill them in: what the schema says.
import type { ExperimentConfig } from './config.ts';
import { asSchema, configSchema, memberOf, type Schema, unwrapped } from './config-schema.ts';
import { isRecord } from './formats/json.ts';

/** A setting: one value of a config. */
export interface SettingField {
  /** Dotted, as `rollout.samples`. */
  readonly path: string;
  /**
   * `json`: a list or a part whose form differs from config to config; its value is written as JSON.
   */
  readonly kind: 'number' | 'whole' | 'switch' | 'choice' | 'text' | 'json';
  /** Bounds of a number, inclusive. */
  readonly least?: number;
  readonly most?: number;
  readonly choices?: readonly string[];
  /** Whether it may be left out. */
  readonly optional: boolean;
}

/** Parts that a form does not show: what the rest decides. */
const hidden: ReadonlySet<string> = new Set(['schema', 'preset', 'task.name', 'model.kind']);

/** What valibot's checks have beside the parts that a walk needs. */
interface Check extends Schema {
  readonly requirement?: unknown;
}

/** Every setting that a config may have, in the order of the schema. */
export function settingFields(config: ExperimentConfig): SettingField[] {
  const fields: SettingField[] = [];
  const walk = (given: Schema, value: unknown, path: string, optional: boolean): void => {
    if (hidden.has(path)) return;
    const left = optional || isOptional(given);
    const found = unwrapped(given);
    const member =
      found.key === undefined ? found : isRecord(value) ? memberOf(found, value) : undefined;
    if (member?.entries) {
      for (const [name, inner] of Object.entries(member.entries)) {
        const own = path === '' ? name : `${path}.${name}`;
        walk(inner, isRecord(value) ? value[name] : undefined, own, path !== '' && left);
      }
      return;
    }
    fields.push({ path, ...shapeOf(given), optional: left });
  };
  walk(asSchema(configSchema), config, '', false);
  return fields;
}

const isOptional = (given: Schema): boolean =>
  given.type === 'exact_optional' ||
  given.type === 'optional' ||
  (given.wrapped !== undefined && isOptional(given.wrapped));

/** The schema in which a pipe of checks stands, under whatever wraps it. */
const pipeOf = (given: Schema): readonly Check[] =>
  given.pipe ?? (given.wrapped ? pipeOf(given.wrapped) : []);

function shapeOf(given: Schema): Pick<SettingField, 'kind' | 'least' | 'most' | 'choices'> {
  const found = unwrapped(given) as Schema & { readonly options?: readonly unknown[] };
  const bound = (type: string): number | undefined => {
    const check = pipeOf(given).find((one) => one.type === type);
    return typeof check?.requirement === 'number' ? check.requirement : undefined;
  };
  switch (found.type) {
    case 'number': {
      const [least, most] = [bound('min_value'), bound('max_value')];
      return {
        kind: pipeOf(given).some(({ type }) => type === 'integer') ? 'whole' : 'number',
        ...(least === undefined ? {} : { least }),
        ...(most === undefined ? {} : { most }),
      };
    }
    case 'boolean':
      return { kind: 'switch' };
    case 'picklist':
      return { kind: 'choice', choices: (found.options ?? []).map(String) };
    case 'string':
      return { kind: 'text' };
    default:
      return { kind: 'json' };
  }
}
