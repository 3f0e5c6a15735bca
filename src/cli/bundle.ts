import { defineCommand } from 'citty';
import { bundleOf } from '../bundle/bundle.ts';
import { bundleParts, type RunFiles } from '../bundle/run-bundle.ts';
import { jsonText } from '../formats/json.ts';
import { baseName } from '../formats/paths.ts';
import { bytes, counted } from '../look/wording.ts';
import { commonArgs, outArg, UsageError } from './arguments.ts';
import { expectFileOut } from './output.ts';
import { readRunFolder } from './run-report.ts';
import { system, type System } from './system.ts';

/** Bytes of a file that are in memory at once. */
const PIECE = 2 ** 24;

export const command = defineCommand({
  meta: {
    name: 'bundle',
    description: 'a finished run as one file, which the page and other commands open',
  },
  args: {
    folder: { type: 'positional', description: 'folder of a finished run', required: true },
    weights: { type: 'boolean', description: 'with what was trained: adapters or models' },
    out: outArg('bundle to write (default runs/NAME.limr)'),
    json: commonArgs.json,
  },
  async run({ args }) {
    const host = await system();
    const folder = args.folder.replace(/(?<=.)[/\\]+$/, '');
    const found = await host.info(folder);
    if (found?.kind !== 'directory') {
      throw new UsageError(`${folder}: ${found ? 'is a file, not a run' : 'no such folder'}`);
    }
    const out = args.out ?? `runs/${baseName(folder)}.limr`;
    await expectFileOut(out);
    const run = await readRunFolder(folder);
    const parts = await bundleParts(run, folderFiles(host, folder), {
      weights: args.weights ?? false,
    });
    await host.write(out, bundleOf(parts));
    const size = (await host.info(out))?.size ?? 0;
    if (args.json) await host.stdout(jsonText({ out, bytes: size, files: parts.length }));
    await host.stderr(`${out}: bundle of ${counted(parts.length, 'file')}, ${bytes(size)}\n`);
    return 0;
  },
});

const folderFiles = (host: System, folder: string): RunFiles => ({
  async list(name) {
    const place = name === '' ? folder : `${folder}/${name}`;
    if ((await host.info(place))?.kind !== 'directory') return [];
    return host.list(place);
  },
  async *pieces(path) {
    const file = await host.open(`${folder}/${path}`);
    try {
      for (let at = 0; at < file.size; at += PIECE) yield await file.slice(at, at + PIECE);
    } finally {
      await file.close();
    }
  },
});
