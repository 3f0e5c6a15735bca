import { jsonText } from '../formats/json.ts';
import {
  type KitEngine,
  type KitModel,
  type KitNumbers,
  type KitVerifier,
  modelLicence,
} from './engines.ts';
import rayTrl from './launch/ray_trl.py?raw';
import { launchScript } from './launch.ts';
import { type Licence, licenceText } from './licences.ts';
import reward from './limr_reward.py?raw';
import { readmeOf } from './readme.ts';
import { engineRow, type KitRow, verlRow } from './rows.ts';
import { verlTable } from './verl-table.ts';

/** How the prompts of a kit were chosen. */
export interface KitSelection {
  readonly method: string;
  /** The rule that was applied, in a sentence. */
  readonly rule: string;
  readonly seed: number;
  /** Prompts that were scored, and of them those kept. */
  readonly scored: number;
  readonly kept: number;
  /** The files that it was made of, with their digests. */
  readonly sources: readonly { readonly file: string; readonly sha256: string }[];
  /** Each prompt that was kept, with its score; null for none. */
  readonly rows: readonly { readonly id: string | undefined; readonly score: number | null }[];
}

/** All that a kit is made of. */
export interface Kit {
  readonly engine: KitEngine;
  readonly model: KitModel;
  readonly verifier: KitVerifier;
  readonly numbers: KitNumbers;
  readonly rows: readonly KitRow[];
  readonly selection: KitSelection;
  readonly dataLicence: Licence;
  /** Version of this program. */
  readonly version: string;
}

/** A file of a kit. */
export interface KitFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/**
 * The files of a kit: a folder that the engine trains from, and whose rollouts `limr score` reads.
 */
export async function kitFiles(kit: Kit): Promise<KitFile[]> {
  const { engine, model, numbers, rows } = kit;
  const records = rows.map((row, i) => JSON.stringify(engineRow[engine](row, i)));
  const data: KitFile[] =
    engine === 'verl'
      ? [
          { path: 'train.parquet', content: await verlTable(rows.map(verlRow)) },
          { path: 'train.json', content: `[\n${records.join(',\n')}\n]\n` },
        ]
      : [{ path: 'train.jsonl', content: `${records.join('\n')}\n` }];
  return [
    ...data,
    { path: 'limr_reward.py', content: rewardFile(kit) },
    ...(engine === 'trl' ? [{ path: 'ray_trl.py', content: rayTrl }] : []),
    { path: 'launch.sh', content: launchScript(engine, model, numbers, rows.length) },
    { path: 'selection.json', content: selectionFile(kit) },
    { path: 'README.md', content: readmeOf(kit) },
  ];
}

const settingsLine = 'SETTINGS = json.loads("{}")';

/** The reward function with the settings of a kit. */
function rewardFile({ engine, model, verifier, numbers }: Kit): string {
  const settings = {
    engine,
    verifier,
    samples: numbers.samples,
    model: model.kind === 'folder' ? model.path : model.name,
    ...(model.kind === 'folder' && model.stopIds.length > 0 ? { stop_ids: model.stopIds } : {}),
  };
  if (!reward.includes(settingsLine)) throw new Error(`limr_reward.py: no line ${settingsLine}`);
  // A text of JSON within a text of JSON is a text of Python too.
  const text = JSON.stringify(JSON.stringify(settings));
  return reward.replace(settingsLine, () => `SETTINGS = json.loads(${text})`);
}

function selectionFile({ engine, model, verifier, selection, dataLicence, version }: Kit): string {
  const { method, rule, seed, scored, kept, sources, rows } = selection;
  return jsonText({
    schema: 1,
    version,
    engine,
    model: {
      name: model.kind === 'hub' ? model.name : model.path,
      ...(model.kind === 'hub' && model.revision !== undefined ? { revision: model.revision } : {}),
      licence: modelLicence(model),
    },
    data: { licence: licenceText(dataLicence), sources },
    verifier,
    method,
    rule,
    seed,
    scored,
    kept,
    rows: rows.map(({ id, score }, index) => ({ index, id: id ?? null, score })),
  });
}
