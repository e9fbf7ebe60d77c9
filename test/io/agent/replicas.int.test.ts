/** A volume on one btrfs, and its replica on another one. */
import { btrfsReplicationUnderTest } from '#test/io/devices/replication/btrfs-under-test.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { replicaStory } from './replica-story.ts';

describeReal('replicas of a lab on btrfs', missingBtrfs(), () => {
  replicaStory('btrfs', btrfsReplicationUnderTest);
});
