/** Which disks can be taken: nothing that holds or does anything may look free. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BlockNode, Candidate } from '#io/devices/pools/candidates.ts';
import { candidates, parseLsblk, parseSignatures } from '#io/devices/pools/candidates.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/pools/${name}`, import.meta.url), 'utf8');
const list = (name: string): readonly BlockNode[] => {
  const nodes = parseLsblk(fixture(name));
  if (!nodes) throw new Error('expected a list');
  return nodes;
};
const state = (found: readonly Candidate[]) =>
  Object.fromEntries(found.map((one) => [one.path, [one.state, ...one.why]]));

describe('the disks of a machine', () => {
  test('of a virtual one: its only disk is in use, and what is made of files or memory is not listed', () => {
    expect(candidates(list('lsblk-virtual-machine.json'))).toEqual([
      {
        path: '/dev/vda',
        kind: 'disk',
        sizeBytes: 274_877_906_944,
        model: undefined,
        serial: undefined,
        rotational: true,
        removable: false,
        state: 'in-use',
        why: ['mounted at /', 'mounted at /run/netns'],
      },
    ]);
  });

  test('of a server with everything on them', () => {
    expect(state(candidates(list('lsblk-server.json')))).toEqual({
      '/dev/sda': ['in-use', 'mounted at /boot/efi', 'mounted at /', 'swap of this machine', '3 partitions'],
      '/dev/sda1': ['in-use', 'mounted at /boot/efi', 'vfat'],
      '/dev/sda2': ['in-use', 'mounted at /', 'ext4'],
      '/dev/sda3': ['in-use', 'swap of this machine', 'swap'],
      '/dev/sdb': ['in-use', 'part of /dev/md0', 'linux_raid_member "nas:0"'],
      '/dev/sdc': ['in-use', 'mounted at /srv', 'part of /dev/mapper/vg-lv', 'LVM2_member'],
      '/dev/sdd': ['holds-data', 'zfs_member "old"'],
      '/dev/sde': ['free'],
      '/dev/sdf': ['holds-data', '2 partitions'],
      '/dev/sdf1': ['holds-data', 'ntfs "Backup"'],
      '/dev/sdf2': ['free'],
      '/dev/sdg': ['holds-data', 'a table of partitions (gpt)'],
      '/dev/sdh': ['unfit', 'read-only'],
      '/dev/sdi': ['unfit', 'smaller than 1 GiB'],
      '/dev/nvme0n1': ['holds-data', 'crypto_LUKS'],
    });
  });

  test('are free only when the disk itself and the kernel say so too', () => {
    const nodes = list('lsblk-server.json');
    const signatures = new Map([['/dev/sde', ['btrfs "tank"']]]);
    expect(state(candidates(nodes, { signatures }))['/dev/sde']).toEqual(['holds-data', 'btrfs "tank"']);
    const claims = new Map([['/dev/sde', 'part of a pool']]);
    expect(state(candidates(nodes, { claims }))['/dev/sde']).toEqual(['in-use', 'part of a pool']);
  });

  test('are read from an old lsblk, which writes numbers and booleans as texts', () => {
    const old = fixture('lsblk-server.json')
      .replaceAll(/: (\d+)/g, ': "$1"')
      .replaceAll(': true', ': "1"')
      .replaceAll(': false', ': "0"');
    expect(parseLsblk(old)).toEqual(list('lsblk-server.json'));
  });

  test('are unknown when the list cannot be read', () => {
    for (const text of ['', '[]', '{"blockdevices": [{"path": "/dev/sda"}]}', 'lsblk: unknown column']) {
      expect(parseLsblk(text)).toBeUndefined();
    }
  });

  test('never look free with a mount, a layer or a signature anywhere in them', () => {
    const node = (depth: number): fc.Arbitrary<BlockNode> =>
      fc.record({
        path: fc.stringMatching(/^\/dev\/sd[a-z][1-9]?$/),
        type: fc.constantFrom('part', 'crypt', 'lvm', 'raid1'),
        sizeBytes: fc.constant(2 ** 40),
        readOnly: fc.constant(false),
        removable: fc.boolean(),
        rotational: fc.boolean(),
        model: fc.constant(undefined),
        serial: fc.constant(undefined),
        filesystem: fc.option(fc.constantFrom('ext4', 'btrfs'), { nil: undefined }),
        label: fc.constant(undefined),
        partitionTable: fc.constant(undefined),
        mountpoints: fc.oneof(
          { weight: 3, arbitrary: fc.constant([]) },
          { weight: 1, arbitrary: fc.constant(['/srv']) },
        ),
        parts: depth === 0 ? fc.constant([]) : fc.array(node(depth - 1), { maxLength: 2 }),
      });
    const all = (one: BlockNode): readonly BlockNode[] => [one, ...one.parts.flatMap(all)];
    fc.assert(
      fc.property(node(3), (drawn) => {
        const disk = { ...drawn, type: 'disk' };
        const [found] = candidates([disk]);
        const inUse = all(disk).some(
          (one) => one.mountpoints.length > 0 || ['crypt', 'lvm', 'raid1'].includes(one.type),
        );
        const holds = all(disk).some((one) => one.filesystem !== undefined || one.type === 'part');
        expect(found?.state).toBe(inUse ? 'in-use' : holds ? 'holds-data' : 'free');
      }),
    );
  });
});

describe('what wipefs finds', () => {
  test('is told by kind and label, once', () => {
    const text = JSON.stringify({
      signatures: [
        { device: 'sdb', offset: '0x3f000', type: 'zfs_member', uuid: '1', label: 'old' },
        { device: 'sdb', offset: '0x3e000', type: 'zfs_member', uuid: '1', label: 'old' },
        { device: 'sdb', offset: '0x1fe', type: 'gpt', uuid: null, label: null },
      ],
    });
    expect(parseSignatures(text)).toEqual(['zfs_member "old"', 'gpt']);
  });

  test('is nothing of a disk without anything, and unknown of an answer without sense', () => {
    expect(parseSignatures('')).toEqual([]);
    expect(parseSignatures('wipefs: error')).toBeUndefined();
    expect(parseSignatures('{}')).toBeUndefined();
  });
});
