/** The pools of a real node on zfs-fuse. */
import { describeReal } from '#test/real.ts';
import { missingZfsFuse, zfsFuse } from '#test/zfs-fixture.ts';
import { zfsNodePools } from './zfs-node-pools.ts';

describeReal('the pools of a real node on zfs-fuse', missingZfsFuse(), () => zfsNodePools(zfsFuse));
