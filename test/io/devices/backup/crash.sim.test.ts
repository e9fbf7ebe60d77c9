/**
 * Killed at every step, and beside one another in every order that a seed finds. Judged by one question: whatever was
 * said to be backed up, and was not forgotten, comes back byte for byte.
 */
import { describe, expect, test } from 'vitest';
import { backup } from '#io/devices/backup/backup.ts';
import { forget } from '#io/devices/backup/keep.ts';
import { prune } from '#io/devices/backup/prune.ts';
import { listBackups, type Repository } from '#io/devices/backup/repository.ts';
import { SimObjects, type SimFault } from '#io/devices/backup/store/sim.ts';
import { check } from '#io/devices/backup/verify.ts';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { backUp, begin, bytesOf, reopen, requestOf, restored, signal } from './repositories.ts';

const shared = bytesOf(1, 3000);
const old = Buffer.concat([shared, bytesOf(2, 3000)]);
const stays = Buffer.concat([shared, bytesOf(3, 3000)]);
const fresh = Buffer.concat([shared, bytesOf(4, 5000), bytesOf(2, 2000)]);
const leaseMs = 30 * 60_000;

let prepared: SimObjects | undefined;

async function twoBackups(): Promise<SimObjects> {
  if (!prepared) {
    prepared = new SimObjects();
    const repository = await begin(prepared.store());
    await backUp(repository, 'old', old);
    await backUp(repository, 'stays', stays);
  }
  return prepared.copy();
}

/** Ends when its user dies: a dead one answers nobody. */
async function untilDeath(
  objects: SimObjects,
  nth: number,
  fault: SimFault,
  work: (repository: Repository) => Promise<void>,
): Promise<'died' | 'failed' | 'done'> {
  let died = (): void => undefined;
  const dying = new Promise<'died'>((resolve) => {
    died = () => resolve('died');
  });
  const store = objects.store({
    fault: (call) => {
      if (call.nth !== nth) return undefined;
      if (fault === 'die-before' || fault === 'die-after') setImmediate(died);
      return fault;
    },
  });
  const working = (async () => {
    try {
      await work(await reopen(store));
      return 'done' as const;
    } catch (error) {
      if (error instanceof IoError) return 'failed' as const;
      throw error;
    }
  })();
  return Promise.race([dying, working]);
}

/** To die before a call is nearly the same as to have died after the one before it. */
const faults: readonly (readonly [SimFault, stride: number])[] = [
  ['die-after', 1],
  ['die-before', 5],
  ['time-out', 3],
  ['fail', 5],
  ['lie', 3],
];

describe('at every step of', () => {
  test.each(faults)('a backup: %s', async (fault, stride) => {
    for (let nth = 0, isOver = false; !isOver; nth += stride) {
      const objects = await twoBackups();
      let isSaid = false;
      const end = await untilDeath(objects, nth, fault, async (repository) => {
        await backUp(repository, 'fresh', fresh);
        isSaid = true;
      });
      isOver = end === 'done' && nth > 40;
      expect(nth).toBeLessThan(400);
      await judge(objects, new Map([['old', old], ['stays', stays], ...(isSaid ? ([['fresh', fresh]] as const) : [])]));
      await goOn(objects);
    }
  });

  test.each(faults)('forgetting and pruning: %s', async (fault, stride) => {
    for (let nth = 0, isOver = false; !isOver; nth += stride) {
      const objects = await twoBackups();
      const end = await untilDeath(objects, nth, fault, async (repository) => {
        await forget(repository, ['old'], signal);
        await prune(repository, { graceMs: 0 }, signal);
      });
      isOver = end === 'done' && nth > 40;
      expect(nth).toBeLessThan(400);
      await judge(objects, new Map([['stays', stays]]));
      await goOn(objects);
    }
  });
});

/** After the crash: another machine takes it up, and nothing of the crash is left in the end. */
async function goOn(objects: SimObjects): Promise<void> {
  objects.nowMs += 2 * leaseMs;
  const repository = await reopen(objects.store());
  await backUp(repository, 'fresh', fresh);
  await forget(repository, ['old'], signal);
  await prune(repository, { graceMs: 0 }, signal);
  await judge(
    objects,
    new Map([
      ['stays', stays],
      ['fresh', fresh],
    ]),
  );
  expect(await check(repository, { data: 'all' }, signal)).toMatchObject({ isWhole: true, unindexed: 0 });
  expect(objects.keys('marks/')).toEqual([]);
  expect(objects.keys('locks/').filter((key) => !key.endsWith('.broken'))).toEqual([]);
}

async function judge(objects: SimObjects, said: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const repository = await reopen(objects.store());
  for (const [id, bytes] of said) expect((await restored(repository, id)).equals(bytes), id).toBe(true);
}

/**
 * Several at work on one repository, one call after the other in the order that the seed says. Some sleep for so long
 * that the others give them up, and then go on; some die.
 */
async function together(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const objects = await twoBackups();
  const said = new Map<string, Uint8Array>([
    ['old', old],
    ['stays', stays],
  ]);
  const waiting: { name: string; go: (fault: SimFault | undefined) => void }[] = [];
  const asleep = new Map<string, number>();
  let working = 0;

  const act = (name: string, work: (repository: Repository) => Promise<void>): void => {
    working += 1;
    const gate = () =>
      new Promise<SimFault | undefined>((go) => {
        waiting.push({ name, go });
      });
    void (async () => {
      try {
        await work(await reopen(objects.store({ fault: gate }), { random: seededRandom(seed).fork(name) }));
      } catch (error) {
        if (!(error instanceof IoError)) throw error;
      } finally {
        working -= 1;
      }
    })();
  };
  const writer = (name: string, bytes: Uint8Array) =>
    act(name, async (repository) => {
      for (let attempt = 0; attempt < 3; attempt++) {
        try {
          await backup(repository, requestOf(name, bytes), signal);
          said.set(name, bytes);
          return;
        } catch (error) {
          if (!(error instanceof IoError)) throw error;
        }
      }
    });
  const pruner = (name: string) =>
    act(name, async (repository) => {
      for (let turn = 0; turn < 3; turn++) {
        try {
          await prune(repository, { graceMs: 0 }, signal);
        } catch (error) {
          if (!(error instanceof IoError)) throw error;
        }
      }
    });

  // They rely on what is about to be forgotten.
  writer('one', old);
  writer('another', Buffer.concat([bytesOf(2, 6000), bytesOf(5, 3000)]));
  pruner('sweeper');
  pruner('second-sweeper');
  act('forgetful', async (repository) => {
    // Forgotten is what is asked to be forgotten, from that moment on.
    said.delete('old');
    await forget(repository, ['old'], signal);
  });

  for (let step = 0; working > 0; step++) {
    // All who can go on stand at their next call.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    const ready = waiting.filter(({ name }) => (asleep.get(name) ?? 0) <= step);
    const next = ready.length > 0 ? random.pick(ready) : waiting[0];
    if (!next) continue;
    waiting.splice(waiting.indexOf(next), 1);
    if (random.chance(0.02)) asleep.set(next.name, step + 20 + random.below(400));
    // While somebody sleeps, half a lease passes now and then.
    if (asleep.size > 0 && random.chance(0.05)) objects.nowMs += leaseMs / 2;
    const dies = random.chance(0.001);
    if (dies) working -= 1;
    next.go(dies ? random.pick(['die-before', 'die-after']) : random.chance(0.005) ? 'time-out' : undefined);
    if (step > 20_000) throw new Error(`seed ${seed} does not end`);
  }
  try {
    await judge(objects, said);
    objects.nowMs += 2 * leaseMs;
    const repository = await reopen(objects.store());
    await prune(repository, { graceMs: 0 }, signal);
    await judge(objects, said);
    const { manifests } = await listBackups(repository, signal);
    expect(manifests.map(({ id }) => id)).toEqual(expect.arrayContaining([...said.keys()]));
  } catch (error) {
    throw new Error(`seed ${seed}: run "BACKUP_SEED=${seed}" with this test`, { cause: error });
  }
}

test('whatever is said to be backed up is there, in whatever order writers and prunes act, sleep and die', async () => {
  const only = process.env['BACKUP_SEED'];
  if (only !== undefined) return together(Number(only));
  // The last one meets a prune that sleeps between reading the backups and deleting.
  for (let seed = 1; seed <= Number(process.env['BACKUP_SEEDS'] ?? 60); seed++) await together(seed);
});
