/** The contract on zfs-fuse: what machines had before OpenZFS. */
import { poolsContract } from '#test/contracts/pools.ts';
import { describeReal } from '#test/real.ts';
import { missingZfsFuse, zfsFuse } from '#test/zfs-fixture.ts';
import { poolsOn } from './zfs-pools.ts';

describeReal('pools of zfs-fuse', missingZfsFuse(), () => {
  poolsContract(async () => poolsOn(await zfsFuse()));
});
