import { ConfigError } from '../config-error.ts';
import { type DatasetConfig, isRule, tierNames, verifierOf } from './dataset-config.ts';
import { judgeText, ruleVerifiers } from './rule-verifiers.ts';
import type { TaskVerifier } from './task.ts';

/**
 * The verifiers of a dataset's pool and of its tiers. Responses come without an end token. A
 * verifier that is a user's module refuses to judge: modules run elsewhere.
 */
export function datasetVerifier(config: DatasetConfig): TaskVerifier {
  const tiers = new Map(
    tierNames(config).map((name, i) => [name, ruleVerifier(verifierOf(config, config.tiers?.[i]))]),
  );
  return { ...ruleVerifier(verifierOf(config)), ofTier: (tier) => tiers.get(tier) };
}

function ruleVerifier(name: string): TaskVerifier {
  if (!isRule(name)) {
    const refused = new ConfigError(`task.verifier: '${name}' is a module, not a rule`);
    return { endText: undefined, verify: () => Promise.reject(refused) };
  }
  const named = { verify: ruleVerifiers[name], endTokens: [] };
  return {
    endText: undefined,
    verify: (prompt, answer, response, { finished }) =>
      judgeText(named, { prompt, answer, response }, { finished }),
  };
}
