import { findProgram, launchChromium } from './chromium.ts';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import type { SelfTest } from './self-test.ts';

/** The report of one host. */
export interface HostReport {
  readonly host: string;
  readonly adapters: readonly {
    readonly name: string;
    readonly kind: 'cpu' | 'gpu';
    readonly goodFor: string;
    readonly features: readonly string[];
    readonly limits: Readonly<Record<string, number>>;
    /**
     * The variants that plans use: measured by `limr bench --tune`, else the preferred ones alone.
     */
    readonly variants: VariantChoices;
    readonly selfTest: SelfTest;
  }[];
  /** Why the host found nothing, or less than expected. */
  readonly problems: readonly string[];
}

/**
 * Longest time that another host may take to report. Its self-test compiles about ten kernels: 16 s
 * on llvmpipe in Deno, on two cores without other work.
 */
const HOST_SECONDS = 180;

const failed = (host: string, error: unknown): HostReport => ({
  host,
  adapters: [],
  problems: [error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)],
});

/**
 * Reports of the other hosts on this machine.
 *
 * @param tell Receives the name of the next host before it is asked.
 */
export async function otherHosts(tell: (text: string) => Promise<void>): Promise<HostReport[]> {
  const other = 'Deno' in globalThis ? 'node' : 'deno';
  const asking = (host: string): Promise<void> =>
    tell(`${host}: compiling kernels and testing them, ${HOST_SECONDS} s at most …`);
  await asking(other === 'deno' ? 'Deno' : 'Node');
  const child = await childReport(other);
  await asking('Chromium');
  return [child, await chromiumReport()];
}

/** Runs the same command under Node or Deno. */
async function childReport(program: 'node' | 'deno'): Promise<HostReport> {
  const host = program === 'deno' ? 'Deno' : 'Node';
  const { execFile } = await import('node:child_process');
  const { createRequire } = await import('node:module');
  const script = process.argv[1];
  let path = await findProgram([program]);
  if (path === undefined && program === 'deno') {
    try {
      // The npm package ships the program in a second package for the platform.
      const installer = createRequire(import.meta.url)('deno/install_api.cjs') as {
        runInstall(): string;
      };
      path = installer.runInstall();
    } catch {
      // That package is missing too: reported below.
    }
  }
  if (path === undefined) return failed(host, `not installed: no ${program} on PATH`);
  if (script === undefined) return failed(host, 'not asked: this process has no script to run');
  const options =
    program === 'deno'
      ? ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual', script]
      : [script];
  return new Promise((resolve) => {
    execFile(
      path,
      [...options, 'doctor', '--only', '--json'],
      { timeout: HOST_SECONDS * 1000, maxBuffer: 1 << 20, env: { ...process.env, NO_COLOR: '1' } },
      (error, stdout, stderr) => {
        try {
          const { hosts } = JSON.parse(stdout) as { hosts: readonly HostReport[] };
          resolve(hosts[0] ?? failed(host, 'reported nothing'));
        } catch {
          resolve(failed(host, error ?? new Error(stderr)));
        }
      },
    );
  });
}

/** The script of the page: runs the built modules on the browser's adapter. */
const pageReport = `(async () => {
  const [{ openGpu }, { choicesOf }, { selfTest }] = await Promise.all([
    import('/src/gpu/device.js'),
    import('/src/variants/choices.js'),
    import('/src/cli/self-test.js'),
  ]);
  const gpu = await openGpu({ limits: 'max', features: ['shader-f16', 'subgroups', 'timestamp-query'] });
  const limits = {};
  for (const name of ['maxBufferSize', 'maxStorageBufferBindingSize']) limits[name] = gpu.limits[name];
  return {
    name: gpu.name,
    kind: gpu.kind,
    features: [...gpu.features].sort(),
    limits,
    variants: choicesOf(gpu),
    selfTest: await selfTest(gpu),
  };
})()`;

/** The report of a headless Chromium, if Playwright and a browser are installed. */
async function chromiumReport(): Promise<HostReport> {
  const host = 'Chromium, headless';
  const modules = new URL('../../', import.meta.url);
  if (import.meta.url.endsWith('.ts')) return failed(host, 'not built: run npm run build');
  try {
    const browser = await launchChromium('software');
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(HOST_SECONDS * 1000);
      // A secure origin; no request to it leaves the machine.
      const origin = 'https://limr.invalid';
      const { readFile } = await import('node:fs/promises');
      await page.route(`${origin}/**`, async (route) => {
        const path = new URL(route.request().url()).pathname;
        let response: { status?: number; contentType?: string; body: string };
        if (path === '/') response = { contentType: 'text/html', body: '<!doctype html>' };
        else {
          const file = new URL(`.${path}`, modules);
          response = await readFile(file, 'utf8').then(
            (body) => ({ contentType: 'text/javascript', body }),
            () => ({ status: 404, body: '' }),
          );
        }
        await route.fulfill(response);
      });
      await page.goto(`${origin}/`);
      const found =
        await page.evaluate<Omit<HostReport['adapters'][number], 'goodFor'>>(pageReport);
      return {
        host: `Chromium ${browser.version()}, headless`,
        adapters: [{ ...found, goodFor: 'the lab page and its tests' }],
        problems: [],
      };
    } finally {
      await browser.close();
    }
  } catch (error) {
    return failed(host, error);
  }
}
