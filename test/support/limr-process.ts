import { main } from '../../src/cli/main.ts';

// A driver can keep a process from ending, as in bin/limr.mjs.
process.exit(await main(process.argv.slice(2)));
