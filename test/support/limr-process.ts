import { main } from '../../src/cli/main.ts';

// Exit explicitly, as bin/limr.mjs does: a driver can keep a process from ending.
process.exit(await main(process.argv.slice(2)));
