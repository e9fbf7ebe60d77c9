/** The contract of replication between two daemons of zfs-fuse, which can neither resume nor leave bookmarks. */
import { replicationContract } from '#test/contracts/replication.ts';
import { describeReal } from '#test/real.ts';
import { missingZfsFuse, zfsFuse } from '#test/zfs-fixture.ts';
import { zfsReplicationUnderTest } from './zfs-under-test.ts';

describeReal('replication on zfs-fuse', missingZfsFuse(), () => {
  replicationContract({
    can: { format: 'zfs', resume: false, compressed: false, raw: false, bookmarks: false },
    length: 'short',
    setup: async () => zfsReplicationUnderTest(await zfsFuse(), await zfsFuse()),
  });
});
