// The trainer's worker with a hand on its files: at one event it stands still and tells the script
// that opened the page, which then ends the tab as a crash would.
type Method = (this: unknown, ...args: unknown[]) => unknown;

const orders = new URL(location.href).searchParams;
const at = Number(orders.get('at'));
let events = 0;

function happened(): void {
  if (++events !== at) return;
  // Answered never: this thread does nothing more.
  const request = new XMLHttpRequest();
  request.open('GET', '/fault-here', false);
  try {
    request.send();
  } catch {
    // The tab is on its way out.
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

await import(/* @vite-ignore */ orders.get('entry') ?? '');

export {};
