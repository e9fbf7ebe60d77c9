/** Imports and exports on a node: what is cut off at any point leaves the volume as it was. */
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { asIndex } from '#events/envelope.ts';
import { Handover } from '#io/agent/handover.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { transferWorkers } from '#io/agent/workers/transfers.ts';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simTree } from '#io/devices/tree/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { bytesOf, call, cutAt, textOf } from '#test/contracts/tree.ts';

const of = { pool: 'main', name: 'v1' };

/** Calls of pools take no time, and nobody is waited for in vain for long: a test need not turn a clock. */
const atOnce = Object.assign(new VirtualClock(0), {
  setTimeout: (fn: () => void, ms: number) => setTimeout(fn, ms < 1000 ? 0 : ms < 60_000 ? 300 : 60_000).unref(),
  clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
});

async function world() {
  const volumes = simVolumes({
    clock: atOnce as never,
    random: seededRandom(1),
    pools: [{ name: 'main', sizeBytes: 2 ** 30 }],
    latencyMs: () => 0,
  });
  await volumes.create(of, { sizeBytes: 2 ** 20 }, call());
  volumes.write(of, 'old.txt', 'old');
  const handover = new Handover(atOnce as never);
  const ports = { volumes, tree: simTree(volumes), handover } as unknown as Ports;
  /** What the lab has decided meanwhile. */
  const later: { fenced?: IoError } = {};
  const run = (signal = new AbortController().signal): Run =>
    ({
      ...call({ signal }),
      fence() {},
      caughtUp: () => (later.fenced ? Promise.reject(later.fenced) : Promise.resolve()),
    }) as unknown as Run;
  const importing = (replace: boolean, signal?: AbortSignal) =>
    transferWorkers['import-files'](
      {
        ...{ work: 'import-files', subject: 'transfer:t1', visit: 1, node: 'node:a', epoch: asIndex(1) },
        ...{ cause: 'c', correlation: 'c', input: { pool: 'main', dataset: 'v1', replace, before: 'before' } },
      },
      ports,
      run(signal),
    );
  const canceling = (task: { do: 'import'; before: string } = { do: 'import', before: 'before' }) =>
    transferWorkers['cancel-transfer'](
      {
        ...{ work: 'cancel-transfer', subject: 'transfer:t1', visit: 2, node: 'node:a', epoch: asIndex(1) },
        ...{ cause: 'c', correlation: 'c', input: { pool: 'main', dataset: 'v1', task } },
      },
      ports,
      run(),
    );
  const files = () => Object.fromEntries(volumes.files(of));
  const snapshots = async () => (await volumes.snapshots(of, call())).map(({ name }) => name);
  return { volumes, ports, handover, importing, canceling, files, snapshots, run, later };
}

function archive(): AsyncIterable<Uint8Array> {
  const tar = pack();
  tar.entry({ name: 'new.txt' }, 'new');
  tar.entry({ name: 'more.txt' }, 'm'.repeat(3000));
  tar.finalize();
  return bytesOf(tar);
}

describe('an import', () => {
  test('replaces what is there, and says what it was', async () => {
    const { handover, importing, files, snapshots } = await world();
    const [outcome] = await Promise.all([importing(true), handover.give('t1', archive(), call().signal)]);
    expect(outcome).toMatchObject({ name: 'report-transfer-finished', input: { files: 2, before: {} } });
    expect(files()).toEqual({ 'new.txt': 'new', 'more.txt': 'm'.repeat(3000) });
    expect(await snapshots()).toEqual(['before']);
  });

  test('into a volume with files is refused before anything is written', async () => {
    const { handover, importing, files, snapshots } = await world();
    const given = handover.give('t1', archive(), call().signal);
    given.catch(() => {});
    expect(await importing(false)).toMatchObject({ name: 'report-transfer-failed' });
    await expect(given).rejects.toMatchObject({ code: 'INVALID' });
    expect([files(), await snapshots()]).toEqual([{ 'old.txt': 'old' }, []]);
  });

  test('that nobody brings fails after a while', async () => {
    const { importing } = await world();
    expect(await importing(true)).toMatchObject({ input: { problem: { code: 'TIMED_OUT' } } });
  });

  test('that is cut short anywhere leaves the volume as it was, and nothing beside it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 6000 }), async (bytes) => {
        const { handover, importing, files, snapshots } = await world();
        const given = handover.give('t1', cutAt(archive(), bytes), call().signal);
        given.catch(() => {});
        const { name } = await importing(true);
        // The last blocks are padding.
        if (name === 'report-transfer-finished') expect(bytes).toBeGreaterThan(5000);
        else expect([files(), await snapshots()]).toEqual([{ 'old.txt': 'old' }, []]);
      }),
      { numRuns: 40 },
    );
  });

  test('that the lab has taken is not undone by a node that was stopped before it heard so', async () => {
    const { handover, importing, files, snapshots, later } = await world();
    await Promise.all([importing(true), handover.give('t1', archive(), call().signal)]);
    later.fenced = new IoError('FENCED', { op: 'import-files', target: 't1', message: 'it is no longer wanted' });
    await expect(importing(true)).rejects.toBe(later.fenced);
    expect([Object.keys(files()), await snapshots()]).toEqual([['new.txt', 'more.txt'], ['before']]);
  });

  test('whose node was killed at any call of the pool is undone by its next start', async () => {
    for (let calls = 1; calls <= 12; calls++) {
      const { volumes, handover, importing, files, snapshots } = await world();
      let left = calls;
      volumes.fault = () => {
        left -= 1;
        const about = { op: 'any', target: 'v1', message: 'killed' };
        return left === 0 ? new IoError('FAILED', about) : undefined;
      };
      const given = handover.give('t1', cutAt(archive(), 2000), call().signal);
      given.catch(() => {});
      await importing(true).catch((error: unknown) => expect(error).toBeInstanceOf(IoError));
      volumes.fault = undefined;
      // Nobody brings it again: as after the start of a daemon.
      const { name } = await importing(true);
      expect([calls, name]).toEqual([calls, 'report-transfer-failed']);
      expect([calls, files(), await snapshots()]).toEqual([calls, { 'old.txt': 'old' }, []]);
    }
  });
});

describe('an export', () => {
  test('gives whoever comes for it all files, and counts their bytes', async () => {
    const { volumes, ports, handover, run } = await world();
    await volumes.snapshot(of, 's', call());
    const order = {
      ...({ work: 'export-files', subject: 'transfer:t2', visit: 1, node: 'node:a', epoch: asIndex(1) } as const),
      ...{ cause: 'c', correlation: 'c', input: { pool: 'main', dataset: 'v1', snapshot: 's' } },
    } as const;
    const outcome = transferWorkers['export-files'](order, ports, run());
    const { bytes, end } = await handover.take('t2', call().signal);
    const text = await textOf(bytes);
    end();
    expect(text).toContain('./old.txt');
    expect(await outcome).toMatchObject({ name: 'report-transfer-finished', input: { bytes: text.length } });
  });

  test('whose reader leaves early has failed', async () => {
    const { volumes, ports, handover, run } = await world();
    await volumes.snapshot(of, 's', call());
    const order = {
      ...({ work: 'export-files', subject: 'transfer:t3', visit: 1, node: 'node:a', epoch: asIndex(1) } as const),
      ...{ cause: 'c', correlation: 'c', input: { pool: 'main', dataset: 'v1', snapshot: 's' } },
    } as const;
    const outcome = transferWorkers['export-files'](order, ports, run());
    (await handover.take('t3', call().signal)).end(new Error('gone'));
    expect(await outcome).toMatchObject({ name: 'report-transfer-failed' });
  });
});

describe('a canceled import', () => {
  test('wherever it was, the volume is as it was before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 6000 }), async (at) => {
        const { handover, importing, canceling, files, snapshots } = await world();
        const stop = new AbortController();
        const bytes = (async function* () {
          yield* cutAt(archive(), at);
          stop.abort();
          throw new Error('nobody sends any more');
        })();
        handover.give('t1', bytes, stop.signal).catch(() => {});
        await importing(true, stop.signal).catch(() => {});
        expect(await canceling()).toMatchObject({
          name: 'report-transfer-failed',
          input: { visit: 2, problem: { code: 'ABORTED' } },
        });
        expect([files(), await snapshots()]).toEqual([{ 'old.txt': 'old' }, []]);
      }),
      { numRuns: 10 },
    );
  });

  test('into what is gone ends, and says so; so does the import itself', async () => {
    const { volumes, importing, canceling } = await world();
    await volumes.destroy(of, { scrub: false }, call());
    const ended = { name: 'report-transfer-failed', input: { problem: { code: 'MISSING' } } };
    expect(await importing(true)).toMatchObject(ended);
    expect(await canceling()).toMatchObject(ended);
  });
});
