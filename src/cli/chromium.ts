import type { Browser } from 'playwright';
import type { AdapterChoice } from '../gpu/device.ts';

/** No Playwright, no browser, or one that does not start; one line that says what to do. */
export class ChromiumError extends Error {
  override readonly name = 'ChromiumError';
}

/** Longest that the browser may take to start. */
const startSeconds = 60;

/** The path of the first of some programs that PATH has. */
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

/** Playwright, which only a checkout has: it is a development dependency. */
async function loadPlaywright(): Promise<typeof import('playwright')> {
  const name = 'playwright';
  try {
    return (await import(/* @vite-ignore */ name)) as typeof import('playwright');
  } catch (cause) {
    const advice = 'npm install --save-dev playwright';
    throw new ChromiumError(`the package 'playwright' is not installed: ${advice}`, { cause });
  }
}

/** Where browsers lie that are on no PATH. */
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

/** `CHROMIUM_PATH`, then a Chromium, Chrome or Edge of the system, then what Playwright brought. */
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

/** Whether a GPU may be here: on Linux, whether a driver offers a device. */
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

/** What makes Chromium offer the adapter. */
function adapterArguments(adapter: Exclude<AdapterChoice, 'auto'>): string[] {
  if (adapter === 'software') return ['--use-webgpu-adapter=swiftshader'];
  // Headless Chromium on Linux leaves Vulkan alone unless it is told to take it.
  return process.platform === 'linux'
    ? ['--use-angle=vulkan', '--enable-features=Vulkan', '--disable-vulkan-surface']
    : [];
}

/**
 * Starts a headless Chromium with WebGPU that calls nobody. Signals are the caller's to handle.
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
      args: [
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
        '--enable-unsafe-webgpu',
        ...adapterArguments(adapter),
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  } catch (cause) {
    const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new ChromiumError(`${executablePath} does not start: ${reason}`, { cause });
  }
}
