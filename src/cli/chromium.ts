import type { Browser } from 'playwright';
import type { AdapterChoice } from '../gpu/device.ts';

/**
 * Playwright or the browser is missing, or the browser does not start; one line says what to do.
 */
export class ChromiumError extends Error {
  override readonly name = 'ChromiumError';
}

/** Longest time that the browser may take to start. */
const startSeconds = 60;

/** The path of the first of these programs that PATH contains. */
export async function findProgram(names: readonly string[]): Promise<string | undefined> {
  const { existsSync } = await import('node:fs');
  const path = await import('node:path');
  const folders = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => folder !== '');
  const ends = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  const places = names.flatMap((name) =>
    folders.flatMap((folder) => ends.map((end) => path.join(folder, name + end))),
  );
  return places.find((place) => existsSync(place));
}

/** Loads Playwright: a development dependency, which only a checkout has. */
async function loadPlaywright(): Promise<typeof import('playwright')> {
  const name = 'playwright';
  try {
    return (await import(/* @vite-ignore */ name)) as typeof import('playwright');
  } catch (cause) {
    const advice = 'npm install --save-dev playwright';
    throw new ChromiumError(`the package 'playwright' is not installed: ${advice}`, { cause });
  }
}

/** Usual places of browsers that are not on PATH. */
function usualPlaces(): string[] {
  if (process.platform === 'darwin') {
    return ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
      (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
    );
  }
  if (process.platform !== 'win32') return ['/snap/bin/chromium'];
  const folders = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA']
    .map((name) => process.env[name])
    .filter((folder) => folder !== undefined);
  return folders.flatMap((folder) => [
    `${folder}\\Google\\Chrome\\Application\\chrome.exe`,
    `${folder}\\Chromium\\Application\\chrome.exe`,
    `${folder}\\Microsoft\\Edge\\Application\\msedge.exe`,
  ]);
}

/**
 * Tries `CHROMIUM_PATH`, then a Chromium, Chrome or Edge of the system, then Playwright's browser.
 */
async function findChromium(playwrightPath: () => string): Promise<string> {
  const { existsSync } = await import('node:fs');
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new ChromiumError(`CHROMIUM_PATH: no file at ${named}`);
    return named;
  }
  const onPath = await findProgram([
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    'chrome',
    'microsoft-edge',
  ]);
  const found = onPath ?? [...usualPlaces(), playwrightPath()].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new ChromiumError(
    'no Chromium or Chrome found: set CHROMIUM_PATH, or run npx playwright install chromium',
  );
}

/** Whether this machine may have a GPU: on Linux, whether a driver offers a device. */
export async function mayHaveGpu(): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const { existsSync, readdirSync } = await import('node:fs');
  if (existsSync('/dev/nvidia0')) return true;
  try {
    return readdirSync('/dev/dri').some((name) => name.startsWith('renderD'));
  } catch {
    return false; // no driver, no folder
  }
}

/** Arguments that make Chromium offer the adapter, and keep it from network calls of its own. */
export function chromiumArguments(adapter: Exclude<AdapterChoice, 'auto'>): string[] {
  // Headless Chromium on Linux uses Vulkan only when told to.
  const vulkan =
    process.platform === 'linux'
      ? ['--use-angle=vulkan', '--enable-features=Vulkan', '--disable-vulkan-surface']
      : [];
  return [
    '--enable-unsafe-webgpu',
    ...(adapter === 'software' ? ['--use-webgpu-adapter=swiftshader'] : vulkan),
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
}

/**
 * Starts a headless Chromium with WebGPU that makes no network calls of its own. The caller handles
 * signals.
 *
 * @throws ChromiumError
 */
export async function launchChromium(adapter: Exclude<AdapterChoice, 'auto'>): Promise<Browser> {
  const { chromium } = await loadPlaywright();
  const executablePath = await findChromium(() => chromium.executablePath());
  try {
    return await chromium.launch({
      executablePath,
      timeout: startSeconds * 1000,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...chromiumArguments(adapter)],
    });
  } catch (cause) {
    const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new ChromiumError(`${executablePath} does not start: ${reason}`, { cause });
  }
}
