import { describe, expect, test } from 'vitest';
import { nodeSystem } from '../../src/cli/node-system.ts';
import { system, useSystem } from '../../src/cli/system.ts';
import { visibleJson, visibleLine, visibleText } from '../../src/cli/visible-text.ts';

const hostile = 'a\u001b[2J\u001b]0;pwned\u0007b\u009b31m\r\u202ec\u2066\u0000\b';
/** What a terminal acts on, but for the ends of lines and tabs. */
const acted = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('text for a terminal', () => {
  test('has no control characters, and all else as it was', () => {
    expect(acted.test(hostile)).toBe(true);
    expect(visibleText(hostile)).not.toMatch(acted);
    expect(visibleText('Grüße\t数学\n  \u{1f600} é')).toBe('Grüße\t数学\n  \u{1f600} é');
    expect(visibleText('a\u001b[1mb')).toBe('a\ufffd[1mb');
  });

  test('as one line stays one', () => {
    expect(visibleLine(`  x\nlimr: all is well\t${hostile} `)).not.toMatch(/[\n\t]/);
    expect(visibleLine('x\r\n y')).toBe('x  y');
  });

  test('as JSON says the same value', () => {
    const value = { [hostile]: [hostile, '\n'] };
    const text = visibleJson(`${JSON.stringify(value, null, 2)}\n`);
    expect(text).not.toMatch(acted);
    expect(JSON.parse(text)).toEqual(value);
  });

  test('is all that the streams of a command get', async () => {
    const written: [string, string | undefined][] = [];
    useSystem({
      ...nodeSystem,
      stderr: async (text, look) => {
        written.push([text, look]);
      },
      stdout: async (text) => {
        written.push([text, undefined]);
      },
    });
    try {
      const host = await system();
      await host.stderr(`${hostile}\n`, 'warning');
      await host.stdout(JSON.stringify(hostile));
    } finally {
      useSystem(undefined);
    }
    expect(written[0]).toEqual([`${visibleText(hostile)}\n`, 'warning']);
    expect(written[1][0]).not.toMatch(acted);
    expect(JSON.parse(written[1][0])).toBe(hostile);
  });
});
