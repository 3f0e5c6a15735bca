import { expose, transfer } from 'comlink';
import type { StartRequest } from '../workers/protocol.ts';
import type { FileCalls } from '../workers/given-files.ts';
import { callsOf } from '../workers/remote-store.ts';
import { SystemFiles } from './system-files.ts';
import type { System } from './system.ts';

/**
 * A request to the trainer for a run in a folder of the command's system, and with files of the
 * system.
 */
export function inFolder(
  host: System,
  folder: string,
  request: Omit<StartRequest, 'store' | 'files'>,
): StartRequest {
  const store = host.runStore?.(folder);
  if (!store) {
    return { ...request, store: { kind: 'folder', path: folder }, files: { kind: 'disk' } };
  }
  const served = (calls: object): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    expose(calls, port1);
    return port2;
  };
  const ports = [served(callsOf(store)), served(fileCallsOf(new SystemFiles(host)))] as const;
  const [ofStore, ofFiles] = ports;
  return transfer(
    {
      ...request,
      store: { kind: 'port', port: ofStore },
      files: { kind: 'port', port: ofFiles },
    },
    [...ports],
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
