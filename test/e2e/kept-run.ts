import { unzipSync } from 'fflate';
import type { Page } from 'playwright';

/** Puts the run of a bundle among those that the browser keeps. */
export async function keepRun(page: Page, bundle: Buffer, name: string): Promise<void> {
  const files = Object.entries(unzipSync(bundle))
    .filter(([path]) => path !== 'limr.json')
    .map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')] as const);
  await page.evaluate(
    async ([folder, contents]) => {
      const root = await navigator.storage.getDirectory();
      const runs = await root.getDirectoryHandle('runs', { create: true });
      const run = await runs.getDirectoryHandle(folder, { create: true });
      for (const [path, content] of contents) {
        const parts = path.split('/');
        let place = run;
        for (const part of parts.slice(0, -1)) {
          place = await place.getDirectoryHandle(part, { create: true });
        }
        const file = await place.getFileHandle(parts.at(-1)!, { create: true });
        const writable = await file.createWritable();
        await writable.write(Uint8Array.from(atob(content), (one) => one.charCodeAt(0)));
        await writable.close();
      }
      window.dispatchEvent(new Event('focus'));
    },
    [name, files] as const,
  );
}
