import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { WatermarkFile, type Mark } from '#io/log/raft/watermark.ts';
import { SimDirectory } from '#io/stores/directory-sim.ts';
import { SimMedium } from '#io/stores/sim-medium.ts';
import { VirtualClock } from '#test/io/stores/virtual-clock.ts';

const filesOf = (seed = 1) =>
  new SimDirectory(new SimMedium({ clock: new VirtualClock(), random: seededRandom(seed), latencyMs: 0 }));

const mark = (lastIndex: number): Mark => ({
  incarnation: 'attic-1',
  term: 3,
  vote: lastIndex % 2 === 0 ? asPeer('b') : undefined,
  lastIndex,
  lastTerm: 2,
  suspicion: lastIndex % 3 === 0 ? { term: 3, lastIndex: lastIndex + 1, lastTerm: 2 } : undefined,
});

const read = async (files: SimDirectory) => (await WatermarkFile.open(files.open())).mark;

async function made(files: SimDirectory, first = mark(0)): Promise<WatermarkFile> {
  const { file } = await WatermarkFile.open(files.open());
  await file.create(first);
  return file;
}

test('there is none at first, then the one that was written or noted last', async () => {
  const files = filesOf();
  expect(await read(files)).toBe('missing');
  const file = await made(files);
  expect(await read(files)).toEqual(mark(0));
  await file.write(mark(5));
  await file.write(mark(2 ** 47));
  expect(await read(files)).toEqual(mark(2 ** 47));
  await file.note(mark(9));
  expect(await read(files)).toEqual(mark(9));
  await file.write(mark(3));
  expect(await read(files)).toEqual(mark(3));
  await file.create(mark(4));
  expect(await read(files)).toEqual(mark(4));
  await file.note(mark(1));
  expect(await read(files)).toEqual(mark(1));
});

test('a power cut leaves what was synced last, or what was noted after it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(fc.boolean(), { maxLength: 8 }), async (seed, syncs) => {
      const files = filesOf(seed);
      const file = await made(files);
      let possible = [0];
      for (const [at, sync] of syncs.entries()) {
        if (sync) await file.write(mark(at + 1));
        else await file.note(mark(at + 1));
        possible = sync ? [at + 1] : [...possible, at + 1];
      }
      files.crash('power');
      const found = await read(files);
      expect(possible.map(mark)).toContainEqual(found);
    }),
    { numRuns: 300 },
  );
});

test('a torn write leaves the one before, whichever block it took', async () => {
  const outcomes = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    const files = filesOf(seed);
    const file = await made(files);
    for (let at = 1; at <= seed % 4; at++) await file.write(mark(at));
    // A write without its sync, as when the power fails between them.
    const directory = files.open();
    const cut = await WatermarkFile.open({ ...bound(directory), sync: async () => undefined });
    await cut.file.write(mark(50));
    files.crash('power');
    const found = (await read(files)) as Mark;
    expect([50, seed % 4]).toContain(found.lastIndex);
    outcomes.add(found.lastIndex);
  }
  expect(outcomes.size).toBe(5);
});

test('no flipped bit makes a mark that nobody wrote', async () => {
  const files = filesOf();
  const file = await made(files);
  await file.write(mark(1));
  await file.note(mark(2));
  const image = files.image();
  const whole = image[0]?.[1] as Uint8Array;
  for (const block of [0, 4096, 8192]) {
    for (let bit = 0; bit < 70 * 8; bit++) {
      const flipped = whole.slice();
      flipped[block + (bit >> 3)] = (flipped[block + (bit >> 3)] as number) ^ (1 << (bit & 7));
      files.restore([['watermark', flipped]]);
      expect([mark(1), mark(2)]).toContainEqual(await read(files));
    }
  }
});

test('a file without one readable block is told from none', async () => {
  const files = filesOf();
  for (const content of [new Uint8Array(), new Uint8Array(12288), new Uint8Array(12288).fill(7), new Uint8Array(1)]) {
    files.restore([['watermark', content]]);
    expect(await read(files)).toBe('unreadable');
  }
});

test('what version 0.1 wrote is read for ever', async () => {
  const files = filesOf();
  const bytes = new Uint8Array(12288);
  bytes.set(Buffer.from('1d00e4a2e53e0101000000000096a761747469632d3103a1620602930307020000', 'hex'), 4096);
  files.restore([['watermark', bytes]]);
  expect(await read(files)).toEqual(mark(6));
});

test('names that are too long for a block are refused', async () => {
  const long = { ...mark(1), incarnation: 'x'.repeat(5000) };
  await expect(made(filesOf(), long)).rejects.toThrow('too long');
});

/** The methods of a directory, one of which a test may replace. */
const bound = (directory: ReturnType<SimDirectory['open']>) => ({
  list: () => directory.list(),
  read: (name: string) => directory.read(name),
  stream: (name: string, from?: number) => directory.stream(name, from),
  replace: (name: string, bytes: Uint8Array) => directory.replace(name, bytes),
  writeAt: (name: string, offset: number, bytes: Uint8Array) => directory.writeAt(name, offset, bytes),
  sync: (name: string) => directory.sync(name),
  rename: (from: string, to: string) => directory.rename(from, to),
  delete: (name: string) => directory.delete(name),
  close: () => directory.close(),
});
