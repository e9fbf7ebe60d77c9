/** The contract on zfs-fuse, which lacks half of the commands. What only zfs can get wrong is in the files beside this one. */
import { volumesContract } from '#test/contracts/volumes.ts';
import { describeReal } from '#test/real.ts';
import { missingZfsFuse, zfsFuse } from '#test/zfs-fixture.ts';
import { zfsUnderTest } from './zfs-under-test.ts';

describeReal('volumes on zfs-fuse', missingZfsFuse(), () => {
  volumesContract({
    driver: 'zfs',
    can: {
      ...{ quota: true, changes: false, recordSize: true, copyOnWrite: true, together: false },
      compression: ['off', 'gzip'],
      scrubbedDestroy: false,
    },
    countsSnapshots: true,
    others: ['snapshot'],
    runs: 4,
    commands: 12,
    setup: async () => zfsUnderTest(await zfsFuse(), 20),
  });
});
