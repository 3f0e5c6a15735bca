// The trainer's worker with wrapped file calls. At one event it halts and calls the script that
// opened the page, which then ends the tab as a crash would.
type Method = (this: unknown, ...args: unknown[]) => unknown;

const orders = new URL(location.href).searchParams;
const at = Number(orders.get('at'));
let events = 0;

function happened(): void {
  if (++events !== at) return;
  // This request is never answered, so the thread does nothing more.
  const request = new XMLHttpRequest();
  request.open('GET', '/fault-here', false);
  try {
    request.send();
  } catch {
    // The tab is closing.
  }
}

function watch(owner: object | undefined, names: readonly string[]): void {
  if (owner === undefined) return;
  const table = owner as Record<string, Method>;
  for (const name of names) {
    const original = table[name];
    if (typeof original !== 'function') continue;
    table[name] = function (this: unknown, ...args: unknown[]) {
      happened();
      const result = Reflect.apply(original, this, args);
      if (result instanceof Promise) {
        return result.then((value: unknown) => {
          happened();
          return value;
        });
      }
      happened();
      return result;
    };
  }
}

const scope = globalThis as unknown as Record<string, { prototype: object } | undefined>;
watch(scope['FileSystemFileHandle']?.prototype, [
  'createWritable',
  'createSyncAccessHandle',
  'move',
]);
watch(scope['FileSystemWritableFileStream']?.prototype, ['write', 'close', 'truncate', 'abort']);
watch(scope['FileSystemSyncAccessHandle']?.prototype, ['write', 'flush', 'truncate', 'close']);
watch(scope['FileSystemDirectoryHandle']?.prototype, ['removeEntry']);

// Live GPU buffers, reported once a second.
const live = new Map<object, number>();
let bytes = 0;
const forget = (buffer: object): void => {
  bytes -= live.get(buffer) ?? 0;
  live.delete(buffer);
};
const gpu = globalThis as unknown as Record<string, { prototype: Record<string, Method> }>;
const create = gpu['GPUDevice'].prototype['createBuffer'];
gpu['GPUDevice'].prototype['createBuffer'] = function (this: unknown, ...args: unknown[]) {
  const buffer = Reflect.apply(create, this, args) as GPUBuffer;
  live.set(buffer, buffer.size);
  bytes += buffer.size;
  return buffer;
};
const destroy = gpu['GPUBuffer'].prototype['destroy'];
gpu['GPUBuffer'].prototype['destroy'] = function (this: unknown, ...args: unknown[]) {
  forget(this as object);
  return Reflect.apply(destroy, this, args);
};
const channel = new BroadcastChannel('limr-faults');
if (at === 0) setInterval(() => channel.postMessage([live.size, bytes]), 1000);

await import(/* @vite-ignore */ orders.get('entry') ?? '');

export {};
