interface Host {
  readonly Deno?: { readonly version: { readonly deno: string } };
  readonly Bun?: { readonly version: string };
  readonly process?: { readonly versions?: { readonly node?: string } };
  readonly navigator?: {
    readonly userAgent?: string;
    readonly userAgentData?: {
      readonly brands: readonly { readonly brand: string; readonly version: string }[];
    };
  };
}

/**
 * The host of this code, for results: `node 20.20.2`, `deno 2.9.6`, `bun 1.4.5`, `chromium 156`.
 */
export function hostName(host: Host = globalThis): string {
  if (host.Deno) return `deno ${host.Deno.version.deno}`;
  if (host.Bun) return `bun ${host.Bun.version}`;
  const node = host.process?.versions?.node;
  if (node !== undefined) return `node ${node}`;
  // Every brand list has an invented entry. Real entries name the engine too.
  const engine = host.navigator?.userAgentData?.brands.find(({ brand }) => brand === 'Chromium');
  if (engine) return `chromium ${engine.version}`;
  const agent = host.navigator?.userAgent ?? '';
  for (const [name, pattern] of [
    ['firefox', /Firefox\/(\d+)/],
    ['chromium', /Chrome\/(\d+)/],
    ['safari', /Version\/(\d+).*Safari/],
  ] as const) {
    const version = pattern.exec(agent)?.[1];
    if (version !== undefined) return `${name} ${version}`;
  }
  return 'browser';
}
