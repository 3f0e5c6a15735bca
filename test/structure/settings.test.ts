import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settingsText, wordsFile } from '../../scripts/settings.mjs';

test('the form of settings says what the docstrings say (npm run settings)', async () => {
  expect(readFileSync(wordsFile, 'utf8')).toBe(await settingsText());
});
