/** More seeds: `replicas-across.thorough.test.ts`. */
import { expect, test } from 'vitest';
import { swarmAcross } from './replicas-across.ts';

test.each([1, 2])(
  'replicas between pools of all kinds are always a snapshot of their volume: seed %i',
  async (seed) => {
    const { wrong, across } = await swarmAcross(seed);
    expect(wrong).toBeUndefined();
    // The lab prefers the file system's own streams, but has one other pool of each kind only.
    expect(across).toContain('btrfs to btrfs');
    expect(across).toContain('btrfs to zfs');
    expect(across).toContain('dir to btrfs');
  },
);
