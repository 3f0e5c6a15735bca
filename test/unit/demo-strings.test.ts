import { afterEach, describe, expect, test, vi } from 'vitest';
import { bytes, duration, fixed, percent, whole } from '../../demo/strings/numbers.ts';
import { translated } from '../../demo/strings/translated.ts';
import { language, problem } from '../../demo/state/stage.ts';

afterEach(() => {
  language.value = 'en';
  problem.value = '';
});

const english = { kept: (kept: number) => `${kept} kept` };

describe('the words of the page', () => {
  test('are English until another language is there, and follow the choice', async () => {
    const words = translated(english, {
      de: () => Promise.resolve({ text: { kept: (kept) => `${kept} behalten` } }),
      zh: () => Promise.resolve({ text: { kept: (kept) => `保留 ${kept}` } }),
    });
    expect(words.value.kept(3)).toBe('3 kept');
    language.value = 'de';
    expect(words.value.kept(3)).toBe('3 kept');
    await vi.waitFor(() => expect(words.value.kept(3)).toBe('3 behalten'));
    language.value = 'zh';
    await vi.waitFor(() => expect(words.value.kept(3)).toBe('保留 3'));
    language.value = 'en';
    expect(words.value.kept(3)).toBe('3 kept');
  });

  test('of a language that was left meanwhile do not come', async () => {
    let arrive = (_: { text: typeof english }): void => undefined;
    const words = translated(english, {
      de: () => new Promise((resolve) => (arrive = resolve)),
      zh: () => Promise.resolve({ text: english }),
    });
    language.value = 'de';
    language.value = 'en';
    arrive({ text: { kept: () => 'zu spät' } });
    await Promise.resolve();
    expect(words.value.kept(3)).toBe('3 kept');
  });

  test('stay English with a word about it where they do not come', async () => {
    const words = translated(english, {
      de: () => Promise.reject(new Error('offline')),
      zh: () => Promise.resolve({ text: english }),
    });
    language.value = 'de';
    await vi.waitFor(() => expect(problem.value).toContain('offline'));
    expect(words.value.kept(3)).toBe('3 kept');
  });

  test('have sizes and times as their language writes them', () => {
    const sizes = [0, 512, 1536, 27.4 * 2 ** 20, 1023.9 * 2 ** 10, 39 * 2 ** 30, 2 ** 51];
    const times = [0.44, 9.96, 12, 59.6, 185, 4800, NaN];
    const told = () => [sizes.map(bytes), times.map(duration)];
    const english = [
      ['0 B', '512 B', '1.5 KiB', '27 MiB', '1,024 KiB', '39 GiB', '2,048 TiB'],
      ['0.4 s', '10.0 s', '12 s', '1 min 00 s', '3 min 05 s', '1 h 20 min', 'unknown'],
    ];
    expect(told()).toEqual(english);
    language.value = 'de';
    expect(told()).toEqual([
      ['0 B', '512 B', '1,5 KiB', '27 MiB', '1.024 KiB', '39 GiB', '2.048 TiB'],
      ['0,4 s', '10,0 s', '12 s', '1 min 00 s', '3 min 05 s', '1 h 20 min', 'unbekannt'],
    ]);
    language.value = 'zh';
    expect(told()[1]).toEqual([
      ...['0.4 秒', '10.0 秒', '12 秒', '1 分 00 秒', '3 分 05 秒', '1 小时 20 分', '未知'],
    ]);
  });

  test('have numbers as their language writes them', () => {
    expect([fixed(-1.5, 2), whole(8523), percent(0.2333, 1)]).toEqual(['−1.50', '8,523', '23.3 %']);
    language.value = 'de';
    expect([fixed(-1.5, 2), whole(8523), percent(0.2333, 1)]).toEqual(['−1,50', '8.523', '23,3 %']);
    language.value = 'zh';
    expect([fixed(-1.5, 2), whole(8523), percent(0.2333, 1)]).toEqual(['−1.50', '8,523', '23.3%']);
  });
});
