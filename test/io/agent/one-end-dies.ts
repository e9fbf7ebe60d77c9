import { expect } from 'vitest';
import { Pair, type Driver } from './one-end.ts';

interface Dying {
  readonly victim: 'source' | 'target';
  readonly from: Driver;
  readonly to: Driver;
  /** Between two moments at which it dies, each in a life of its own: a step of a device takes 1 to 5 ms. */
  readonly everyMs: number;
}

const afterMs = 20;
/** What the other end may be told by its own file system, or by the link. */
const dies = ['ENGINE_UNREACHABLE', 'TRUNCATED', 'BUSY'];

/** Once in each moment of a first stream and of an increment. */
export async function oneEndDies({ victim, from, to, everyMs }: Dying): Promise<void> {
  let failures = 0;
  for (let atMs = 0, isOver = false; !isOver; atMs += everyMs) {
    const pair = new Pair(atMs + 1, from, to);
    await pair.begin();
    await pair.snapshot('first');
    pair.lab.must('create-replica', { name: 'data', node: 'target' });
    isOver = true;
    for (const name of ['first', 'second']) {
      if (name !== 'first') await pair.snapshot(name);
      pair.ask();
      await pair.tick(atMs);
      if (pair.replica?.state === 'syncing') {
        isOver = false;
        pair.ends[victim].die();
        await pair.tick(afterMs);
        // It was told by nobody, and of the target nobody else knows: it is on its way until it is back.
        if (victim === 'target') expect(pair.replica.state).toBe('syncing');
        pair.ends[victim].start();
      }
      await pair.holds(name);
      expect(pair.heldNames.at(-1)).toBe(name);
    }
    expect(pair.files.get('page')).toBe('second');
    for (const { code, message } of pair.problems) {
      expect(dies, message).toContain(code);
      expect(message).not.toMatch(/undefined|\[object/);
    }
    // Whoever receives has seen its sender die; what dies itself says nothing, and goes on.
    if (victim === 'target') expect(pair.problems).toEqual([]);
    failures += pair.problems.length;
    await pair.snapshot('third');
    await pair.holds('third');
    expect(await pair.kept()).toEqual(['third']);
  }
  if (victim === 'source') expect(failures).toBeGreaterThan(0);
}
