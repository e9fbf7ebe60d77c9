/** The contract on OpenZFS: what `openzfs.thorough.test.ts` tells in stories, promise by promise. */
import { volumesContract } from '#test/contracts/volumes.ts';
import { describeReal } from '#test/real.ts';
import { missingOpenZfs, openZfs } from '#test/zfs-fixture.ts';
import { zfsUnderTest } from './zfs-under-test.ts';

describeReal('volumes on OpenZFS', missingOpenZfs(), () => {
  volumesContract({
    driver: 'zfs',
    can: {
      ...{ quota: true, changes: true, recordSize: true, copyOnWrite: true, together: true },
      compression: ['off', 'lz4', 'zstd', 'gzip'],
      scrubbedDestroy: false,
    },
    countsSnapshots: true,
    others: ['snapshot'],
    timeoutMs: 300_000,
    runs: 2,
    commands: 12,
    setup: async () => zfsUnderTest(await openZfs(), 200),
  });
});
