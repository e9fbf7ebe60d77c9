/** The contract of replication on two real btrfs pools; the main roads are in `npm test`. */
import { replicationContract } from '#test/contracts/replication.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { btrfsCan, btrfsReplicationUnderTest } from './btrfs-under-test.ts';

describeReal('replication on btrfs', missingBtrfs(), () => {
  replicationContract({ can: btrfsCan, length: 'short', setup: btrfsReplicationUnderTest });
});
