/** How far a node's own member had got when it began to follow: kept over a restart, until the member has caught up. */
import { expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { FollowMark } from '#io/log/raft/following/mark.ts';
import { SimMachineDisk } from '#io/stores/sim-machine.ts';

const newDisk = (): SimMachineDisk => new SimMachineDisk({ clock: realClock, random: seededRandom(1), latencyMs: 0 });
const openMark = (disk: SimMachineDisk): Promise<FollowMark> => FollowMark.open(disk.directory('followed').open());

test('without it everything that the history has is the member’s own', async () => {
  const mark = await openMark(newDisk());
  expect(mark.isSet).toBe(false);
  expect(mark.ownOf({ index: 7, term: 2 })).toEqual({ index: 7, term: 2 });
  expect(mark.ownOf(undefined)).toBeUndefined();
});

test('it outlives a power cut, the first one counts, and it goes when it is cleared', async () => {
  const disk = newDisk();
  const mark = await openMark(disk);
  await mark.set({ index: 7, term: 2 });
  await mark.set({ index: 90, term: 5 });
  disk.crash('power');
  const again = await openMark(disk);
  expect(again.isSet).toBe(true);
  expect(again.ownOf({ index: 400, term: 6 })).toEqual({ index: 7, term: 2 });
  await again.clear();
  disk.crash('power');
  const last = await openMark(disk);
  expect(last.ownOf({ index: 400, term: 6 })).toEqual({ index: 400, term: 6 });
});

test('a member that had nothing has applied nothing, whatever was followed', async () => {
  const mark = await openMark(newDisk());
  await mark.set({ index: 0, term: 0 });
  expect(mark.ownOf({ index: 400, term: 6 })).toBeUndefined();
});

test('one that cannot be read says nothing', async () => {
  const disk = newDisk();
  await disk
    .directory('followed')
    .open()
    .replace('following', Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
  expect((await openMark(disk)).ownOf({ index: 400, term: 6 })).toEqual({ index: 400, term: 6 });
});
