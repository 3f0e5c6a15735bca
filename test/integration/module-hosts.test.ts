import { describe, expect, test } from 'vitest';
import frame from '../../demo/public/verifier-frame.html?raw';
import index from '../../demo/index.html?raw';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { ModuleVerifier } from '../../src/workers/module-verifier.ts';
import { serveVerifierFrames } from '../../src/workers/verifier-frames.ts';
import { inPage } from '../support/host.ts';

const code = `export default async (prompt, answer, response) => {
  if (response === 'hang') for (;;);
  if (response === 'read') Deno.readTextFileSync('package.json');
  if (response === 'run') new Deno.Command('true').outputSync();
  if (response === 'net') await fetch(answer);
  if (response === 'import') await import(answer);
  if (response === 'origin') return { reward: 1, correct: true, formatted: true, extracted: self.origin };
  if (response === 'store') indexedDB.open('x');
  return { reward: 2, correct: false, formatted: true, extracted: JSON.stringify(prompt) };
};`;

const files = {
  open: (path: string) => Promise.resolve(bytesSource(path, new TextEncoder().encode(code))),
};

describe('a verifier module in a page', () => {
  test('runs in a frame of opaque origin, without network, that can be ended', async (context) => {
    if (!inPage) context.skip('there are frames in a page alone');
    const page = URL.createObjectURL(new Blob([frame], { type: 'text/html' }));
    const verifier = await ModuleVerifier.open('mine.js', {
      files,
      threads: 1,
      timeLimitMs: 5000,
      frames: serveVerifierFrames(page),
    });
    const here = location.origin;
    const ask = (response: string, answer: unknown = `${here}/`) =>
      verifier.judge({ prompt: [{ role: 'user' }], answer, response, finished: true });
    expect(await ask('x')).toEqual({
      ...{ reward: 2, correct: false, formatted: true },
      extracted: '[{"role":"user"}]',
    });
    expect(await ask('origin')).toMatchObject({ extracted: 'null' });
    expect(await ask('net')).toHaveProperty('failed');
    expect(await ask('import')).toHaveProperty('failed');
    expect(await ask('store')).toHaveProperty('failed');
    expect(document.querySelectorAll('iframe[sandbox="allow-scripts"]')).toHaveLength(1);
    expect(await ask('hang')).toEqual({ failed: 'it ran longer than 5000 ms' });
    expect(await ask('y')).toMatchObject({ reward: 2 });
    verifier.close();
    await expect
      .poll(() => document.querySelectorAll('iframe[sandbox="allow-scripts"]').length)
      .toBe(0);
  });

  test('does not run where the page gives no frame', async (context) => {
    if (!inPage) context.skip('there are frames in a page alone');
    await expect(ModuleVerifier.open('mine.js', { files, threads: 1 })).rejects.toThrow(
      'verifier mine.js: a module of yours runs only where this page was allowed to run it',
    );
  });

  test('has no permission in Deno', async (context) => {
    if (!('Deno' in globalThis)) context.skip('Deno alone has permissions');
    const verifier = await ModuleVerifier.open('mine.js', { files, threads: 1 });
    const ask = (response: string) =>
      verifier.judge({
        prompt: 'p',
        answer: 'http://127.0.0.1:8080/',
        response,
        finished: true,
      });
    expect(await ask('x')).toMatchObject({ reward: 2 });
    for (const what of ['read', 'run', 'net', 'import']) {
      expect(await ask(what), what).toHaveProperty('failed');
    }
    expect(await ask('read')).toMatchObject({
      failed: expect.stringContaining('NotCapable: Requires read access') as string,
    });
    verifier.close();
  });

  test('finds policies that say what is allowed', () => {
    const policyOf = (html: string) =>
      /Content-Security-Policy"\s+content="([^"]*)"/.exec(html)?.[1];
    expect(policyOf(index)).toContain("default-src 'none'; script-src 'self';");
    expect(policyOf(index)).toContain("frame-src 'self'");
    expect(policyOf(frame)).toBe(
      "default-src 'none'; script-src 'unsafe-inline' blob: data:; worker-src blob:; base-uri 'none'; form-action 'none'",
    );
  });
});
