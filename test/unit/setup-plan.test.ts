import { describe, expect, test } from 'vitest';
import {
  backportsSource,
  isDisposable,
  mayInstall,
  osRelease,
  planFor,
} from '../../scripts/setup.mjs';

const deb822 = {
  path: '/etc/apt/sources.list.d/debian.sources',
  text: [
    'Types: deb deb-src',
    'URIs: http://packages.example/debian',
    'Suites: bookworm bookworm-updates',
    'Components: main',
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
    '',
    'Types: deb',
    'URIs: http://packages.example/debian-security',
    'Suites: bookworm-security',
    'Components: main',
  ].join('\n'),
};
const oneLine = {
  path: '/etc/apt/sources.list',
  text: 'deb-src http://a.example/debian bookworm main\ndeb [signed-by=/k.gpg] http://a.example/debian bookworm main contrib\n',
};

const debian = (version: string, codename: string) =>
  osRelease(`ID=debian\nVERSION_ID="${version}"\nVERSION_CODENAME=${codename}\nNAME='Debian'\n`);
const machine = {
  platform: 'linux' as const,
  os: debian('12', 'bookworm'),
  apt: true,
  isRoot: true,
  sources: [deb822],
};
const both = { adapter: true, browser: true };

describe('backportsSource', () => {
  test("copies the machine's own stanza with the suite replaced", () => {
    expect(backportsSource('bookworm', [deb822])).toEqual({
      path: '/etc/apt/sources.list.d/bookworm-backports.sources',
      text: [
        'Types: deb',
        'URIs: http://packages.example/debian',
        'Suites: bookworm-backports',
        'Components: main',
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
      ].join('\n'),
    });
  });

  test('copies a line of the old format with its options', () => {
    expect(backportsSource('bookworm', [oneLine])).toEqual({
      path: '/etc/apt/sources.list.d/bookworm-backports.list',
      text: 'deb [signed-by=/k.gpg] http://a.example/debian bookworm-backports main contrib',
    });
  });

  test.each([
    ['no entry', []],
    ['another release alone', [{ ...oneLine, text: oneLine.text.replaceAll('bookworm', 'sid') }]],
    ['sources of code alone', [{ ...oneLine, text: 'deb-src http://a.example/d bookworm main' }]],
    ['an entry that is off', [{ ...deb822, text: `Enabled: no\n${deb822.text}` }]],
  ])('finds nothing in %s', (_, sources) => {
    expect(backportsSource('bookworm', sources)).toBeUndefined();
  });
});

describe('planFor', () => {
  test('adds the backports of Debian 12 once, and takes Mesa from there', () => {
    const { commands, addsSource } = planFor(both, machine);
    expect(addsSource).toBe('/etc/apt/sources.list.d/bookworm-backports.sources');
    expect(commands[0]).toContain(`tee ${addsSource}`);
    expect(commands[0]).toContain("'Suites: bookworm-backports'");
    expect(commands.slice(1)).toEqual([
      'apt-get update',
      expect.stringMatching(/install -y .* -t bookworm-backports mesa-vulkan-drivers$/),
      expect.stringMatching(/install -y .* libvulkan1 chromium chromium-sandbox fonts-liberation$/),
    ]);
    const known = { ...deb822, text: deb822.text.replace('-updates', '-backports') };
    const again = planFor(both, { ...machine, sources: [known] });
    expect(again.addsSource).toBeUndefined();
    expect(again.commands).toEqual(commands.slice(1));
  });

  test('takes the plain package where it is new enough', () => {
    const { commands } = planFor(
      { adapter: true, browser: false },
      { ...machine, os: debian('13', 'trixie'), isRoot: false },
    );
    expect(commands).toEqual([
      'sudo apt-get update',
      expect.stringMatching(/^sudo env .* install -y .* libvulkan1 mesa-vulkan-drivers$/),
    ]);
  });

  test('only advises where it cannot install', () => {
    for (const other of [
      { ...machine, platform: 'darwin' as const },
      { ...machine, os: { ID: 'fedora' } },
      { ...machine, apt: false },
      { ...machine, sources: [] },
    ]) {
      const { commands, advice } = planFor(both, other);
      expect(commands).toEqual([]);
      expect(advice.length).toBeGreaterThan(0);
    }
  });
});

describe('consent to install', () => {
  const nothing = () => false;
  test.each([
    ['nothing', {}, nothing, '0::/init.scope\n', false],
    ['CI', { CI: 'true' }, nothing, '', true],
    ['CI that is off', { CI: 'false' }, nothing, '', false],
    ['a variable of the container', { container: 'podman' }, nothing, '', true],
    ["Docker's mark", {}, (path: string) => path === '/.dockerenv', '', true],
    ["Podman's mark", {}, (path: string) => path === '/run/.containerenv', '', true],
    ['a control group of Docker', {}, nothing, '12:pids:/docker/0123abcd\n', true],
    ['one under systemd', {}, nothing, '0::/system.slice/docker-0123456789abcdef.scope\n', true],
    ['a control group of Kubernetes', {}, nothing, '0::/kubepods.slice/pod1\n', true],
    ['one of a user who runs docker', {}, nothing, '0::/user.slice/docker-desktop.scope\n', false],
  ])('%s', (_, env, exists, cgroups, want) => {
    expect(isDisposable(env, exists, cgroups)).toBe(want);
  });

  test('is --yes, or root on a machine made to be changed', () => {
    const asks = { yes: false, isRoot: true, disposable: false };
    expect(mayInstall(asks)).toBe(false);
    expect(mayInstall({ ...asks, disposable: true })).toBe(true);
    expect(mayInstall({ ...asks, isRoot: false, disposable: true })).toBe(false);
    expect(mayInstall({ ...asks, isRoot: false, yes: true })).toBe(true);
  });
});
