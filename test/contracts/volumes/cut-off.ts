/** Calls that are cut off: before they begin, without time, and at any moment in between. */
import { describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import type { Bench } from './bench.ts';
import { spec } from './bench.ts';

/** Of the twelve that a test can wait for: all of them where it matters most, some where it costs too much time. */
const everyMoment = Array.from({ length: 12 }, (_, n) => n);
const someMoments = [1, 3, 5, 8];

export function cutOffContract(bench: Bench): void {
  const { patient, codeOf, unused, made, madeNative, names, write, read, readSnapshot } = bench;

  /** Begins a call and cancels it at the n-th moment. */
  const cutOff = async (n: number, begin: (call: Call) => Promise<unknown>): Promise<void> => {
    const stop = new AbortController();
    const going = begin({ ...patient(), signal: stop.signal });
    going.catch(() => undefined);
    await bench.it.moment(n);
    stop.abort();
    expect([undefined, 'ABORTED']).toContain(await codeOf(going));
  };

  describe('cut off', () => {
    test('a call that is cancelled before it begins does nothing', async () => {
      const of = await made();
      const call = { ...patient(), signal: AbortSignal.abort() };
      expect(await codeOf(bench.volumes.snapshot(of, 's', call))).toBe('ABORTED');
      expect(await codeOf(bench.volumes.clone(of, 's', unused(), spec, call))).toBe('ABORTED');
      expect(await codeOf(bench.volumes.destroy(of, { scrub: false }, call))).toBe('ABORTED');
      expect(await codeOf(bench.volumes.list(bench.it.pool, call))).toBe('ABORTED');
      expect(await names(of)).toEqual([]);
    });

    test('a call without time ends as timed out', async () => {
      const of = await made();
      expect(await codeOf(bench.volumes.snapshot(of, 's', { ...patient(), timeoutMs: 0 }))).toBe('TIMED_OUT');
    });

    test('a call that is cancelled at any moment can be repeated, and a rollback is whole or not at all', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      for (const n of everyMoment) {
        await write(of, 'file', 'two');
        const stash = `stash-${n}`;
        await cutOff(n, (call) => bench.volumes.rollback(of, 'old', stash, call));
        const happened = (await names(of)).includes(stash);
        expect(await read(of, 'file')).toBe(happened ? 'one' : 'two');
        await bench.volumes.rollback(of, 'old', stash, patient());
        expect(await read(of, 'file')).toBe('one');
        expect(await readSnapshot(of, stash, 'file')).toBe('two');
        await bench.volumes.removeSnapshots(of, [stash], patient());
      }
    });

    test('a clone that is cancelled at any moment is whole or not there, and can be made', async () => {
      const from = await made('one');
      await bench.volumes.snapshot(from, 's', patient());
      await write(from, 'file', 'two');
      for (const n of someMoments) {
        const into = unused();
        await cutOff(n, (call) => bench.volumes.clone(from, 's', into, spec, call));
        const info = await bench.volumes.inspect(into, patient());
        if (info) expect([await read(into, 'file'), info.sizeBytes]).toEqual(['one', bench.sized(spec.sizeBytes)]);
        await bench.volumes.clone(from, 's', into, spec, patient());
        expect([await read(into, 'file'), await names(into)]).toEqual(['one', []]);
        await bench.volumes.destroy(into, { scrub: false }, patient());
      }
      expect([await read(from, 'file'), await names(from)]).toEqual(['two', ['s']]);
    });

    test('an adoption, a release that is cancelled at any moment can be repeated, and what it is about stays', async () => {
      const native = await madeNative();
      for (const n of someMoments) {
        const of = unused();
        await cutOff(n, (call) => bench.volumes.adopt(native.native, of, call));
        const info = await bench.volumes.inspect(of, patient());
        if (info) expect(info.adopted).toBe(native.native);
        await bench.volumes.adopt(native.native, of, patient());
        await bench.volumes.snapshot(of, 's', patient());
        expect([await read(of, 'file'), await names(of)]).toEqual(['native', ['s']]);
        await cutOff(n, (call) => bench.volumes.release(of, call));
        expect(await bench.it.readAt(native.path, 'file')).toBe('native');
        await bench.volumes.release(of, patient());
        expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
        expect(await bench.it.readAt(native.path, 'file')).toBe('native');
      }
    });

    test('a dataset whose destruction is cancelled at any moment is whole or gone, and can be destroyed', async () => {
      for (const n of someMoments) {
        const of = await made('one');
        await bench.volumes.snapshot(of, 's', patient());
        await cutOff(n, (call) => bench.volumes.destroy(of, { scrub: false }, call));
        if (await bench.volumes.inspect(of, patient()))
          expect([await read(of, 'file'), await names(of)]).toEqual(['one', ['s']]);
        await bench.volumes.destroy(of, { scrub: false }, patient());
        expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
        await bench.volumes.create(of, spec, patient());
        expect([await read(of, 'file'), await names(of)]).toEqual([undefined, []]);
        await bench.volumes.destroy(of, { scrub: false }, patient());
      }
    });
  });
}
