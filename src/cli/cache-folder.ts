import type { System } from './system.ts';

/** The one folder outside `--out` that commands write to; undefined on a host without a home folder. */
export function cacheFolder(host: System): string | undefined {
  const own = host.environment('LIMR_CACHE');
  if (own) return own;
  const shared = host.environment('XDG_CACHE_HOME');
  if (shared) return `${shared}/limr-lab`;
  const home = host.environment('HOME') ?? host.environment('USERPROFILE');
  return home ? `${home}/.cache/limr-lab` : undefined;
}
