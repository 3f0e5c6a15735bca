// npm runs this script after it installs a checkout: dist/ is built if the build tools are
// installed.
import { existsSync } from 'node:fs';
import { modulePath } from './process.mjs';

if (existsSync(modulePath('vite')) && existsSync(modulePath('typescript'))) {
  const { buildLibrary, emitTypes } = await import('./build.mjs');
  await buildLibrary();
  if (!emitTypes()) console.error('prepare: the types have errors; npm test names them');
} else {
  console.error('prepare: without the development dependencies dist/ is not built');
}
