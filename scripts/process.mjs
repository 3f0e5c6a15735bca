// Child processes for the repository's scripts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** The repository's top folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} path Path inside node_modules. */
export const modulePath = (path) => join(root, 'node_modules', path);

/** @returns {string[]} Deno and its options. The program itself ships inside an npm package. */
export function denoCommand() {
  /**
   * @type {{ runInstall(): string }} Links the program into place if install scripts are disabled.
   */
  const installer = createRequire(import.meta.url)('deno/install_api.cjs');
  return [installer.runInstall(), 'run', '--allow-all', '--no-lock', '--node-modules-dir=manual'];
}

/** @returns {string[] | undefined} Bun, if npm has a package of it for this platform. */
export function bunCommand() {
  // The install script moves the program from the platform's package into `bun`.
  const places = [`@oven/bun-${process.platform}-${process.arch}/bin/bun`, 'bun/bin/bun.exe'];
  const found = places.map(modulePath).find((path) => existsSync(path));
  return found === undefined ? undefined : [found];
}

/**
 * Parses this process's arguments. An unknown option ends the process with one line and code 2.
 *
 * @template {import('node:util').ParseArgsConfig} Config
 * @param {string} name Name of the script, for the line.
 * @param {Config} config
 */
export function readArguments(name, config) {
  try {
    return parseArgs(config);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
}

/**
 * @typedef {object} RunOptions
 * @property {Record<string, string>} [env] Added to this process's own environment.
 * @property {number} [minutes] Time after which the program and its child processes are ended.
 * @property {boolean} [quiet] Sends the program's standard output to standard error.
 * @property {boolean} [asks] Lets the program read from the terminal.
 * @property {boolean} [hold] Holds the program's output until its end, then prints it in one piece:
 *   for programs that run beside another.
 */

/**
 * Runs a program to its end and passes its output through.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<number>} The program's exit code; 124 when it ran past `minutes` and was ended.
 */
export function run(command, args, options = {}) {
  const { env = {}, minutes, quiet = false, asks = false, hold = false } = options;
  // Only the terminal's own process group can read from the terminal.
  const ownGroup = process.platform !== 'win32' && !asks;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: hold
        ? ['ignore', 'pipe', 'pipe']
        : [asks ? 'inherit' : 'ignore', quiet ? process.stderr : 'inherit', 'inherit'],
      // A new process group, so that ending the group also ends the program's child processes.
      detached: ownGroup,
    });
    /** @type {Buffer[]} */
    const held = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (/** @type {Buffer} */ text) => void held.push(text));
    }
    let late = false;
    let stopped = false;
    /** @param {NodeJS.Signals} signal */
    const end = (signal) => {
      if (child.pid === undefined) return;
      try {
        if (ownGroup) process.kill(-child.pid, signal);
        else child.kill(signal);
      } catch {
        // The program has ended by itself in the meantime.
      }
    };
    const timer =
      minutes === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            end('SIGKILL');
          }, minutes * 60_000);
    /** @param {NodeJS.Signals} signal */
    const pass = (signal) => {
      stopped = true;
      end(signal);
    };
    // Not `once`: a program that delays its end may be asked again.
    process.on('SIGINT', pass).on('SIGTERM', pass);
    const settle = () => {
      clearTimeout(timer);
      process.off('SIGINT', pass).off('SIGTERM', pass);
      (quiet ? process.stderr : process.stdout).write(Buffer.concat(held));
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    // Output may arrive after the exit, and a child process left running may never close the pipe.
    child.once('exit', (code) => {
      const read = hold ? Promise.race([once(child, 'close'), sleep(1000)]) : Promise.resolve();
      void read.then(() => {
        settle();
        if (stopped) process.exit(130);
        resolve(late ? 124 : (code ?? 1));
      });
    });
  });
}
