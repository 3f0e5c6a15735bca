// node --import ./scripts/ts-hooks.mjs FILE runs the sources unbuilt, on a Node without TypeScript
// support. Worker threads inherit the hooks, so that tests can start workers from their sources.
import { register } from 'node:module';

register('./ts-loader.mjs', import.meta.url);
