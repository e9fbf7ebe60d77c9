/**
 * What every driver of volumes promises, whatever is below it. Run against the simulated twin and against real btrfs;
 * a driver that comes later runs it too.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import type { IoErrorCode } from '#io/devices/error.ts';
import { IoError } from '#io/devices/error.ts';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';

/** A driver on a pool of its own, of about 256 MiB, with the hands that a test needs around it. */
export interface VolumesUnderTest {
  readonly pool: string;
  readonly volumes: VolumePort;
  /** Another port on the same pool, as after a start of the daemon. */
  reopen(): VolumePort;
  write(of: Dataset, file: string, text: string): Promise<void>;
  /** @returns undefined when the file is not there */
  read(of: Dataset, file: string): Promise<string | undefined>;
  readSnapshot(of: Dataset, snapshot: string, file: string): Promise<string | undefined>;
  /** Writes a file of so many bytes. @returns whether it fitted */
  fits(of: Dataset, file: string, bytes: number): Promise<boolean>;
  /** Everything around the folder of FloatLab, as text: equal before and after, when nothing was touched. */
  surroundings(): Promise<string>;
  /** Waits for the n-th of twelve moments, spread over the time that a rollback takes. */
  moment(n: number): Promise<void>;
  unplug(): Promise<void>;
  plugIn(): Promise<void>;
  dispose(): Promise<void>;
}

export interface ContractOptions {
  readonly setup: () => Promise<VolumesUnderTest>;
  /** Runs of the property test, and commands in each. */
  readonly runs: number;
  readonly commands: number;
}

const MiB = 2 ** 20;
const size = 32 * MiB;

export function volumesContract({ setup, runs, commands }: ContractOptions): void {
  let it: VolumesUnderTest;
  let count = 0;
  beforeAll(async () => {
    it = await setup();
  });
  afterAll(() => it?.dispose());

  const unused = (): Dataset => ({ pool: it.pool, name: `set-${++count}` });
  /** A new dataset that holds `file` = `text`. */
  const made = async (text = 'one'): Promise<Dataset> => {
    const of = unused();
    await it.volumes.create(of, size, patient());
    await it.write(of, 'file', text);
    return of;
  };
  const names = async (of: Dataset) => (await it.volumes.snapshots(of, patient())).map(({ name }) => name);

  describe('datasets', () => {
    test('a dataset has the size that was asked for and an absolute path', async () => {
      const of = unused();
      const info = await it.volumes.create(of, size, patient());
      expect(info.sizeBytes).toBe(size);
      expect(info.path).toMatch(/^\//);
      expect(await it.volumes.inspect(of, patient())).toEqual(info);
    });

    test('creating it again changes nothing but its size', async () => {
      const of = await made();
      const before = await it.volumes.inspect(of, patient());
      const after = await it.volumes.create(of, 2 * size, patient());
      expect(after).toMatchObject({ path: before?.path, sizeBytes: 2 * size });
      expect(await it.read(of, 'file')).toBe('one');
    });

    test('what does not exist is undefined, and has no snapshots to list or to take', async () => {
      const of = unused();
      expect(await it.volumes.inspect(of, patient())).toBeUndefined();
      expect(await codeOf(it.volumes.snapshots(of, patient()))).toBe('MISSING');
      expect(await codeOf(it.volumes.snapshot(of, 's', patient()))).toBe('MISSING');
      expect(await codeOf(it.volumes.rollback(of, 's', 't', patient()))).toBe('MISSING');
      expect(await it.volumes.list(it.pool, patient())).not.toContain(of.name);
    });

    test('the list has all datasets, sorted by name', async () => {
      const [b, a] = [await made(), await made()];
      const list = await it.volumes.list(it.pool, patient());
      expect(list).toEqual(expect.arrayContaining([a.name, b.name]));
      expect(list).toEqual(list.toSorted());
    });

    test('a quota holds: what does not fit is refused', async () => {
      const of = await made();
      expect(await it.fits(of, 'half', size / 2)).toBe(true);
      expect(await it.fits(of, 'whole', size)).toBe(false);
    });

    test('a dataset that is full can be enlarged, snapshotted, rolled back and destroyed', async () => {
      const of = await made();
      await it.volumes.snapshot(of, 'before', patient());
      expect(await it.fits(of, 'big', 2 * size)).toBe(false);
      await it.volumes.snapshot(of, 'full', patient());
      await it.volumes.rollback(of, 'before', 'stash', patient());
      expect(await it.read(of, 'big')).toBeUndefined();
      expect(await it.fits(of, 'big', 2 * size)).toBe(false);
      await it.volumes.create(of, 2 * size, patient());
      expect(await it.fits(of, 'big', size)).toBe(true);
      await it.volumes.destroy(of, patient());
    });

    test('destroying removes it with its snapshots, and only it', async () => {
      const of = await made();
      const neighbour = { ...of, name: `${of.name}-2` };
      await it.volumes.create(neighbour, size, patient());
      await it.volumes.snapshot(of, 's', patient());
      await it.volumes.destroy(of, patient());
      expect(await it.volumes.inspect(of, patient())).toBeUndefined();
      expect(await it.volumes.list(it.pool, patient())).toContain(neighbour.name);
      await it.volumes.create(of, size, patient());
      expect(await names(of)).toEqual([]);
      expect(await it.read(of, 'file')).toBeUndefined();
    });

    test('destroying what is not there is done at once', async () => {
      const of = unused();
      await it.volumes.destroy(of, patient());
      await it.volumes.create(of, size, patient());
      await it.volumes.destroy(of, patient());
      await it.volumes.destroy(of, patient());
      expect(await it.volumes.list(it.pool, patient())).not.toContain(of.name);
    });
  });

  describe('snapshots', () => {
    test('a snapshot keeps what was there when it was taken', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 's', patient());
      await it.write(of, 'file', 'two');
      await it.write(of, 'later', 'x');
      expect(await it.readSnapshot(of, 's', 'file')).toBe('one');
      expect(await it.readSnapshot(of, 's', 'later')).toBeUndefined();
    });

    test('taking it again answers the same, and does not take it anew', async () => {
      const of = await made('one');
      const first = await it.volumes.snapshot(of, 's', patient());
      await it.write(of, 'file', 'two');
      expect(await it.volumes.snapshot(of, 's', patient())).toEqual(first);
      expect(await it.readSnapshot(of, 's', 'file')).toBe('one');
      expect(await it.volumes.snapshots(of, patient())).toEqual([first]);
    });

    test('five callers who ask at once get one snapshot', async () => {
      const of = await made();
      const asked = [1, 2, 3, 4, 5].map(() => it.volumes.snapshot(of, 's', patient()));
      expect(new Set((await Promise.all(asked)).map(({ guid }) => guid)).size).toBe(1);
      expect(await names(of)).toEqual(['s']);
    });

    test('they are listed in the order in which they were taken, whatever their names', async () => {
      const of = await made();
      for (const name of ['c', 'a.9', 'b', 'a.10']) await it.volumes.snapshot(of, name, patient());
      expect(await names(of)).toEqual(['c', 'a.9', 'b', 'a.10']);
    });

    test('each has an identity of its own, the same for ever', async () => {
      const of = await made();
      await it.volumes.snapshot(of, 'a', patient());
      await it.volumes.snapshot(of, 'b', patient());
      const before = await it.volumes.snapshots(of, patient());
      await it.write(of, 'file', 'two');
      expect(await it.reopen().snapshots(of, patient())).toEqual(before);
      expect(new Set(before.map(({ guid }) => guid)).size).toBe(2);
    });

    test('removing one leaves the others; one that is not there is removed at once', async () => {
      const of = await made();
      for (const name of ['a', 'b', 'c']) await it.volumes.snapshot(of, name, patient());
      await it.volumes.removeSnapshot(of, 'b', patient());
      await it.volumes.removeSnapshot(of, 'b', patient());
      expect(await names(of)).toEqual(['a', 'c']);
      expect(await it.readSnapshot(of, 'a', 'file')).toBe('one');
      await it.volumes.removeSnapshot(unused(), 'b', patient());
    });
  });

  describe('rollback', () => {
    test('gives the old content at the same path, and the stash holds the new one', async () => {
      const of = await made('one');
      const { path } = (await it.volumes.inspect(of, patient())) ?? {};
      await it.volumes.snapshot(of, 'old', patient());
      await it.write(of, 'file', 'two');
      await it.write(of, 'later', 'x');
      const stash = await it.volumes.rollback(of, 'old', 'stash', patient());
      expect(stash.name).toBe('stash');
      expect(await it.read(of, 'file')).toBe('one');
      expect(await it.read(of, 'later')).toBeUndefined();
      expect(await it.readSnapshot(of, 'stash', 'file')).toBe('two');
      expect(await it.volumes.inspect(of, patient())).toMatchObject({ path, sizeBytes: size });
    });

    test('newer snapshots stay, and the stash is the newest', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 'old', patient());
      await it.write(of, 'file', 'two');
      await it.volumes.snapshot(of, 'newer', patient());
      await it.write(of, 'file', 'three');
      await it.volumes.rollback(of, 'old', 'stash', patient());
      expect(await names(of)).toEqual(['old', 'newer', 'stash']);
      expect(await it.readSnapshot(of, 'newer', 'file')).toBe('two');
      expect(await it.readSnapshot(of, 'stash', 'file')).toBe('three');
    });

    test('what was rolled back can be written, and the snapshot is not changed by that', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 'old', patient());
      await it.volumes.rollback(of, 'old', 'stash', patient());
      await it.write(of, 'file', 'changed');
      expect(await it.readSnapshot(of, 'old', 'file')).toBe('one');
    });

    test('the dataset keeps its size, not the one that it had at the time of the snapshot', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 'old', patient());
      await it.volumes.create(of, 2 * size, patient());
      await it.volumes.rollback(of, 'old', 'stash', patient());
      expect(await it.volumes.inspect(of, patient())).toMatchObject({ sizeBytes: 2 * size });
      expect(await it.fits(of, 'large', 1.5 * size)).toBe(true);
    });

    test('there and back again', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 'old', patient());
      await it.write(of, 'file', 'two');
      await it.volumes.rollback(of, 'old', 'stash-1', patient());
      await it.volumes.rollback(of, 'stash-1', 'stash-2', patient());
      expect(await it.read(of, 'file')).toBe('two');
      expect(await it.readSnapshot(of, 'stash-2', 'file')).toBe('one');
    });

    test('done again it answers the same and does nothing: what was written since is kept', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 'old', patient());
      await it.write(of, 'file', 'two');
      const stash = await it.volumes.rollback(of, 'old', 'stash', patient());
      await it.write(of, 'file', 'three');
      expect(await it.reopen().rollback(of, 'old', 'stash', patient())).toEqual(stash);
      expect(await it.read(of, 'file')).toBe('three');
      expect(await it.readSnapshot(of, 'stash', 'file')).toBe('two');
    });

    test('is refused, and changes nothing, without its snapshot or with a stash whose name is taken', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 'old', patient());
      await it.volumes.snapshot(of, 'taken', patient());
      await it.write(of, 'file', 'two');
      expect(await codeOf(it.volumes.rollback(of, 'nothing', 'stash', patient()))).toBe('MISSING');
      expect(await codeOf(it.volumes.rollback(of, 'old', 'taken', patient()))).toBe('EXISTS');
      expect(await codeOf(it.volumes.rollback(of, 'old', 'old', patient()))).toBe('INVALID');
      expect(await it.read(of, 'file')).toBe('two');
      expect(await names(of)).toEqual(['old', 'taken']);
    });

    test('of an earlier rollback, after another one, is not taken for done', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 'old', patient());
      await it.volumes.rollback(of, 'old', 'stash-1', patient());
      await it.volumes.rollback(of, 'old', 'stash-2', patient());
      expect(await codeOf(it.volumes.rollback(of, 'old', 'stash-1', patient()))).toBe('EXISTS');
    });
  });

  describe('names', () => {
    const bad = [
      '',
      '.',
      '..',
      '../x',
      'a/b',
      '/etc',
      'a b',
      '-rf',
      '--help',
      'Ä',
      'ＡＢ',
      'a\nb',
      'a\0b',
      'UP',
      '*',
      '~',
    ];

    test.each([...bad, 'a.b', 'a_b', 'x'.repeat(65)])('%j is not a dataset', async (name) => {
      const of = { pool: it.pool, name };
      const before = await it.surroundings();
      const calls = [
        () => it.volumes.create(of, size, patient()),
        () => it.volumes.inspect(of, patient()),
        () => it.volumes.snapshot(of, 's', patient()),
        () => it.volumes.snapshots(of, patient()),
        () => it.volumes.removeSnapshot(of, 's', patient()),
        () => it.volumes.rollback(of, 's', 't', patient()),
        () => it.volumes.destroy(of, patient()),
      ];
      for (const call of calls) expect(await codeOf(call())).toBe('INVALID');
      expect(await it.surroundings()).toBe(before);
    });

    test.each([...bad, '.hidden', 'x'.repeat(129)])('%j is not a snapshot', async (name) => {
      const of = await made();
      await it.volumes.snapshot(of, 's', patient());
      const before = await it.surroundings();
      expect(await codeOf(it.volumes.snapshot(of, name, patient()))).toBe('INVALID');
      expect(await codeOf(it.volumes.removeSnapshot(of, name, patient()))).toBe('INVALID');
      expect(await codeOf(it.volumes.rollback(of, name, 't', patient()))).toBe('INVALID');
      expect(await codeOf(it.volumes.rollback(of, 's', name, patient()))).toBe('INVALID');
      expect(await names(of)).toEqual(['s']);
      expect(await it.surroundings()).toBe(before);
    });

    test('the longest names that are allowed work', async () => {
      const of = { pool: it.pool, name: 'x'.repeat(64) };
      await it.volumes.create(of, size, patient());
      const [a, b] = ['a'.repeat(128), 'b'.repeat(128)];
      await it.volumes.snapshot(of, a, patient());
      await it.volumes.rollback(of, a, b, patient());
      expect(await names(of)).toEqual([a, b]);
      await it.volumes.destroy(of, patient());
    });

    test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('%d is not a size', async (bytes) => {
      const of = unused();
      expect(await codeOf(it.volumes.create(of, bytes, patient()))).toBe('INVALID');
      expect(await it.volumes.inspect(of, patient())).toBeUndefined();
    });
  });

  describe('pools', () => {
    test('a pool says how large it is and how much is used', async () => {
      const [pool] = await it.volumes.pools(patient());
      expect(pool).toMatchObject({ name: it.pool, state: 'online' });
      expect(pool?.sizeBytes).toBeGreaterThan(100 * MiB);
      expect(pool?.usedBytes).toBeLessThan(pool?.sizeBytes ?? 0);
    });

    test('a pool that this node does not have is missing', async () => {
      const of = { pool: 'elsewhere', name: 'x' };
      expect(await codeOf(it.volumes.create(of, size, patient()))).toBe('POOL_MISSING');
      expect(await codeOf(it.volumes.inspect(of, patient()))).toBe('POOL_MISSING');
      expect(await codeOf(it.volumes.list('elsewhere', patient()))).toBe('POOL_MISSING');
    });

    test('a pool that was pulled out is unavailable, is not written to, and is as before when it is back', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 's', patient());
      const [known] = await it.volumes.pools(patient());
      await it.unplug();
      try {
        const before = await it.surroundings();
        expect(await it.volumes.pools(patient())).toMatchObject([
          { name: it.pool, state: 'unavailable', sizeBytes: known?.sizeBytes },
        ]);
        const calls = [
          () => it.volumes.create(of, size, patient()),
          () => it.volumes.create(unused(), size, patient()),
          () => it.volumes.inspect(of, patient()),
          () => it.volumes.list(it.pool, patient()),
          () => it.volumes.snapshot(of, 't', patient()),
          () => it.volumes.snapshots(of, patient()),
          () => it.volumes.removeSnapshot(of, 's', patient()),
          () => it.volumes.rollback(of, 's', 't', patient()),
          () => it.volumes.destroy(of, patient()),
        ];
        for (const call of calls) expect(await codeOf(call())).toBe('POOL_MISSING');
        expect(await it.surroundings()).toBe(before);
      } finally {
        await it.plugIn();
      }
      expect(await it.volumes.pools(patient())).toMatchObject([{ name: it.pool, state: 'online' }]);
      expect(await it.read(of, 'file')).toBe('one');
      expect(await names(of)).toEqual(['s']);
    });
  });

  describe('cut off', () => {
    test('a call that is cancelled before it begins does nothing', async () => {
      const of = await made();
      const call = { ...patient(), signal: AbortSignal.abort() };
      expect(await codeOf(it.volumes.snapshot(of, 's', call))).toBe('ABORTED');
      expect(await codeOf(it.volumes.destroy(of, call))).toBe('ABORTED');
      expect(await codeOf(it.volumes.list(it.pool, call))).toBe('ABORTED');
      expect(await names(of)).toEqual([]);
    });

    test('a call without time ends as timed out', async () => {
      const of = await made();
      expect(await codeOf(it.volumes.snapshot(of, 's', { ...patient(), timeoutMs: 0 }))).toBe('TIMED_OUT');
    });

    test('a call that is cancelled at any moment can be repeated, and a rollback is whole or not at all', async () => {
      const of = await made('one');
      await it.volumes.snapshot(of, 'old', patient());
      for (let n = 0; n < 12; n++) {
        await it.write(of, 'file', 'two');
        const stop = new AbortController();
        const stash = `stash-${n}`;
        const going = it.volumes.rollback(of, 'old', stash, { ...patient(), signal: stop.signal });
        going.catch(() => undefined);
        await it.moment(n);
        stop.abort();
        const outcome = await codeOf(going);
        expect([undefined, 'ABORTED']).toContain(outcome);
        const happened = (await names(of)).includes(stash);
        expect(await it.read(of, 'file')).toBe(happened ? 'one' : 'two');
        await it.volumes.rollback(of, 'old', stash, patient());
        expect(await it.read(of, 'file')).toBe('one');
        expect(await it.readSnapshot(of, stash, 'file')).toBe('two');
        await it.volumes.removeSnapshot(of, stash, patient());
      }
    });
  });

  test('any history of commands leaves what a simple model says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: commands }), async (history) => {
        const prefix = `model-${++count}`;
        const model = new Model();
        try {
          for (const step of history) await compare(it, model, step, prefix);
        } finally {
          for (const name of ['x', 'y'])
            await it.volumes.destroy({ pool: it.pool, name: `${prefix}-${name}` }, patient());
        }
      }),
      { numRuns: runs },
    );
  }, 120_000);
}

/** For calls that may take their time. */
export const patient = (): Call => ({
  signal: new AbortController().signal,
  timeoutMs: 30_000,
  progress: () => undefined,
});

/** The code of the error that the promise rejects with; undefined when it resolves. Anything but an IoError fails. */
export async function codeOf(promise: Promise<unknown>): Promise<IoErrorCode | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(IoError);
    return (error as IoError).code;
  }
}

/** What a person would think that happens: datasets are maps of files, snapshots are copies. */
class Model {
  readonly sets = new Map<string, ModelSet>();

  /** @returns the code of the refusal, or undefined */
  apply(step: Command): IoErrorCode | undefined {
    const set = this.sets.get(step.set);
    const find = (wanted: string) => set?.snapshots.find(([name]) => name === wanted)?.[1];
    switch (step.do) {
      case 'create':
        if (!set) this.sets.set(step.set, { live: new Map(), snapshots: [], last: '' });
        return undefined;
      case 'destroy':
        this.sets.delete(step.set);
        return undefined;
      case 'remove':
        if (set) set.snapshots = set.snapshots.filter(([name]) => name !== step.snapshot);
        return undefined;
      case 'write':
        set?.live.set('file', step.text);
        return undefined;
      case 'snapshot':
        if (!set) return 'MISSING';
        if (!find(step.snapshot)) set.snapshots.push([step.snapshot, new Map(set.live)]);
        return undefined;
      case 'rollback': {
        if (step.snapshot === step.stash) return 'INVALID';
        if (!set) return 'MISSING';
        const id = `${step.snapshot}→${step.stash}`;
        if (find(step.stash)) return set.last === id ? undefined : 'EXISTS';
        const source = find(step.snapshot);
        if (!source) return 'MISSING';
        set.snapshots.push([step.stash, set.live]);
        set.live = new Map(source);
        set.last = id;
        return undefined;
      }
    }
  }
}

interface ModelSet {
  live: Map<string, string>;
  snapshots: [name: string, files: Map<string, string>][];
  /** The last rollback: a repetition of it is done already. */
  last: string;
}

type Command =
  | { readonly do: 'create' | 'destroy'; readonly set: string }
  | { readonly do: 'write'; readonly set: string; readonly text: string }
  | { readonly do: 'snapshot' | 'remove'; readonly set: string; readonly snapshot: string }
  | { readonly do: 'rollback'; readonly set: string; readonly snapshot: string; readonly stash: string };

const set = fc.constantFrom('x', 'y');
const snapshot = fc.constantFrom('a', 'b', 'c');
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), set }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), set, text: fc.constantFrom('1', '2', '3') }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('snapshot' as const), set, snapshot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), set, snapshot }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rollback' as const), set, snapshot, stash: snapshot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), set }) },
);

async function compare(it: VolumesUnderTest, model: Model, step: Command, prefix: string): Promise<void> {
  const of: Dataset = { pool: it.pool, name: `${prefix}-${step.set}` };
  if (step.do === 'write' && !model.sets.has(step.set)) return;
  const expected = model.apply(step);
  expect(await codeOf(perform(it, of, step)), JSON.stringify(step)).toBe(expected);
  const known = model.sets.get(step.set);
  const info = await it.volumes.inspect(of, patient());
  expect(info !== undefined).toBe(known !== undefined);
  if (!known) return;
  expect(await it.read(of, 'file')).toBe(known.live.get('file'));
  const snapshots = await it.volumes.snapshots(of, patient());
  expect(snapshots.map(({ name }) => name)).toEqual(known.snapshots.map(([name]) => name));
  for (const [name, files] of known.snapshots) expect(await it.readSnapshot(of, name, 'file')).toBe(files.get('file'));
}

function perform(it: VolumesUnderTest, of: Dataset, step: Command): Promise<unknown> {
  switch (step.do) {
    case 'create':
      return it.volumes.create(of, size, patient());
    case 'destroy':
      return it.volumes.destroy(of, patient());
    case 'write':
      return it.write(of, 'file', step.text);
    case 'snapshot':
      return it.volumes.snapshot(of, step.snapshot, patient());
    case 'remove':
      return it.volumes.removeSnapshot(of, step.snapshot, patient());
    case 'rollback':
      return it.volumes.rollback(of, step.snapshot, step.stash, patient());
  }
}
