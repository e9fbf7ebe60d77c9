/** What opening finds, case by case. That nothing is ever lost silently is proven by `law.sim.test.ts`. */
import { beforeEach, describe, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { entryKey, hardStateKey, identityKey, startKey } from '#io/log/raft/keys.ts';
import { createStorage, openStorage } from '#io/log/raft/open.ts';
import { seal } from '#io/log/raft/record.ts';
import { startRecord } from '#io/log/raft/small-records.ts';
import type { Opened } from '#io/log/raft/storage.ts';
import { WatermarkFile } from '#io/log/raft/watermark.ts';
import { SimMachineDisk } from '#io/stores/sim-machine.ts';
import type { Op } from '#io/stores/port.ts';
import { VirtualClock } from '#test/io/stores/virtual-clock.ts';
import { judgeOpened } from './law.ts';
import {
  entriesAt,
  firstConfiguration,
  identity,
  nothing,
  pointerTo,
  rebuilt,
  storing,
  type Deed,
  type Known,
} from './member.ts';
import { imageAfter, recording } from './recording.ts';

let disk: SimMachineDisk;
let known: Known;
/** Of the files, before the last two entries. */
let earlier: ReturnType<SimMachineDisk['image']>;
/** Of everything, when all is well. */
let whole: ReturnType<SimMachineDisk['image']>;
let batches: Op[][];

const database = () => disk.database('raft');
const files = () => disk.directory('raft');
const partsOf = () => ({ store: database().open(), directory: files().open() });
const open = async (): Promise<Opened> => {
  const opened = await openStorage(partsOf());
  disk.crash('process');
  return opened;
};
const kindsOf = ({ findings }: Opened) => findings.map(({ kind }) => kind);
const keysOf = () =>
  database()
    .image()
    .map(([key]) => Buffer.from(key).toString('hex'));
const hexOf = (index: number) => Buffer.from(entryKey(index)).toString('hex');

/** Entries 2 to 8 of terms 1 and 2, a snapshot at 3, a vote in term 2. */
beforeEach(async () => {
  disk = new SimMachineDisk({ clock: new VirtualClock(), random: seededRandom(1), latencyMs: 0 });
  batches = [];
  const parts = partsOf();
  const store = recording(parts.store, batches);
  const { storage } = await createStorage({ ...parts, store }, identity, firstConfiguration);
  known = nothing;
  const run = async (deed: Deed) => {
    await deed.run(storage);
    known = deed.next;
  };
  await run(storing(known, [{ hardState: { term: 1, vote: undefined, commit: 1 } }]));
  await run(storing(known, [{ entries: entriesAt(nothing.last, 1, 4) }]));
  await run(storing(known, [{ hardState: { term: 2, vote: undefined, commit: 4 } }]));
  await run(storing(known, [{ hardState: { term: 2, vote: asPeer('b'), commit: 4 } }]));
  const pointer = pointerTo({ index: 3, term: 1, configuration: firstConfiguration });
  await run({ next: { ...known, start: pointer.meta, pointer }, run: (log) => log.snapshotMade(pointer) });
  await storage.compact(1);
  await run(storing(known, [{ entries: entriesAt(known.last, 2, 1) }]));
  earlier = disk.image();
  await run(storing(known, [{ entries: entriesAt(known.last, 2, 2) }]));
  disk.crash('process');
  whole = disk.image();
});

test('a log without damage is opened without findings, and as it was', async () => {
  const opened = await open();
  expect(opened.findings).toEqual([]);
  expect(judgeOpened(opened, known)).toBe('exact');
  expect(opened.start).toMatchObject({
    hardState: { term: 2, vote: 'b', commit: 4 },
    base: { index: 1, term: 1 },
    snapshot: { index: 3, term: 1 },
  });
  expect(opened.start.entries.map(({ index }) => index)).toEqual([2, 3, 4, 5, 6, 7, 8]);
});

describe('Of a log that lost something', () => {
  const mark = { term: 2, lastIndex: 8, lastTerm: 2 };
  const upTo = (index: number) => [2, 3, 4, 5, 6, 7, 8].filter((at) => at <= index);

  test.each([
    {
      title: 'a damaged entry ends what can be used',
      damage: () => database().flipBit(entryKey(6)),
      kinds: ['damaged-entry'],
      left: upTo(5),
    },
    {
      title: 'a gap ends what can be used',
      damage: () => database().lose(entryKey(5)),
      kinds: ['gap'],
      left: upTo(4),
    },
    {
      title: 'a missing end is revealed by the watermark',
      damage: () => database().lose(entryKey(7)) && database().lose(entryKey(8)),
      kinds: ['shorter-than-watermark'],
      left: upTo(6),
    },
    {
      title: 'an entry that was stored whole and is cut off now has not been torn',
      damage: () => putBack(8, (value) => value.slice(0, 20)),
      kinds: ['damaged-entry'],
      left: upTo(7),
    },
    {
      title: 'term and vote are taken from the watermark',
      damage: () => database().lose(hardStateKey),
      kinds: ['lost-hard-state'],
      left: upTo(8),
    },
    {
      title: 'a vote that was given is not forgotten',
      damage: () => restoreRecord(hardStateKey, 3),
      kinds: ['lost-hard-state'],
      left: upTo(8),
    },
    {
      title: 'the identity is known beside the database',
      damage: () => database().flipBit(identityKey),
      kinds: ['lost-identity'],
      left: upTo(8),
    },
    {
      title: 'without its watermark nobody can tell whether it is whole',
      damage: () => files().lose('watermark'),
      kinds: ['lost-watermark'],
      left: upTo(8),
    },
    {
      title: 'the log begins anew when it is not known where it starts',
      // And a part of what came before its start is compacted already.
      damage: () => database().lose(startKey) && database().lose(entryKey(2)),
      kinds: ['lost-snapshot', 'gap'],
      left: [],
    },
    {
      title: 'a deleted database leaves a member that knows what it had',
      damage: () => database().wipe(),
      kinds: ['lost-snapshot', 'lost-identity', 'lost-hard-state', 'shorter-than-watermark'],
      left: [],
    },
  ])('$title', async ({ damage, kinds, left }) => {
    damage();
    const opened = await open();
    expect(kindsOf(opened)).toEqual(kinds);
    for (const { explain } of opened.findings) expect(explain).toMatch(/^[A-Z].*\.$/);
    expect(opened.start.suspect).toEqual(mark);
    expect(opened.start.entries.map(({ index }) => index)).toEqual(left);
    expect(opened.start.hardState).toMatchObject({ term: 2, vote: 'b', commit: opened.start.snapshot.index });
    expect(judgeOpened(opened, known)).toBe('suspect');
    expect(opened.identity).toEqual(identity);
  });

  test('a term that it was in is not forgotten, although the log has nothing of it', async () => {
    const { storage } = await openStorage(partsOf());
    await storing(known, [{ hardState: { term: 5, vote: undefined, commit: 4 } }]).run(storage);
    disk.crash('process');
    database().restore(whole.databases.get('raft') ?? []);
    const opened = await open();
    expect(kindsOf(opened)).toEqual(['lost-hard-state']);
    expect(opened.start.hardState).toMatchObject({ term: 5, vote: undefined });
    expect(opened.start.suspect).toEqual({ ...mark, term: 5 });
  });

  test('an entry that was replaced and is back is not taken for the new one', async () => {
    const stale = entriesAt({ index: 5, term: 1 }, 2, 3);
    const opened = await openStorage(partsOf());
    await storing(known, [{ hardState: { term: 4, vote: undefined, commit: 4 } }]).run(opened.storage);
    await storing(known, [
      { hardState: { term: 4, vote: undefined, commit: 4 }, entries: entriesAt({ index: 5, term: 1 }, 4, 3) },
    ]).run(opened.storage);
    disk.crash('process');
    for (const { index } of stale) {
      const before = whole.databases.get('raft')?.find(([key]) => Buffer.compare(key, entryKey(index)) === 0);
      putBack(index, () => before?.[1] as Uint8Array);
    }
    const after = await open();
    expect(kindsOf(after)).toEqual(['unlike-watermark']);
    expect(after.start.suspect).toEqual({ term: 4, lastIndex: 8, lastTerm: 4 });
    expect(after.start.hardState.commit).toBe(3);
  });

  test('an entry of an earlier life in the middle of the log does not belong there', async () => {
    const opened = await openStorage(partsOf());
    await storing(known, [
      { hardState: { term: 4, vote: undefined, commit: 4 }, entries: entriesAt({ index: 5, term: 1 }, 4, 3) },
    ]).run(opened.storage);
    disk.crash('process');
    const before = whole.databases.get('raft')?.find(([key]) => Buffer.compare(key, entryKey(6)) === 0);
    putBack(6, () => before?.[1] as Uint8Array);
    const after = await open();
    expect(kindsOf(after)).toEqual(['damaged-entry']);
    expect(after.findings[0]?.explain).toContain('Entry 7 does not belong');
    expect(after.start.entries.at(-1)).toMatchObject({ index: 6, term: 2 });
  });

  test('what stands behind the damage is left as it is, until entries of a leader replace it', async () => {
    database().flipBit(entryKey(5));
    const first = await open();
    expect(keysOf()).toEqual(whole.databases.get('raft')?.map(([key]) => Buffer.from(key).toString('hex')));
    const found: Known = { ...known, last: { index: 4, term: 1 }, suspicion: first.start.suspect };
    const { storage } = await openStorage(partsOf());
    const deed = rebuilt(found, 3);
    await deed.run(storage);
    disk.crash('process');
    expect(keysOf()).not.toContain(hexOf(8));
    expect(judgeOpened(await open(), deed.next)).toBe('exact');
  });

  test.each([
    { title: 'job by job', parts: [{ entries: entriesAt({ index: 4, term: 1 }, 3, 1) }, { suspicion: 'cleared' }] },
    { title: 'without any entry', parts: [{ suspicion: 'cleared' }] },
  ] as const)('a suspect that was brought back $title is none at the next start', async ({ parts }) => {
    database().flipBit(entryKey(5));
    const first = await open();
    expect(first.start.suspect).toEqual(mark);
    const { storage } = await openStorage(partsOf());
    let found: Known = { ...known, last: { index: 4, term: 1 }, suspicion: first.start.suspect };
    // The new term comes by itself, before anything of it.
    for (const part of [{ hardState: { term: 3, vote: undefined, commit: 4 } }, ...parts]) {
      const deed = storing(found, [part]);
      await deed.run(storage);
      found = deed.next;
    }
    await storage.close();
    const opened = await open();
    expect(opened.findings).toEqual([]);
    expect(judgeOpened(opened, found)).toBe('exact');
  });

  test('what was lost after it was closed in order is noticed, even if the power failed since', async () => {
    const { storage } = await openStorage(partsOf());
    await storing(known, [{ entries: entriesAt(known.last, 2, 1) }]).run(storage);
    await storage.close();
    disk.crash('power');
    database().lose(entryKey(9));
    const opened = await open();
    expect(kindsOf(opened)).toEqual(['shorter-than-watermark']);
    expect(opened.start.suspect).toEqual({ ...mark, lastIndex: 9 });
  });

  test('a log that ends before what was committed is noticed, even if the watermark is older still', async () => {
    for (const index of [4, 5, 6, 7, 8]) database().lose(entryKey(index));
    const { directory } = partsOf();
    const { file } = await WatermarkFile.open(directory);
    await file.create({
      incarnation: 'attic-1',
      term: 2,
      vote: asPeer('b'),
      lastIndex: 3,
      lastTerm: 1,
      suspicion: undefined,
    });
    disk.crash('process');
    const opened = await open();
    expect(kindsOf(opened)).toEqual(['shorter-than-watermark']);
    // Of which term entry 4 was nobody knows any more: of none later than that of the hard state.
    expect(opened.start.suspect).toEqual({ term: 2, lastIndex: 4, lastTerm: 2 });
  });

  test('the suspicion outlives an old image of the database, and one of the files', async () => {
    database().flipBit(entryKey(6));
    await open();
    for (const part of ['database', 'files'] as const) {
      const image = disk.image();
      if (part === 'files') files().restore(whole.directories.get('raft') ?? []);
      else database().restore(whole.databases.get('raft') ?? []);
      const opened = await open();
      expect(kindsOf(opened)).toContain('still-suspect');
      expect(opened.start.suspect).toEqual(mark);
      disk.restore(image);
    }
  });
});

describe('Of a log beside a history', () => {
  /** Database and directory are those of an earlier day, both: of themselves they tell nothing. */
  const opensWith = async (applied: { readonly index: number; readonly term: number }) => {
    const opened = await openStorage({ ...partsOf(), applied });
    disk.crash('process');
    return opened;
  };

  test.each([
    { title: 'an entry that was applied and is not there', applied: { index: 9, term: 2 }, term: 2, vote: 'b' },
    { title: 'an entry of a later term', applied: { index: 7, term: 4 }, term: 4, vote: undefined },
  ])('$title proves a loss', async ({ applied, term, vote }) => {
    const opened = await opensWith(applied);
    expect(kindsOf(opened)).toEqual(['behind-history']);
    expect(opened.start.suspect).toEqual({ term, lastIndex: applied.index, lastTerm: applied.term });
    expect(opened.start.hardState).toEqual({ term, vote, commit: 3 });
    expect(kindsOf(await open())).toEqual(['still-suspect']);
  });

  test.each([
    { title: 'that ends where it does', applied: { index: 8, term: 2 } },
    { title: 'that ends before', applied: { index: 4, term: 1 } },
    // Then the history has to go, and says so when the first of them is appended.
    { title: 'whose last entries the group has given up', applied: { index: 20, term: 1 } },
  ])('a history $title proves nothing', async ({ applied }) => {
    const opened = await opensWith(applied);
    expect(opened.findings).toEqual([]);
    expect(judgeOpened(opened, known)).toBe('exact');
  });
});

test('a start that is lost is no loss while the log goes back to the first configuration', async () => {
  database().lose(startKey);
  const opened = await open();
  expect(kindsOf(opened)).toEqual(['lost-snapshot']);
  expect(opened.start.snapshot).toEqual({ index: 1, term: 1, configuration: firstConfiguration });
  expect(opened.start.entries.map(({ index }) => index)).toEqual([2, 3, 4, 5, 6, 7, 8]);
  expect(opened.start.suspect).toBeUndefined();
});

test('a log of members that would begin before their first snapshot is not opened', async () => {
  const start = { meta: { index: 0, term: 0, configuration: firstConfiguration }, pointer: undefined };
  await database()
    .open()
    .batch([startRecord.op(start)], { sync: true });
  disk.crash('process');
  await expect(openStorage(partsOf())).rejects.toMatchObject({ name: 'ConsensusBroken' });
});

test('what a snapshot holds may be damaged without loss', async () => {
  database().flipBit(entryKey(2));
  const opened = await open();
  expect(kindsOf(opened)).toEqual(['damaged-entry']);
  expect(opened.start.suspect).toBeUndefined();
  expect(opened.start.base).toEqual({ index: 2, term: 1 });
  expect(judgeOpened(opened, known)).toBe('exact');
});

test('old entries that do not lead up to the snapshot are of no use, and no damage', async () => {
  database().lose(entryKey(3));
  const opened = await open();
  expect(opened.findings).toEqual([]);
  expect(opened.start.base).toBeUndefined();
  expect(judgeOpened(opened, known)).toBe('exact');
});

test('a lost copy of the identity is made anew', async () => {
  files().lose('identity');
  expect((await open()).findings).toEqual([]);
  database().lose(identityKey);
  expect((await open()).identity).toEqual(identity);
});

test('a lost identity is written back, so that the next start finds it', async () => {
  database().lose(identityKey);
  await open();
  files().lose('identity');
  const opened = await open();
  expect(opened.identity).toEqual(identity);
  expect(kindsOf(opened)).toEqual(['still-suspect']);
});

test('a file beside the database that cannot be read any more is a lost one, and is made anew', async () => {
  files().makeUnreadable('identity');
  expect((await open()).findings).toEqual([]);
  for (const block of [0, 1, 2]) {
    disk.restore(whole);
    files().makeUnreadable('watermark', 4096 * block);
    const opened = await open();
    expect(kindsOf(opened)).toEqual(['lost-watermark']);
    expect(judgeOpened(opened, known)).toBe('suspect');
    expect(kindsOf(await open())).toEqual(['still-suspect']);
  }
});

test('an entry that was never written to its end is removed, and counted for nobody', async () => {
  files().restore(earlier.directories.get('raft') ?? []);
  putBack(8, (value) => value.slice(0, 20));
  const opened = await open();
  expect(kindsOf(opened)).toEqual(['torn-tail']);
  expect(opened.start.suspect).toBeUndefined();
  expect(opened.start.entries.at(-1)).toMatchObject({ index: 7 });
  expect(keysOf()).not.toContain(hexOf(8));
  expect((await open()).findings).toEqual([]);
});

test('only the very last entry can be torn', async () => {
  files().restore(earlier.directories.get('raft') ?? []);
  putBack(7, (value) => value.slice(0, 20));
  const opened = await open();
  expect(kindsOf(opened)).toEqual(['damaged-entry']);
  expect(opened.start.suspect).toMatchObject({ lastIndex: 8 });
});

test('a snapshot that is gone makes the log begin anew, and the group is asked for what was in it', async () => {
  const asked: number[] = [];
  const hasSnapshot = async ({ meta }: { readonly meta: { readonly index: number } }) => {
    asked.push(meta.index);
    return false;
  };
  database().lose(entryKey(2));
  const opened = await openStorage({ ...partsOf(), hasSnapshot });
  expect(asked).toEqual([3]);
  expect(kindsOf(opened)).toEqual(['lost-snapshot', 'gap']);
  expect(opened.start.snapshot).toEqual({ index: 1, term: 1, configuration: firstConfiguration });
  expect(opened.storage.snapshot).toBeUndefined();
  disk.crash('process');
  expect(kindsOf(await open())).toEqual(['gap', 'still-suspect']);
});

test('a log whose snapshot is there is not asked for anything', async () => {
  const opened = await openStorage({ ...partsOf(), hasSnapshot: async () => true });
  expect(opened.findings).toEqual([]);
  expect(opened.storage.snapshot).toEqual(known.pointer);
});

describe('Opening refuses', () => {
  const refused = async (code: string) => {
    const before = disk.image();
    const opening = openStorage(partsOf());
    await expect(opening).rejects.toMatchObject({ code, hint: expect.stringMatching(/\w/) });
    disk.crash('process');
    expect(disk.image()).toEqual(before);
    return opening.catch((error: unknown) => (error as Error).message);
  };

  test('where everything is gone: only a new member may begin there', async () => {
    disk.wipe();
    expect(await refused('MISSING')).toContain('no consensus log');
  });

  test('where a new log was not made to its end, which may be made again', async () => {
    const steps = [1, 2, 3].map((count) => count);
    for (const count of steps) {
      disk.wipe();
      const parts = partsOf();
      let left = count;
      const counted = async <T>(call: () => Promise<T>): Promise<T> => {
        if (left-- === 0) throw new Error('killed');
        return call();
      };
      const { store, directory } = parts;
      const making = createStorage(
        {
          store: {
            get: (key) => store.get(key),
            range: (range) => store.range(range),
            clear: (range) => store.clear(range),
            close: () => store.close(),
            batch: (ops, options) => counted(() => store.batch(ops, options)),
          },
          directory: {
            list: () => directory.list(),
            read: (name) => directory.read(name),
            stream: (name, from) => directory.stream(name, from),
            writeAt: (name, offset, bytes) => directory.writeAt(name, offset, bytes),
            sync: (name) => directory.sync(name),
            rename: (from, to) => directory.rename(from, to),
            delete: (name) => directory.delete(name),
            close: () => directory.close(),
            replace: (name, bytes) => counted(() => directory.replace(name, bytes)),
          },
        },
        identity,
        firstConfiguration,
      );
      await expect(making).rejects.toThrow('killed');
      disk.crash('power');
      if (count < 3) {
        await refused('MISSING');
        await createStorage(partsOf(), { ...identity, incarnation: 'attic-2' }, firstConfiguration);
        disk.crash('process');
      }
      expect((await open()).findings).toEqual([]);
    }
  });

  test('a database without identity whose files are gone', async () => {
    database().lose(identityKey);
    files().wipe();
    expect(await refused('DAMAGED')).toContain('nobody knows');
  });

  test('a database and files that do not belong together', async () => {
    const other = new SimMachineDisk({ clock: new VirtualClock(), random: seededRandom(2), latencyMs: 0 });
    await createStorage(
      { store: other.database('raft').open(), directory: other.directory('raft').open() },
      { ...identity, incarnation: 'attic-2' },
      firstConfiguration,
    );
    const foreign = new Map(other.directory('raft').image());
    for (const name of ['identity', 'watermark']) {
      const own = files().image();
      files().restore(own.map(([file, bytes]) => [file, file === name ? (foreign.get(name) as Uint8Array) : bytes]));
      expect(await refused('DAMAGED')).toContain('attic-2');
      files().restore(own);
    }
  });

  test.each([
    { what: 'an entry', key: entryKey(6) },
    { what: 'the hard state', key: hardStateKey },
    { what: 'the identity', key: identityKey },
    { what: 'the start', key: startKey },
  ])('$what that a later version wrote', async ({ key }) => {
    const later = seal(key, 2, new Uint8Array(50));
    database().restore(
      (whole.databases.get('raft') ?? []).map(([at, value]) => [at, Buffer.compare(at, key) === 0 ? later : value]),
    );
    expect(await refused('TOO_NEW')).toContain('format');
  });

  test.each([
    { what: 'an entry', key: entryKey(6) },
    { what: 'the hard state', key: hardStateKey },
    { what: 'the start', key: startKey },
  ])('a database in which $what cannot be read any more', async ({ key }) => {
    database().makeUnreadable(key);
    expect(await refused('FAILED')).toContain('EIO');
  });

  test('a watermark that a later version wrote', async () => {
    const later = seal(new TextEncoder().encode('watermark'), 2, new Uint8Array(50));
    const block = Buffer.concat([Buffer.from([later.length, 0]), later]);
    files().restore(
      files()
        .image()
        .map(([name, bytes]) => [name, name === 'watermark' ? block : bytes]),
    );
    expect(await refused('TOO_NEW')).toContain('watermark');
  });
});

test('making a log is refused where one is, or its remains', async () => {
  const make = () => createStorage(partsOf(), { ...identity, incarnation: 'attic-2' }, firstConfiguration);
  const damages = [
    () => undefined,
    () => files().wipe(),
    () => database().wipe(),
    () => files().cutTail('watermark', 12_288),
  ];
  for (const damage of damages) {
    disk.restore(whole);
    damage();
    await expect(make()).rejects.toMatchObject({ code: 'REFUSED' });
    disk.crash('process');
  }
});

test('a batch of which only the first operations arrived leaves a log that is whole, or a suspect', async () => {
  const parts = partsOf();
  const { storage } = await openStorage({ ...parts, store: recording(parts.store, batches) });
  const entries = entriesAt({ index: 4, term: 1 }, 3, 2);
  await storing(known, [{ hardState: { term: 3, vote: undefined, commit: 4 }, entries }]).run(storage);
  disk.crash('process');
  const last = batches.at(-1) as Op[];
  const outcomes: string[] = [];
  for (let arrived = 0; arrived < last.length; arrived++) {
    database().restore(await imageAfter([...batches.slice(0, -1), last.slice(0, arrived)]));
    // The watermark was lowered before the batch, and not raised again.
    files().restore(earlier.directories.get('raft') ?? []);
    const opened = await open();
    const end = opened.start.entries.at(-1)?.index;
    outcomes.push(opened.start.suspect ? `suspect after ${end}` : `whole to ${end}`);
  }
  // Two deletions from the end, two entries, and term and vote.
  expect(outcomes).toEqual(['whole to 8', 'whole to 7', 'whole to 6', 'suspect after 5', 'suspect after 6']);
});

function putBack(index: number, change: (value: Uint8Array) => Uint8Array): boolean {
  const key = entryKey(index);
  database().restore(
    database()
      .image()
      .map(([at, value]) => [at, Buffer.compare(at, key) === 0 ? change(value) : value]),
  );
  return true;
}

/** As an earlier batch wrote it. */
function restoreRecord(key: Uint8Array, nth: number): boolean {
  const written = batches.flat().filter((op) => 'put' in op && Buffer.compare(op.put, key) === 0)[nth];
  if (!written || !('put' in written)) throw new Error('it was never written');
  database().restore(
    database()
      .image()
      .map(([at, value]) => [at, Buffer.compare(at, key) === 0 ? written.value : value]),
  );
  return true;
}
