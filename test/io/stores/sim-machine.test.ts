import { expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { SimMachineDisk } from '#io/stores/sim-machine.ts';
import { settle, VirtualClock } from './virtual-clock.ts';

const diskOf = (seed = 1, latencyMs = 0, clock = new VirtualClock()) =>
  new SimMachineDisk({ clock, random: seededRandom(seed), latencyMs });
const one = Uint8Array.of(1);
const put = { put: one, value: one };

test('the same name is the same database, and the same directory', async () => {
  const disk = diskOf();
  expect(disk.database('raft')).toBe(disk.database('raft'));
  expect(disk.directory('raft')).toBe(disk.directory('raft'));
  await disk.database('raft').open().batch([put], { sync: true });
  expect(disk.database('state').size).toBe(0);
});

test('one power cut hits everything on it', async () => {
  const left = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const disk = diskOf(seed);
    const stores = ['raft', 'state'].map((name) => disk.database(name).open());
    const files = disk.directory('files').open();
    for (const store of stores) await store.batch([put], { sync: false });
    await files.writeAt('a', 0, one);
    disk.crash('power');
    let answers = 0;
    const answered = () => answers++;
    for (const call of [...stores.map((store) => store.get(one)), files.read('a')]) call.then(answered, answered);
    await settle();
    expect(answers).toBe(0);
    left.add([disk.database('raft').size, disk.database('state').size, disk.directory('files').image().length].join());
  }
  expect(left.size).toBe(8);
});

test('a stall, a full disk and a fault strike whatever comes first', async () => {
  const clock = new VirtualClock();
  const disk = diskOf(1, 0, clock);
  let done = 0;
  disk.stall(100);
  const store = disk.database('raft').open();
  const files = disk.directory('files').open();
  const calls = [store.batch([put], { sync: true }), files.replace('a', one)].map((call) => call.then(() => done++));
  await clock.advance(99);
  expect(done).toBe(0);
  await clock.advance(1);
  await Promise.all(calls);
  disk.failNextWrite('EIO');
  await expect(files.replace('a', one)).rejects.toMatchObject({ cause: { code: 'EIO' } });
  await store.batch([put], { sync: true });
  disk.isFull = true;
  await expect(store.batch([put], { sync: true })).rejects.toMatchObject({ cause: { code: 'ENOSPC' } });
});

test('an old disk can be put back, and a new one in its place', async () => {
  const disk = diskOf();
  await disk.database('raft').open().batch([put], { sync: true });
  await disk.directory('files').open().replace('a', one);
  const old = disk.image();
  disk.crash('process');
  disk.wipe();
  expect([disk.database('raft').size, disk.directory('files').image().length]).toEqual([0, 0]);
  disk.database('state');
  disk.restore(old);
  expect(disk.database('raft').image()).toEqual(old.databases.get('raft'));
  expect(disk.directory('files').image()).toEqual([['a', one]]);
});

test('the same seed tells the same story', async () => {
  const story = async () => {
    const disk = diskOf(7);
    const store = disk.database('raft').open();
    const files = disk.directory('files').open();
    for (let i = 0; i < 20; i++) {
      await store.batch([{ put: Uint8Array.of(i), value: one }], { sync: i === 5 });
      await files.writeAt(`f${i % 3}`, 0, Uint8Array.of(i));
    }
    disk.crash('power');
    disk.database('raft').flipBit();
    disk.directory('files').misdirect();
    return disk.image();
  };
  expect(await story()).toEqual(await story());
});
