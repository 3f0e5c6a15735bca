import { expose, transfer } from 'comlink';
import type { StartRequest } from '../workers/protocol.ts';
import { callsOf } from '../workers/remote-store.ts';
import type { System } from './system.ts';

/** A request to the trainer for a run in a folder of the command's system. */
export function inFolder(
  host: System,
  folder: string,
  request: Omit<StartRequest, 'store'>,
): StartRequest {
  const store = host.runStore?.(folder);
  if (!store) return { ...request, store: { kind: 'folder', path: folder } };
  const { port1, port2 } = new MessageChannel();
  expose(callsOf(store), port1);
  return transfer({ ...request, store: { kind: 'port', port: port2 } }, [port2]);
}
