import { expose, transfer } from 'comlink';
import { modulesOf } from '../tasks/registry.ts';
import type { StartRequest } from '../workers/protocol.ts';
import type { FileCalls } from '../workers/given-files.ts';
import { callsOf } from '../workers/remote-store.ts';
import { SystemFiles } from './system-files.ts';
import type { System } from './system.ts';

/**
 * A request to the trainer about a run in a folder of the command's system, and with files of the
 * system. A request without a config runs no module.
 */
export function inFolder<Request extends Partial<StartRequest>>(
  host: System,
  folder: string,
  request: Request,
): Request & Pick<StartRequest, 'store' | 'files' | 'frames'> {
  const store = host.runStore?.(folder);
  if (!store) {
    return { ...request, store: { kind: 'folder', path: folder }, files: { kind: 'disk' } };
  }
  const served = (calls: object): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    expose(calls, port1);
    return port2;
  };
  const ofStore = served(callsOf(store));
  const ofFiles = served(fileCallsOf(new SystemFiles(host)));
  const modules = request.config ? modulesOf(request.config.task) : [];
  const frames = modules.length > 0 ? host.verifierFrames?.() : undefined;
  return transfer(
    {
      ...request,
      store: { kind: 'port', port: ofStore },
      files: { kind: 'port', port: ofFiles },
      ...(frames ? { frames } : {}),
    },
    [ofStore, ofFiles, ...(frames ? [frames] : [])],
  );
}

const fileCallsOf = (files: SystemFiles): FileCalls => ({
  size: async (path) => (await files.open(path))?.size,
  async slice(path, start, end) {
    const source = await files.open(path);
    if (!source) throw new Error(`${path}: does not exist any more`);
    return source.slice(start, end);
  },
});
