/** The pools of a real node on the OpenZFS of a kernel. */
import { describeReal } from '#test/real.ts';
import { missingOpenZfs, openZfs } from '#test/zfs-fixture.ts';
import { zfsNodePools } from './zfs-node-pools.ts';

describeReal('the pools of a real node on OpenZFS', missingOpenZfs(), () => zfsNodePools(openZfs));
