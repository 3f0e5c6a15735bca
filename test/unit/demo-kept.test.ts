import { describe, expect, test, vi } from 'vitest';
import {
  bundledFiles,
  bundleName,
  lostWith,
  takeOut,
  type SavePlace,
} from '../../demo/rooms/data/bundling.ts';
import { noLabel } from '../../src/entries/browser.ts';
import { presets } from '../../src/index.ts';

const settings = { config: presets.quick, seeds: [1, 2] };
const label = { title: ' my <b>run</b>/../x ', note: 'two\nlines' };

describe('a run that leaves as a bundle', () => {
  const read = (without?: string) => (path: string) =>
    Promise.resolve(
      path === without || path.includes('/') ? undefined : new TextEncoder().encode(path),
    );

  test('takes its name and note along, in a file that every system can name', async () => {
    expect(bundleName({ label, settings })).toBe('my brunbx.limr');
    expect(bundleName({ label: noLabel, settings })).toBe('quick-1-2.limr');
    expect(bundleName({ label: { title: '../', note: '' }, settings })).toBe('quick-1-2.limr');
    const files = await bundledFiles({ label, settings, read: read() }, false);
    expect(JSON.parse(await files.get('label.json')!.text())).toEqual(label);
    expect(await files.get('results.json')!.text()).toBe('results.json');
    const plain = await bundledFiles({ label: noLabel, settings, read: read() }, false);
    expect([...files.keys()].filter((path) => !plain.has(path))).toEqual(['label.json']);
  });

  test('is no bundle without the files that make it a run', async () => {
    for (const path of ['config.json', 'results.json', 'metrics.jsonl']) {
      const made = bundledFiles({ label, settings, read: read(path) }, false);
      await expect(made).rejects.toThrow(`${path}: is gone`);
    }
  });

  test('names what would go with it', () => {
    const kept = ['given/0', 'label.json', 'checkpoints/latest.json', 'results.json'];
    expect(lostWith(kept, new Map([['results.json', 0]]))).toEqual(['given/0']);
  });
});

describe('a file that leaves the page', () => {
  const file = new Blob(['12345']);
  const make = () => Promise.resolve(file);

  test('is handed over where the browser cannot ask for a place', async () => {
    const hand = vi.fn();
    expect(await takeOut('a.limr', make, { hand })).toEqual({ kind: 'handed', bytes: 5 });
    expect(hand).toHaveBeenCalledExactlyOnceWith('a.limr', file);
    const failing = vi.fn();
    const broken = () => Promise.reject(new Error('results.json: is gone'));
    await expect(takeOut('a.limr', broken, { hand: failing })).rejects.toThrow('is gone');
    expect(failing).not.toHaveBeenCalled();
  });

  test('is saved once every byte is where its user wants it, and not before', async () => {
    const hand = vi.fn();
    let written: Blob | undefined;
    const place = (size?: number): SavePlace => ({
      write: (given) => {
        written = given;
        return Promise.resolve();
      },
      size: () => Promise.resolve(size ?? written?.size ?? 0),
    });
    const whole = { hand, pick: () => Promise.resolve(place()) };
    expect(await takeOut('a.limr', make, whole)).toEqual({ kind: 'saved', bytes: 5 });
    expect(written).toBe(file);
    const short = { hand, pick: () => Promise.resolve(place(4)) };
    await expect(takeOut('a.limr', make, short)).rejects.toThrow('a.limr: 4 bytes were saved of 5');
    const full = { ...place(), write: () => Promise.reject(new Error('the disk is full')) };
    await expect(
      takeOut('a.limr', make, { hand, pick: () => Promise.resolve(full) }),
    ).rejects.toThrow('the disk is full');
    expect(hand).not.toHaveBeenCalled();
  });

  test('that its user declines is not even made', async () => {
    const [hand, made] = [vi.fn(), vi.fn(make)];
    const ways = { hand, pick: () => Promise.resolve(undefined) };
    expect(await takeOut('a.limr', made, ways)).toEqual({ kind: 'declined' });
    expect(made).not.toHaveBeenCalled();
    expect(hand).not.toHaveBeenCalled();
  });
});
