import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { World } from '#io/world/world.ts';
import { simulate } from './simulate.ts';
import { drawAsk, drawScript, faultKinds, type Action } from './swarm.ts';

const seconds = 300;
const seeds = 60;

const scripted = (seed: number, sabotage?: (world: World) => void) =>
  simulate({ seed, script: drawScript(seededRandom(seed), seconds), ...(sabotage ? { sabotage } : {}) });

const replay = (seed: number): string => `replay it: npm run sim -- --seed ${seed} --seconds ${seconds}`;

describe('a lab under faults', () => {
  test(`keeps its promises for ${seeds} seeds`, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { wrong } = await scripted(seed);
      expect(wrong, replay(seed)).toEqual([]);
    }
  });

  test('does the same again for the same seed, to the last byte', async () => {
    for (const seed of [3, 7]) {
      const [once, again] = [await scripted(seed), await scripted(seed)];
      expect(again.trace, replay(seed)).toBe(once.trace);
    }
  });

  test('keeps its promises whatever people ask and whatever breaks; a failure is shrunk to the shortest story', async () => {
    const quietSeconds = fc.integer({ min: 0, max: 8 });
    const action: fc.Arbitrary<Action> = fc.oneof(
      { weight: 4, arbitrary: fc.record({ quietSeconds, ask: fc.nat().map((n) => drawAsk(seededRandom(n))) }) },
      { weight: 1, arbitrary: fc.record({ quietSeconds, fault: fc.constantFrom(...faultKinds), chance: fc.nat() }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(action, { maxLength: 40, size: 'max' }), async (seed, script) => {
        expect((await simulate({ seed, script })).wrong).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

/** Each of these breaks one promise on purpose. If no seed notices, the checkers are asleep. */
describe('the checkers notice', () => {
  const notices = async (sabotage: (world: World) => void, what: RegExp): Promise<void> => {
    for (let seed = 1; seed <= 40; seed++) {
      const { wrong } = await scripted(seed, sabotage);
      if (wrong.some((one) => what.test(one))) return;
    }
    throw new Error('no seed noticed');
  };

  test('an engine that says stopped and does not stop', () =>
    notices(({ machines }) => {
      for (const { docker } of machines) {
        docker.port.stop = () => Promise.resolve();
        docker.port.remove = () => Promise.resolve();
        docker.port.containers = () => Promise.resolve([]);
      }
    }, /runs twice|is stopped, and|is still|never ends|still asked/));

  test('a node that loses volumes in a roll-back', () =>
    notices(({ machines }) => {
      for (const { volumes } of machines) {
        const { rollback } = volumes;
        volumes.rollback = async (of, to, stash, call) => {
          const result = await rollback.call(volumes, of, to, stash, call);
          await volumes.destroy(of, call);
          return result;
        };
      }
    }, /dataset is gone/));

  test('a snapshot that was never taken', () =>
    notices(({ machines }) => {
      for (const { volumes } of machines) {
        volumes.snapshot = (_, name) => Promise.resolve({ name, guid: `lie-${name}`, createdAt: 1 });
      }
    }, /snapshot .* is gone/));

  test('a disk that acknowledges what it has not written', () =>
    notices(({ disks }) => {
      const { open } = disks.log;
      disks.log.open = () => {
        const store = open.call(disks.log);
        const { batch } = store;
        store.batch = (ops) => batch.call(store, ops, { sync: false });
        return store;
      };
    }, /acknowledged|did not come up/));
});
