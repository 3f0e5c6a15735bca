// npm runs this after installing a checkout: dist/ is built where the tools for it were installed.
import { existsSync } from 'node:fs';
import { modulePath } from './process.mjs';

if (existsSync(modulePath('vite')) && existsSync(modulePath('typescript'))) {
  const { buildLibrary, emitTypes } = await import('./build.mjs');
  await buildLibrary();
  if (!emitTypes()) console.error('prepare: the types have errors; npm test names them');
} else {
  console.error('prepare: without the development dependencies dist/ is not built');
}
