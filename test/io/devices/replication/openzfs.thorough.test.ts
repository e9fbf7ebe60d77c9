/**
 * Replication between two kernels with OpenZFS: the main roads, streams that are resumed, and bookmarks. The machines are
 * emulated and slow; zfs-fuse has the whole contract.
 */
import { vi } from 'vitest';
import { replicationStory } from '#test/contracts/replication.ts';
import { describeReal } from '#test/real.ts';
import { missingOpenZfs, openZfs } from '#test/zfs-fixture.ts';
import { zfsReplicationUnderTest } from './zfs-under-test.ts';

/** Two emulated machines share the cores with whatever else runs. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

describeReal('replication on OpenZFS', missingOpenZfs(), () => {
  replicationStory({
    can: { format: 'zfs', resume: true, compressed: true, raw: true, bookmarks: true },
    setup: async () => zfsReplicationUnderTest(await openZfs(), await openZfs()),
  });
});
