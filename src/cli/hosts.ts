import { findProgram, launchChromium } from './chromium.ts';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import type { SelfTest } from './self-test.ts';

/** What one host found. */
export interface HostReport {
  readonly host: string;
  readonly adapters: readonly {
    readonly name: string;
    readonly kind: 'cpu' | 'gpu';
    readonly goodFor: string;
    readonly features: readonly string[];
    readonly limits: Readonly<Record<string, number>>;
    /** What plans take: measured by `limr bench --tune`, else nothing but what is preferred. */
    readonly variants: VariantChoices;
    readonly selfTest: SelfTest;
  }[];
  /** Why nothing, or less than expected, was found. */
  readonly problems: readonly string[];
}

/**
 * Longest that another host may take to report. Its self-test compiles some ten kernels: 16 s on
 * llvmpipe in Deno on two cores that have nothing else to do.
 */
const HOST_SECONDS = 180;

const failed = (host: string, error: unknown): HostReport => ({
  host,
  adapters: [],
  problems: [error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)],
});

/**
 * Reports of the hosts that this machine has beside the one that asks.
 *
 * @param tell Told which is asked next.
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

/** The same command under Node or Deno. */
async function childReport(program: 'node' | 'deno'): Promise<HostReport> {
  const host = program === 'deno' ? 'Deno' : 'Node';
  const { execFile } = await import('node:child_process');
  const { createRequire } = await import('node:module');
  const script = process.argv[1];
  let path = await findProgram([program]);
  if (path === undefined && program === 'deno') {
    try {
      // The npm package brings the program in a package for the platform.
      const installer = createRequire(import.meta.url)('deno/install_api.cjs') as {
        runInstall(): string;
      };
      path = installer.runInstall();
    } catch {
      // Neither is that package here: said below.
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

/** What the page runs: the built modules themselves, on the browser's adapter. */
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

/** A headless Chromium, where Playwright and a browser are installed. */
async function chromiumReport(): Promise<HostReport> {
  const host = 'Chromium, headless';
  const modules = new URL('../../', import.meta.url);
  if (import.meta.url.endsWith('.ts')) return failed(host, 'not built: run npm run build');
  try {
    const browser = await launchChromium('software');
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(HOST_SECONDS * 1000);
      // A secure origin that no request leaves the machine for.
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
