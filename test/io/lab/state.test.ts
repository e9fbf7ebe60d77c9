import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kinds } from '#events/envelope.ts';
import { Folded, tableViews } from '#io/lab/folded.ts';
import { stored, StateDatabase } from '#io/lab/state.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { history } from '#test/golden/history.ts';

const events = history();
const disk = (): SimDisk => new SimDisk({ clock: realClock, random: seededRandom(1), latencyMs: 0, rotation: 0.2 });
const all = (folded: Folded): unknown => ({
  actors: kinds.map((kind) => folded.lab.list(kind).map(stored)),
  rows: tableViews.map((view) => folded.rows(view)),
  index: folded.lab.index,
});

async function foldAndSave(state: StateDatabase, folded: Folded, upTo: number, slice: number): Promise<void> {
  while (folded.lab.index < upTo) {
    const from: number = folded.lab.index;
    const steps = events.slice(from, Math.min(upTo, from + slice)).map((event) => folded.fold(event));
    await state.save(folded, steps, folded.takeChanges());
  }
}

describe('the state database', () => {
  test('goes on after a crash of the process as if nothing had happened', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: events.length }),
        fc.integer({ min: 1, max: 9 }),
        async (cut, slice) => {
          const image = disk();
          const first = new StateDatabase(image.open(), 'boot-1');
          await foldAndSave(first, await first.load(), cut, slice);
          image.crash('process');
          const second = new StateDatabase(image.open(), 'boot-1');
          const folded = await second.load();
          expect(folded.lab.index).toBe(cut);
          await foldAndSave(second, folded, events.length, slice);
          const whole = new Folded();
          for (const event of events) whole.fold(event);
          expect(all(folded)).toEqual(all(whole));
        },
      ),
      { numRuns: 25 },
    );
  });

  test('is made again after the machine went down, because nothing in it was synced', async () => {
    const image = disk();
    const first = new StateDatabase(image.open(), 'boot-1');
    await foldAndSave(first, await first.load(), 40, 5);
    image.crash('power');
    expect((await new StateDatabase(image.open(), 'boot-2').load()).lab.index).toBe(0);
  });

  test('is kept over a reboot when it was closed in order', async () => {
    const image = disk();
    const first = new StateDatabase(image.open(), 'boot-1');
    await foldAndSave(first, await first.load(), 40, 5);
    await first.close();
    expect((await new StateDatabase(image.open(), 'boot-2').load()).lab.index).toBe(40);
  });

  test('answers about the past from the newest retained checkpoint', async () => {
    const state = new StateDatabase(disk().open(), 'boot-1');
    const folded = await state.load();
    await foldAndSave(state, folded, 30, 30);
    await state.retain({ lab: folded.lab, rows: (view) => folded.rows(view) });
    const then = all(folded);
    await foldAndSave(state, folded, 60, 30);
    const recalled = await state.recall(folded.lab.index);
    expect(all(recalled)).toEqual(then);
  });
});
