/** A volume on one zfs-fuse, and its replica on another one: neither resumes streams, nor leaves bookmarks. */
import { zfsReplicationUnderTest } from '#test/io/devices/replication/zfs-under-test.ts';
import { describeReal } from '#test/real.ts';
import { missingZfsFuse, zfsFuse } from '#test/zfs-fixture.ts';
import { replicaStory } from './replica-story.ts';

describeReal('replicas of a lab on zfs-fuse', missingZfsFuse(), () => {
  replicaStory('zfs', async () => zfsReplicationUnderTest(await zfsFuse(), await zfsFuse()));
});
