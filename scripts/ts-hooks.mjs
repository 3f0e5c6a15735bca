// node --import ./scripts/ts-hooks.mjs FILE: runs the sources unbuilt, on a Node that knows no
// TypeScript. Worker threads inherit it, so that tests can start workers from their sources.
import { register } from 'node:module';

register('./ts-loader.mjs', import.meta.url);
