// Finds a Chromium, and the arguments that give it a WebGPU adapter without a GPU.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
];

const windowsFolders = [
  process.env['PROGRAMFILES'],
  process.env['PROGRAMFILES(X86)'],
  process.env['LOCALAPPDATA'],
].filter((folder) => folder !== undefined);

const fixedPaths = {
  darwin: ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
    (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
  ),
  win32: windowsFolders.flatMap((folder) => [
    join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe'),
    join(folder, 'Chromium', 'Application', 'chrome.exe'),
    join(folder, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
  ]),
};

/** @returns {string | undefined} The browser that Playwright has downloaded, if any. */
function playwrightBrowser() {
  try {
    const require = createRequire(import.meta.url);
    const playwright = /** @type {typeof import('playwright')} */ (require('playwright'));
    const path = playwright.chromium.executablePath();
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined; // Playwright is a development dependency: absent in an installed package
  }
}

/**
 * Looks at `CHROMIUM_PATH`, then for a Chromium, Chrome or Edge of the system, then for
 * Playwright's download.
 *
 * @returns {string | undefined}
 * @throws {Error} When `CHROMIUM_PATH` names a missing file.
 */
export function findChromium() {
  const named = process.env['CHROMIUM_PATH'];
  if (named) {
    if (!existsSync(named)) throw new Error(`CHROMIUM_PATH: no file at ${named}`);
    return named;
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const fixed =
    process.platform === 'darwin' || process.platform === 'win32'
      ? fixedPaths[process.platform]
      : ['/snap/bin/chromium'];
  return [...onPath, ...fixed].find((path) => existsSync(path)) ?? playwrightBrowser();
}

const isRoot = process.getuid?.() === 0;

/**
 * Arguments for headless Chromium: a software adapter, and no network calls of the browser's own.
 */
export const chromiumArguments = [
  ...(isRoot ? ['--no-sandbox'] : []),
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
