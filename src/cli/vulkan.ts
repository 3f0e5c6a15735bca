/** The parts that WebGPU in Node and Deno needs on Linux, as far as this machine has them. */
export interface VulkanParts {
  /** Path of libvulkan.so.1, which loads drivers; undefined if the library was not found. */
  readonly loader: string | undefined;
  /** Paths of the driver manifests. */
  readonly drivers: readonly string[];
  /** Value of the environment variable that names drivers instead, if set. */
  readonly named: string | undefined;
}

const loaderName = 'libvulkan.so.1';
const manifestFolders = [
  '/etc/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/usr/share/vulkan/icd.d',
];

/**
 * Looks in the places of the Vulkan loader; undefined on systems whose WebGPU does not use Vulkan.
 */
export async function findVulkan(): Promise<VulkanParts | undefined> {
  if (typeof process === 'undefined' || process.platform !== 'linux') return undefined;
  const { existsSync, readdirSync } = await import('node:fs');
  const namesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);
  const libraries = ['/usr/lib', '/usr/lib64', '/lib', '/lib64', '/usr/local/lib'];
  const nested = namesIn('/usr/lib').filter((name) => name.includes('-linux-'));
  const places = [
    ...(process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter((folder) => folder !== ''),
    ...nested.map((name) => `/usr/lib/${name}`),
    ...libraries,
  ];
  return {
    loader: places.map((folder) => `${folder}/${loaderName}`).find((path) => existsSync(path)),
    drivers: manifestFolders.flatMap((folder) =>
      namesIn(folder)
        .filter((name) => name.endsWith('.json'))
        .map((name) => `${folder}/${name}`),
    ),
    named: process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'],
  };
}

/** The places searched without finding an adapter, and what would provide one; one line each. */
export function adapterAdvice(found: VulkanParts | undefined): string[] {
  if (!found) return ['looked for an adapter of this system: install its GPU driver'];
  const { loader, drivers, named } = found;
  const manifests =
    drivers.length > 0 ? drivers.join(', ') : `none in ${manifestFolders.join(', ')}`;
  return [
    `looked for a Vulkan loader: ${loader ?? `no ${loaderName}`}`,
    `and for Vulkan drivers: ${named === undefined ? manifests : `those named, ${named}`}`,
    'Debian and Ubuntu: apt-get install libvulkan1 mesa-vulkan-drivers, Mesa 23 or newer (Debian 12: ' +
      'from bookworm-backports); Fedora: vulkan-loader and mesa-vulkan-drivers',
  ];
}
