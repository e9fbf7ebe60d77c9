/** The contract of replication file by file, and all that arrives of files, between real pools of different kinds. */
import { describe } from 'vitest';
import { replicationContract, replicationStory } from '#test/contracts/replication.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { missingZfsFuse } from '#test/zfs-fixture.ts';
import { missingForTrees } from '../tree-stream/trees.ts';
import { missingExt4 } from '../volumes/dir-pool.ts';
import { everythingArrives } from './tree-everything.ts';
import { treeBetween, treeCan } from './tree-under-test.ts';

const missing = missingBtrfs() ?? missingExt4() ?? missingForTrees();

describeReal('replication of files', missing, () => {
  everythingArrives('btrfs', 'dir', { fractions: true, attributes: true });
  everythingArrives('dir', 'btrfs', { fractions: true, attributes: true });

  describe('from btrfs to dir', () => {
    replicationContract({ can: treeCan, length: 'short', setup: () => treeBetween('btrfs', 'dir') });
  });
  describe('from dir to btrfs', () => {
    replicationContract({ can: treeCan, length: 'short', setup: () => treeBetween('dir', 'btrfs') });
  });
});

describeReal('replication of files with zfs-fuse', missing ?? missingZfsFuse(), () => {
  everythingArrives('btrfs', 'zfs-fuse', { fractions: false, attributes: false });
  everythingArrives('zfs-fuse', 'btrfs', { fractions: false, attributes: false });

  describe('from btrfs to zfs-fuse', () => {
    replicationStory({ can: treeCan, setup: () => treeBetween('btrfs', 'zfs-fuse') });
  });
  describe('from zfs-fuse to btrfs', () => {
    const { fractions: _, ...can } = treeCan;
    replicationStory({ can, setup: () => treeBetween('zfs-fuse', 'btrfs') });
  });
});
