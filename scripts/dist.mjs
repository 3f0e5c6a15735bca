// The folder of the built package.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './process.mjs';

export const dist = join(root, 'dist');

/** The modification time of this file is the time of the last build. */
export const stamp = join(dist, '.built');

/**
 * @param {string} path
 * @returns {string[]} The path; for a folder also everything below it.
 */
export function walk(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return [path, ...readdirSync(path).flatMap((name) => walk(join(path, name)))];
}
