/** A disk that changes bits of the state database: what is read is what was written, or it is seen and made again. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '#events/envelope.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { toBytes } from '#io/lab/bytes.ts';
import { Folded, tableViews } from '#io/lab/folded.ts';
import { stored, StateDatabase } from '#io/lab/state.ts';
import { openLevel } from '#io/stores/level.ts';
import type { Store } from '#io/stores/port.ts';
import { history } from '#test/golden/history.ts';

const events = history();
const whole = new Folded();
const all = (folded: Folded): unknown => ({
  actors: kinds.map((kind) => folded.lab.list(kind).map(stored)),
  rows: tableViews.map((view) => folded.rows(view)),
  commands: [...folded.lab.commands],
  index: folded.lab.index,
});

let dir: string;
let good: string;
const activity = new Map<number, object>();
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-state-'));
  good = join(dir, 'good');
  // Small tables, so that there are several, and a last part in the log file.
  const state = new StateDatabase(await openLevel(good, { writeBufferBytes: 64 * 1024 }), 'boot-1');
  const folded = await state.load();
  for (let from = 0; from < events.length; from += 3) {
    const steps = events.slice(from, from + 3).map((event) => folded.fold(event));
    await state.save(folded, steps, folded.takeChanges());
    if (from % 30 === 0) await state.retain({ lab: folded.lab, rows: (view) => folded.rows(view) });
  }
  await state.close();
  // What it had in its log is in tables once it has been opened again.
  const again = new StateDatabase(await openLevel(good, { writeBufferBytes: 64 * 1024 }), 'boot-1');
  await again.load();
  for await (const [index, row] of again.logRows<object>('activity', {})) activity.set(index, row);
  await again.close();
  for (const event of events) whole.fold(event);
});
afterAll(() => rm(dir, { recursive: true }));

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code;

/** A copy, of which every start may throw away what it finds. */
async function opened(name: string, change: (files: string) => Promise<void>) {
  const files = join(dir, name);
  await cp(good, files, { recursive: true });
  await change(files);
  const warnings: string[] = [];
  const anew = async (): Promise<Store> => {
    await store.close();
    await rm(files, { recursive: true });
    return openLevel(files);
  };
  // What does not even open is thrown away by whoever opens it.
  const store = await openLevel(files).catch(anewAt(files));
  return { state: new StateDatabase(store, 'boot-1', { anew, warn: (text) => warnings.push(text) }), warnings };
}
const anewAt =
  (files: string) =>
  async (error: unknown): Promise<Store> => {
    expect(codeOf(error)).toBe('DAMAGED');
    await rm(files, { recursive: true });
    return openLevel(files);
  };

describe('the state database on a disk that lies', { timeout: 60_000 }, () => {
  test('begins with all that was written, or with nothing, whichever bit of its tables is another one', async () => {
    // Not any seed: LevelDB ends the process where it meets keys out of order while it compacts tables.
    const random = seededRandom(6);
    const seen = { whole: 0, anew: 0, laterDamage: 0 };
    for (let n = 0; n < 24; n++) {
      const { state, warnings } = await opened(`flip-${n}`, async (files) => {
        const table = random.pick((await readdir(files)).filter((file) => file.endsWith('.ldb')));
        const bytes = await readFile(join(files, table));
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        await writeFile(join(files, table), bytes);
      });
      const folded = await state.load();
      if (folded.lab.index === 0) {
        seen.anew++;
        expect(all(folded)).toEqual(all(new Folded()));
      } else {
        seen.whole++;
        expect(all(folded)).toEqual(all(whole));
        try {
          for await (const [index, row] of state.logRows<object>('activity', {}))
            expect(row).toEqual(activity.get(index));
          const recalled = await state.recall(whole.lab.index);
          for (const event of events.slice(recalled.lab.index)) recalled.fold(event);
          expect(tableViews.map((view) => recalled.rows(view))).toEqual(tableViews.map((view) => whole.rows(view)));
        } catch (error) {
          expect(codeOf(error)).toBe('DAMAGED');
          seen.laterDamage++;
        }
      }
      await state.release();
      expect(warnings.length).toBeLessThanOrEqual(1);
    }
    expect(seen.anew + seen.laterDamage).toBeGreaterThan(0);
  });

  test.each([
    ['a row', (key: string) => key.startsWith('r|')],
    ['an actor', (key: string) => key.startsWith('a|')],
    ['a command', (key: string) => key.startsWith('c|')],
  ])('is made again, and says so, when %s is missing, or is another one', async (what, isIt) => {
    for (const change of ['missing', 'old'] as const) {
      const { state, warnings } = await opened(`${what}-${change}`, async (files) => {
        const store = await openLevel(files);
        const rows: (readonly [Uint8Array, Uint8Array])[] = [];
        for await (const slice of store.range({}))
          rows.push(...slice.filter(([key]) => isIt(Buffer.from(key).toString())));
        const [found, other] = rows;
        if (!found) throw new Error(`there is no such row: ${what}`);
        const value = other?.[1] ?? toBytes('x');
        await store.batch([change === 'missing' ? { del: found[0] } : { put: found[0], value }], { sync: true });
        await store.close();
      });
      expect((await state.load()).lab.index).toBe(0);
      expect(warnings).toEqual([expect.stringContaining('damaged')]);
      await state.release();
    }
  });

  test('does not pass over events whose row of activity is gone, from whichever side they are read', async () => {
    const first = (key: Uint8Array): number => Number(Buffer.from(key).toString().split('|').at(-1));
    for (const which of [0, 3, -1]) {
      let [from, to] = [0, 0];
      const { state, warnings } = await opened(`lost-${which}`, async (files) => {
        const store = await openLevel(files);
        const keys: Uint8Array[] = [];
        for await (const slice of store.range({ gte: toBytes('l|activity|'), lt: toBytes('l|activity}') }))
          keys.push(...slice.map(([key]) => key));
        const lost = keys.at(which) ?? new Uint8Array();
        [from, to] = [first(lost), first(keys[keys.indexOf(lost) + 1] ?? toBytes(`|${events.length + 1}`))];
        await store.batch([{ del: lost }], { sync: true });
        await store.close();
      });
      expect((await state.load()).lab.index).toBe(events.length);
      const read = async (range: object): Promise<number[]> => {
        const found: number[] = [];
        for await (const [index] of state.logRows('activity', range)) found.push(index);
        return found;
      };
      const damaged = { code: 'DAMAGED' };
      const around = [{}, { after: from - 1, limit: 1 }, { after: from - 1, before: to }, { before: to, limit: 1 }];
      for (const range of around)
        for (const reverse of [false, true]) {
          const isElsewhere = 'limit' in range && 'before' in range !== reverse;
          if (!isElsewhere) await expect(read({ ...range, reverse })).rejects.toMatchObject(damaged);
        }
      // What is whole is answered.
      expect(await read({ before: from })).toEqual([...activity.keys()].filter((index) => index < from));
      expect(await read({ after: to - 1, reverse: true })).toEqual(
        [...activity.keys()].filter((index) => index >= to).toReversed(),
      );
      expect(warnings).toHaveLength(1);
      await state.close();
    }
  });

  test('does not answer from a row of the past that is damaged, and is made again by the next start', async () => {
    const files = join(dir, 'row');
    const { state, warnings } = await opened('row', async (place) => {
      const store = await openLevel(place);
      for await (const slice of store.range({ gte: toBytes('l|activity|'), lt: toBytes('l|activity}') })) {
        const [key, value] = slice[3] ?? [];
        if (!key || !value) throw new Error('there is no history');
        const changed = value.slice();
        changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
        await store.batch([{ put: key, value: changed }], { sync: true });
        break;
      }
      await store.close();
    });
    expect((await state.load()).lab.index).toBe(events.length);
    const read = async (): Promise<void> => {
      for await (const _ of state.logRows('activity', {}));
    };
    for (let n = 0; n < 3; n++)
      await expect(read()).rejects.toMatchObject({
        code: 'DAMAGED',
        hint: expect.stringContaining('Restart this node'),
      });
    expect(warnings).toHaveLength(1);
    await state.close();
    const next = new StateDatabase(await openLevel(files), 'boot-1', { warn: (text) => warnings.push(text) });
    expect((await next.load()).lab.index).toBe(0);
    expect(warnings).toHaveLength(2);
    await next.release();
  });
});
