import type { StringArgDef } from 'citty';
import type { TaskConfig } from '../tasks/registry.ts';
import { isModule } from '../tasks/dataset-config.ts';
import type { NamedVerifier } from '../tasks/rule-verifiers.ts';
import { textVerifier, type VerifierName, verifierNames } from '../tasks/verifiers.ts';
import { moduleNotice, ModuleVerifier } from '../workers/module-verifier.ts';
import { UsageError } from './arguments.ts';
import { system } from './system.ts';
import { SystemFiles } from './system-files.ts';

/** The option `--verifier`. */
export const verifierArg = {
  type: 'string',
  valueHint: [...verifierNames, './mine.js'].join('|'),
  description: "what judges responses (math-eval: LIMR's evaluator; ./mine.js: your own module)",
} as const satisfies StringArgDef;

/** A verifier that a command opened. */
export interface OpenedVerifier extends NamedVerifier {
  /** Whether rows may have any answer, or none. */
  readonly isModule: boolean;
  /** Responses that could not be judged, and why the first could not. */
  readonly unjudged: { count: number; reason: string };
  close(): void;
}

/**
 * Opens the verifier that `--verifier` names. Of a module, the command tells where it runs.
 *
 * @param task The task whose own rules judge, if the name asks for them.
 * @throws UsageError for another name; ConfigError for a module that cannot be used.
 */
export async function openVerifierOption(name: string, task: TaskConfig): Promise<OpenedVerifier> {
  const unjudged = { count: 0, reason: '' };
  if (isModule(name)) {
    const module = await openModule(name);
    return {
      isModule: true,
      endTokens: [],
      unjudged,
      async verify(prompt, answer, response, { finished }, row = { prompt, answer }) {
        const judged = await module.judge({ ...row, response, finished });
        if (!('failed' in judged)) return judged;
        unjudged.count++;
        unjudged.reason ||= judged.failed;
        return { reward: -1, correct: false, formatted: false, extracted: null };
      },
      close: () => module.close(),
    };
  }
  const known = verifierNames.find((one) => one === name);
  if (known === undefined) {
    throw new UsageError(
      `--verifier must be ${verifierNames.join(', ')} or a module such as ./mine.js, got '${name}'`,
    );
  }
  const rules = await textVerifier(known satisfies VerifierName, task);
  return { ...rules, isModule: false, unjudged, close: () => undefined };
}

async function openModule(path: string): Promise<ModuleVerifier> {
  const host = await system();
  await host.stderr(`verifier: ${moduleNotice(path)}\n`);
  const files = new SystemFiles(host);
  try {
    return await ModuleVerifier.open(path, { files, frames: host.verifierFrames?.() });
  } finally {
    await files.close();
  }
}

/** A line about responses that a module could not judge; empty if there are none. */
export const unjudgedText = ({ unjudged }: OpenedVerifier): string =>
  unjudged.count === 0
    ? ''
    : `${unjudged.count} responses could not be judged and count as wrong (the first: ${unjudged.reason})\n`;
