/** The contract on the OpenZFS of a kernel, whose machine is emulated and slow. */
import { poolsContract } from '#test/contracts/pools.ts';
import { describeReal } from '#test/real.ts';
import { missingOpenZfs, openZfs } from '#test/zfs-fixture.ts';
import { poolsOn } from './zfs-pools.ts';

describeReal('pools of OpenZFS', missingOpenZfs(), () => {
  poolsContract(async () => poolsOn(await openZfs()), { brief: true });
});
