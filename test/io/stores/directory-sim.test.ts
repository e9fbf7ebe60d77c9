import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { SimDirectory } from '#io/stores/directory-sim.ts';
import { SimMedium } from '#io/stores/sim-medium.ts';
import { directoryContract } from '#test/contracts/directory.ts';
import { settle, VirtualClock } from './virtual-clock.ts';

const mediumOf = (seed = 1, latencyMs = 0, clock = new VirtualClock()) =>
  new SimMedium({ clock, random: seededRandom(seed), latencyMs });

directoryContract('A simulated directory', async () => {
  const files = new SimDirectory(mediumOf());
  return { open: async () => files.open(), dispose: async () => undefined };
});

directoryContract('A simulated directory with latency', async () => {
  const clock = new VirtualClock();
  const files = new SimDirectory(mediumOf(1, 5, clock));
  let running = true;
  const run = async () => {
    while (running) await clock.step();
  };
  const stopped = run();
  return {
    open: async () => files.open(),
    dispose: async () => {
      running = false;
      await stopped;
    },
  };
});

test('what was synced, replaced, renamed or deleted stays so after a power cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const files = new SimDirectory(mediumOf(seed));
      const directory = files.open();
      await directory.writeAt('synced', 0, bytes('synced'));
      await directory.sync('synced');
      await directory.replace('replaced', bytes('old'));
      await directory.replace('replaced', bytes('new'));
      await directory.writeAt('part', 0, bytes('whole'));
      await directory.sync('part');
      await directory.rename('part', 'renamed');
      await directory.replace('gone', bytes('x'));
      await directory.delete('gone');
      files.crash('power');
      expect(contentOf(files)).toEqual({ synced: 'synced', replaced: 'new', renamed: 'whole' });
    }),
  );
});

test('of what was only written a power cut leaves any sectors, in any order, and perhaps not even the name', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 300; seed++) {
    const files = new SimDirectory(mediumOf(seed));
    const directory = files.open();
    await directory.writeAt('a', 0, new Uint8Array(1024).fill(1));
    files.crash('power');
    const left = contentOf(files)['a'];
    if (left === undefined) outcomes.add('no name');
    else if (left.length % 512 !== 0) outcomes.add('a torn sector');
    else outcomes.add(`${left.length} bytes${left.startsWith('\0') ? ', zeros first' : ''}`);
  }
  expect([...outcomes].toSorted()).toEqual([
    '0 bytes',
    '1024 bytes',
    '1024 bytes, zeros first',
    '512 bytes',
    'a torn sector',
    'no name',
  ]);
});

test('a synced file keeps what it had where a later write was lost', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const files = new SimDirectory(mediumOf(seed));
    const directory = files.open();
    await directory.writeAt('a', 0, bytes('old'));
    await directory.sync('a');
    await directory.writeAt('a', 0, bytes('new'));
    files.crash('power');
    outcomes.add(contentOf(files)['a'] ?? 'gone');
  }
  expect([...outcomes].toSorted()).toEqual(['ned', 'new', 'nld', 'old']);
});

test('a killed process loses nothing that it has written', async () => {
  const files = new SimDirectory(mediumOf());
  await files.open().writeAt('a', 0, bytes('written'));
  files.crash('process');
  expect(contentOf(files)).toEqual({ a: 'written' });
});

test('after a sync that failed a later one succeeds, and has written nothing', async () => {
  const medium = mediumOf();
  const files = new SimDirectory(medium);
  const directory = files.open();
  await directory.writeAt('a', 0, bytes('old'));
  await directory.sync('a');
  await directory.writeAt('a', 0, bytes('new'));
  medium.failNextSync();
  await expect(directory.sync('a')).rejects.toMatchObject({ code: 'FAILED', cause: { code: 'EIO' } });
  await expect(directory.writeAt('a', 0, bytes('now'))).rejects.toMatchObject({ code: 'FAILED' });
  files.crash('process');
  const next = files.open();
  expect(Buffer.from((await next.read('a')) ?? []).toString()).toBe('new');
  await next.sync('a');
  files.crash('power');
  expect(contentOf(files)).toEqual({ a: 'old' });
});

test('a full disk refuses every write until there is room again', async () => {
  const medium = mediumOf();
  const files = new SimDirectory(medium);
  medium.isFull = true;
  for (const _ of [1, 2]) {
    await expect(files.open().replace('a', bytes('x'))).rejects.toMatchObject({ cause: { code: 'ENOSPC' } });
    files.crash('process');
  }
  medium.isFull = false;
  await files.open().replace('a', bytes('y'));
  expect(contentOf(files)).toEqual({ a: 'y' });
});

test('a replacement under way at a crash is there whole or not at all', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const clock = new VirtualClock();
    const files = new SimDirectory(mediumOf(seed, 10, clock));
    files.restore([['a', bytes('old')]]);
    void files.open().replace('a', bytes('new and longer'));
    await clock.advance(1);
    files.crash(seed % 2 === 0 ? 'process' : 'power');
    const left = contentOf(files)['a'] ?? 'gone';
    outcomes.add(left);
    // The dead do nothing any more.
    await clock.advance(100);
    expect(contentOf(files)).toEqual({ a: left });
  }
  expect([...outcomes].toSorted()).toEqual(['new and longer', 'old']);
});

test('calls on a handle of before the crash never resolve', async () => {
  for (const latencyMs of [0, 10]) {
    const clock = new VirtualClock();
    const files = new SimDirectory(mediumOf(1, latencyMs, clock));
    const directory = files.open();
    await settleTogether(clock, directory.replace('a', bytes('x')));
    let answers = 0;
    const answered = () => answers++;
    if (latencyMs > 0) directory.replace('a', bytes('y')).then(answered, answered);
    files.crash('process');
    for (const call of [directory.list(), directory.read('a'), directory.sync('a'), directory.delete('a')])
      call.then(answered, answered);
    directory.writeAt('a', 0, bytes('z')).then(answered, answered);
    directory.close().then(answered, answered);
    await clock.advance(1000);
    await settle();
    expect(answers).toBe(0);
  }
});

test('without latency there are no timers, and a stall holds everything up until it is over', async () => {
  const clock = new VirtualClock();
  const medium = mediumOf(1, 0, clock);
  const directory = new SimDirectory(medium).open();
  await directory.replace('a', bytes('x'));
  expect(clock.pending).toBe(0);
  const slow = mediumOf(1, 10, clock);
  let isDone = false;
  const writing = new SimDirectory(slow)
    .open()
    .replace('a', bytes('x'))
    .then(() => (isDone = true));
  await clock.advance(1);
  // Those under way hang as well.
  slow.stall(500);
  await clock.advance(499);
  expect(isDone).toBe(false);
  await clock.advance(1);
  await writing;
  for (const release of [medium.stall(), undefined]) {
    if (!release) medium.stall(500);
    let done = 0;
    const calls = [directory.read('a'), directory.writeAt('a', 0, bytes('y'))].map((call) => call.then(() => done++));
    await clock.advance(499);
    expect(done).toBe(0);
    release?.();
    await clock.advance(1);
    expect(done).toBe(2);
    await Promise.all(calls);
  }
});

test('a sector that cannot be read damages its file alone, until it is written anew', async () => {
  const files = new SimDirectory(mediumOf());
  expect(files.makeUnreadable()).toBe(false);
  const whole = new Uint8Array(2000).fill(1);
  files.restore([
    ['a', whole],
    ['b', whole],
  ]);
  expect(files.makeUnreadable('a', 700)).toBe(true);
  const directory = files.open();
  const damaged = {
    name: 'StoreError',
    code: 'DAMAGED',
    message: expect.stringContaining('a'),
    cause: { code: 'EIO' },
  };
  await expect(directory.read('a')).rejects.toMatchObject(damaged);
  expect(await directory.read('b')).toEqual(whole);
  const readable = async (from: number) => {
    let count = 0;
    const reading = async () => {
      for await (const piece of directory.stream('a', from)) count += piece.length;
    };
    await expect(reading()).rejects.toMatchObject(damaged);
    return count;
  };
  expect(await readable(0)).toBe(512);
  expect(await readable(800)).toBe(0);
  let behind = 0;
  for await (const piece of directory.stream('a', 1024)) behind += piece.length;
  expect(behind).toBe(976);
  // A part of a sector does not mend it.
  await directory.writeAt('a', 600, new Uint8Array(1000));
  await expect(directory.read('a')).rejects.toMatchObject(damaged);
  await directory.writeAt('a', 512, new Uint8Array(512));
  expect((await directory.read('a'))?.length).toBe(2000);
  files.makeUnreadable('a');
  files.crash('power');
  await expect(files.open().read('a')).rejects.toMatchObject(damaged);
  await files.open().replace('a', whole);
  expect(await files.open().read('a')).toEqual(whole);
});

test('damage does what it says, and only that', () => {
  const medium = mediumOf(3);
  const files = new SimDirectory(medium);
  expect(files.flipBit()).toBe(false);
  expect(files.misdirect()).toBe(false);
  expect(files.lose()).toBe(false);
  const before = new Uint8Array(2000).map((_, i) => i + 7 * (i >> 9));
  files.restore([['a', before]]);
  const image = files.image();
  expect(files.flipBit('a')).toBe(true);
  const flipped = files.image()[0]?.[1] as Uint8Array;
  expect([...flipped].filter((byte, i) => byte !== before[i])).toHaveLength(1);
  files.restore(image);
  expect(files.cutTail('a', 5)).toBe(true);
  expect(files.image()[0]?.[1]).toEqual(before.slice(0, 1995));
  expect(files.lose('a')).toBe(true);
  expect(files.image()).toEqual([]);
  files.restore(image);
  expect(files.image()).toEqual(image);
  let moved = 0;
  for (let i = 0; i < 20; i++) {
    files.restore(image);
    files.misdirect();
    const after = files.image()[0]?.[1] as Uint8Array;
    expect(after).toHaveLength(2000);
    if (Buffer.compare(after, before) !== 0) moved++;
  }
  expect(moved).toBeGreaterThan(5);
});

const bytes = (from: string): Uint8Array => new TextEncoder().encode(from);
const contentOf = (files: SimDirectory): Record<string, string> =>
  Object.fromEntries(files.image().map(([name, content]) => [name, Buffer.from(content).toString('latin1')]));

async function settleTogether(clock: VirtualClock, call: Promise<unknown>): Promise<void> {
  await clock.advance(100);
  await call;
}
