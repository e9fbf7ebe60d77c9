/** Snapshots go in batches, and each asker gets its own answer. */
import { describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { IoError, type IoErrorCode } from '#io/devices/error.ts';
import { batched } from '#io/devices/volumes/batched.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { selfWindingClock } from './self-winding-clock.ts';

/** A port that only removes, and tells what it was asked for. */
function recording(fails: (names: readonly string[]) => IoError | undefined = () => undefined) {
  const asked: (readonly string[])[] = [];
  const port = {
    removeSnapshots: async (_: unknown, names: readonly string[], call: { readonly signal: AbortSignal }) => {
      asked.push(names);
      call.signal.throwIfAborted();
      const error = fails(names);
      if (error) throw error;
    },
  } as unknown as VolumePort;
  return { asked, port: batched(port, selfWindingClock()) };
}

const of = (name: string) => ({ pool: 'main', name });
const held = (names: readonly string[]) =>
  names.includes('held')
    ? new IoError('HELD', { op: 'removeSnapshots', target: 'held', message: 'held is held' })
    : undefined;

describe('snapshots that go', () => {
  test('at the same time from one dataset go by one call, from two by two', async () => {
    const { asked, port } = recording();
    await Promise.all([
      port.removeSnapshots(of('x'), ['a'], patient()),
      port.removeSnapshots(of('x'), ['b', 'c'], patient()),
      port.removeSnapshots(of('y'), ['a'], patient()),
      port.removeSnapshots(of('x'), ['a'], patient()),
    ]);
    expect(asked.toSorted((a, b) => a.length - b.length)).toEqual([['a'], ['a', 'b', 'c']]);
  });

  test('later go by a call of their own', async () => {
    const { asked, port } = recording();
    await port.removeSnapshots(of('x'), ['a'], patient());
    await port.removeSnapshots(of('x'), ['b'], patient());
    expect(asked).toEqual([['a'], ['b']]);
  });

  test('are never more in one call than fit into a command', async () => {
    const { asked, port } = recording();
    const names = Array.from({ length: 1000 }, (_, n) => `s${n}`);
    await Promise.all(names.map((name) => port.removeSnapshots(of('x'), [name], patient())));
    expect(asked.map((some) => some.length)).toEqual([200, 200, 200, 200, 200]);
    expect(asked.flat()).toEqual(names);
  });

  test('go although one of them is held, and only who asked for that one hears of it', async () => {
    const { port } = recording(held);
    const answers = ['a', 'held', 'b'].map((name) => codeOf(port.removeSnapshots(of('x'), [name], patient())));
    expect(await Promise.all(answers)).toEqual([undefined, 'HELD', undefined]);
  });

  test.each(['HELD', 'BUSY', 'INVALID', 'MISSING', 'EXISTS'] as const)(
    'are tried one by one when one of them is %s',
    async (code) => {
      const { asked, port } = recording((names) => (names.includes('bad') ? problem(code) : undefined));
      const answers = ['a', 'bad'].map((name) => codeOf(port.removeSnapshots(of('x'), [name], patient())));
      expect(await Promise.all(answers)).toEqual([undefined, code]);
      expect(asked).toEqual([['a', 'bad'], ['a'], ['bad']]);
    },
  );

  test.each(['POOL_MISSING', 'READ_ONLY', 'TIMED_OUT', 'FAILED'] as const)(
    'are asked for once when that fails for all of them: %s',
    async (code) => {
      const { asked, port } = recording(() => problem(code));
      const answers = ['a', 'b'].map((name) => codeOf(port.removeSnapshots(of('x'), [name], patient())));
      expect(await Promise.all(answers)).toEqual([code, code]);
      expect(asked).toEqual([['a', 'b']]);
    },
  );

  test('are not asked for any more by whoever has given up', async () => {
    const { asked, port } = recording();
    const gone = { ...patient(), signal: AbortSignal.abort() };
    const answers = [port.removeSnapshots(of('x'), ['a'], gone), port.removeSnapshots(of('x'), ['b'], patient())];
    expect(await Promise.all(answers.map(codeOf))).toEqual(['ABORTED', undefined]);
    expect(asked).toEqual([['b']]);
  });

  test('let whoever gives up go at once, and go on for the others', async () => {
    const { port, begun, end } = slow();
    const giveUp = new AbortController();
    const first = codeOf(port.removeSnapshots(of('x'), ['a'], { ...patient(), signal: giveUp.signal }));
    const second = codeOf(port.removeSnapshots(of('x'), ['b'], patient()));
    const call = await begun;
    giveUp.abort();
    expect(await first).toBe('ABORTED');
    expect(call.signal.aborted).toBe(false);
    end();
    expect(await second).toBeUndefined();
  });

  test('let everybody wait for as long as that one wants to, and no longer', async () => {
    const { port, begun, end } = slow();
    const first = codeOf(port.removeSnapshots(of('x'), ['a'], { ...patient(), timeoutMs: 100 }));
    const second = codeOf(port.removeSnapshots(of('x'), ['b'], patient()));
    const call = await begun;
    expect(call.timeoutMs).toBeGreaterThan(20_000);
    expect(await first).toBe('TIMED_OUT');
    expect(call.signal.aborted).toBe(false);
    end();
    expect(await second).toBeUndefined();
  });

  test('are left alone once nobody waits any more', async () => {
    const { port, begun } = slow();
    const giveUp = new AbortController();
    const first = codeOf(port.removeSnapshots(of('x'), ['a'], { ...patient(), signal: giveUp.signal }));
    const second = codeOf(port.removeSnapshots(of('x'), ['b'], { ...patient(), timeoutMs: 100 }));
    const call = await begun;
    giveUp.abort();
    expect([await first, await second]).toEqual(['ABORTED', 'TIMED_OUT']);
    expect(call.signal.aborted).toBe(true);
  });
});

const problem = (code: IoErrorCode) => new IoError(code, { op: 'removeSnapshots', target: 'x', message: code });

/** A port that has begun to remove, and goes on until it is told to end. */
function slow() {
  let begin = (_call: Call): void => undefined;
  let end = (): void => undefined;
  const begun = new Promise<Call>((resolve) => (begin = resolve));
  const ended = new Promise<void>((resolve) => (end = resolve));
  const port = {
    removeSnapshots: (_: unknown, _names: readonly string[], call: Call) => {
      begin(call);
      return ended;
    },
  } as unknown as VolumePort;
  // Real time: the clock that winds itself would be at the end of every time-out at once.
  return { port: batched(port, realClock), begun, end };
}
