import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { Entry } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { RunningLab } from '#io/lab/running.ts';
import { StateDatabase } from '#io/lab/state.ts';
import type { EventLog } from '#io/log/port.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { storeWatermark } from '#io/log/single/watermark.ts';
import { memoryBlobs } from '#io/stores/blobs.ts';
import { SimDisk } from '#io/stores/sim.ts';

const { signal } = new AbortController();

/** A lab on a simulated disk, whose log may be spoiled. */
async function openLab(
  seed: number,
  spoil: (log: EventLog) => void = () => {},
  blobs = memoryBlobs(),
): Promise<RunningLab> {
  const random = seededRandom(seed);
  const store = () => new SimDisk({ clock: realClock, random, latencyMs: 0 }).open();
  const state = new StateDatabase(store(), 'boot');
  const eventLog = await openSingleLog({
    store: store(),
    watermark: storeWatermark(store()),
    clock: realClock,
    random,
  });
  spoil(eventLog);
  const folded = await state.load();
  const lab = await RunningLab.open({
    eventLog,
    state,
    folded,
    blobs,
    clock: realClock,
    random,
    log: pino({ level: 'silent' }),
    onBroken: () => {},
  });
  await lab.run(
    { id: 'begin', name: 'create-lab', input: { name: 'home', timeZone: 'UTC' }, by: 'system:start' },
    signal,
  );
  return lab;
}

const createNamespace = (lab: RunningLab, id: string, name: string) =>
  lab.run({ id, name: 'create-namespace', input: { name }, by: 'user:admin' }, signal);

describe('commands', () => {
  test('in any number at once: each name is given once, and every caller gets an answer, also when appends conflict', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 40 }),
        async (seed, names) => {
          const chance = seededRandom(seed);
          const lab = await openLab(seed, (log) => {
            const append = log.append.bind(log);
            log.append = (entry: Entry, abort) =>
              entry.command.startsWith('ask') && chance.chance(0.2)
                ? Promise.resolve({ conflict: entry.expect[0]?.[0] ?? 'namespace:none' })
                : append(entry, abort);
          });
          const answers = await Promise.all(names.map((name, n) => createNamespace(lab, `ask-${n}`, `n${name}`)));
          for (const name of new Set(names)) {
            const given = answers.filter((answer, n) => names[n] === name && !('rejected' in answer));
            expect(given).toHaveLength(1);
          }
          const made = lab.view.list('namespace').map(({ context }) => context.metadata.name);
          expect(new Set(made)).toEqual(new Set(['default', 'system', ...names.map((name) => `n${name}`)]));
          expect(made).toHaveLength(new Set(made).size);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('repeated with the same id take effect once and get the same answer, in flight and afterwards', async () => {
    const lab = await openLab(1);
    const [first, second] = await Promise.all([
      createNamespace(lab, 'same', 'team'),
      createNamespace(lab, 'same', 'team'),
    ]);
    const third = await createNamespace(lab, 'same', 'team');
    const index = (answer: typeof first) => ('rejected' in answer ? answer.rejected.code : answer.index);
    expect([index(second), index(third)]).toEqual([index(first), index(first)]);
  });

  test('a dry run says what would happen, and nothing happens', async () => {
    const lab = await openLab(1);
    const before = lab.index;
    const answer = await lab.run(
      { id: 'dry', name: 'create-namespace', input: { name: 'team' }, by: 'user:admin', dryRun: true },
      signal,
    );
    expect(answer).toMatchObject({
      events: [{ type: 'namespace.created', words: 'Namespace team would be created.' }],
    });
    expect(lab.index).toBe(before);
    expect('rejected' in (await createNamespace(lab, 'wet', 'team'))).toBe(false);
  });

  test('a blob that cannot be stored loses only its own command', async () => {
    const blobs = memoryBlobs();
    const lab = await openLab(1, () => {}, blobs);
    blobs.put = () => Promise.reject(new Error('disk full'));
    const compose = 'name: photos\nservices: { web: { image: nginx } }\n';
    const answers = await Promise.allSettled([
      lab.run({ id: 'a', name: 'deploy-app', input: { compose }, by: 'user:admin' }, signal),
      createNamespace(lab, 'b', 'team'),
      createNamespace(lab, 'c', 'team'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(lab.view.byName('app', 'default', 'photos')).toBeUndefined();
    expect(lab.view.byName('namespace', 'system', 'team')).toBeDefined();
  });

  describe('a revision without files', () => {
    const file = (text: string) => ({ content: Buffer.from(text).toString('base64') });
    const compose = 'name: photos\nservices: { web: { image: "${IMAGE}" } }\n';
    const files = { '.env': file('IMAGE=nginx:1\n') };
    const deploy = (lab: RunningLab, id: string, input: object, dryRun = false) =>
      lab.run({ id, name: 'deploy-app', input, by: 'user:admin', dryRun }, signal);
    const imageOf = (lab: RunningLab): string | undefined =>
      lab.view.byName('app', 'default', 'photos')?.context.spec.services['web']?.image;

    test('goes on from those of the last one, also while that is still on its way, and in a dry run', async () => {
      const blobs = memoryBlobs();
      const put = blobs.put.bind(blobs);
      blobs.put = async (bytes) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return put(bytes);
      };
      const lab = await openLab(1, () => {}, blobs);
      const [first, second] = await Promise.all([
        deploy(lab, 'a', { compose, files }),
        deploy(lab, 'b', { compose: `${compose}# two\n` }),
      ]);
      expect([first, second].map((answer) => 'rejected' in answer)).toEqual([false, false]);
      expect(lab.view.byName('app', 'default', 'photos')?.context.revision).toBe(2);
      const [third, fourth] = await Promise.all([
        deploy(lab, 'c', { compose, files: { '.env': file('IMAGE=nginx:2\n') } }),
        deploy(lab, 'd', { compose: `${compose}# two\n` }),
      ]);
      expect([third, fourth].map((answer) => 'rejected' in answer)).toEqual([false, false]);
      expect(imageOf(lab)).toBe('nginx:2');
      expect(await deploy(lab, 'e', { compose: compose.replace('name:', '# three\nname:') }, true)).toMatchObject({
        changes: ['Service web is as before, and restarted with the app.'],
      });
    });

    test('is refused when they cannot be read, and nothing else is', async () => {
      const blobs = memoryBlobs();
      const lab = await openLab(1, () => {}, blobs);
      await deploy(lab, 'a', { compose, files });
      blobs.get = () => Promise.reject(new Error('disk on fire'));
      expect(await deploy(lab, 'b', { compose: `${compose}# two\n` })).toMatchObject({
        rejected: { code: 'NOT_FOUND' },
      });
      expect('rejected' in (await deploy(lab, 'c', { compose: `${compose}# two\n`, files }))).toBe(false);
      expect('rejected' in (await createNamespace(lab, 'd', 'team'))).toBe(false);
    });
  });

  test('an entry that the log refuses leaves nothing behind: the same name is free', async () => {
    const lab = await openLab(1);
    const labels = Object.fromEntries(Array.from({ length: 6000 }, (_, n) => [`key-${n}`, 'x'.repeat(200)]));
    const input = { name: 'big', spec: { sizeBytes: 2 ** 26 } };
    await expect(
      lab.run({ id: 'a', name: 'create-volume', input: { ...input, labels }, by: 'user:admin' }, signal),
    ).rejects.toMatchObject({ code: 'REFUSED' });
    const again = await lab.run({ id: 'b', name: 'create-volume', input, by: 'user:admin' }, signal);
    expect('rejected' in again).toBe(false);
  });

  test('time goes on at its own pace when the wall clock is set back', async () => {
    const lab = await openLab(1);
    const before = lab.commander.now();
    const { now, monotonicMs } = realClock;
    try {
      realClock.now = () => before - 86_400_000;
      realClock.monotonicMs = () => monotonicMs() + 5000;
      expect(lab.commander.now()).toBeGreaterThanOrEqual(before + 5000);
    } finally {
      realClock.now = now;
      realClock.monotonicMs = monotonicMs;
    }
  });

  test('times in the log never go back, whatever the clock does', async () => {
    const lab = await openLab(1);
    const times: number[] = [];
    lab.replica.listen(({ steps }) => times.push(...steps.map(({ event }) => event.at)));
    const { now } = realClock;
    try {
      for (const [n, jump] of [0, 60_000, -3_600_000, 1].entries()) {
        realClock.now = () => now() + jump;
        await createNamespace(lab, `jump-${n}`, `j${n}`);
      }
    } finally {
      realClock.now = now;
    }
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe('what the nodes measure', () => {
  const gib = 2 ** 30;

  test('becomes an alert when it crosses a threshold, and nobody has to look for that', async () => {
    const lab = await openLab(1);
    lab.lead();
    const facts = {
      architecture: 'x64',
      cpus: 4,
      memoryBytes: 2 ** 33,
      os: 'Debian 12',
      kernel: '6.1',
      engine: { name: 'docker', version: '20.10' },
      pools: [{ name: 'main', driver: 'btrfs', sizeBytes: 100 * gib }],
      version: '0.1.0',
    };
    const input = { node: 'node:atlas', name: 'atlas', addresses: [], facts };
    await lab.run({ id: 'join', name: 'join-node', input, by: 'node:atlas' }, signal);
    const size = { name: 'loose', spec: { sizeBytes: 10 * gib } };
    await lab.run({ id: 'volume', name: 'create-volume', input: size, by: 'user:admin' }, signal);
    const volume = lab.view.byName('volume', 'default', 'loose')?.stream ?? '';
    const alerts = () => lab.rows('alerts').map(([, { rule }]) => rule);
    const show = (key: string, usedBytes: number, sizeBytes?: number): void =>
      lab.observedRows.put('usage', key, { at: 0, usedBytes, ...(sizeBytes === undefined ? {} : { sizeBytes }) });

    expect(lab.observedRows.isWatched('usage')).toBe(false);
    show(volume, 9.5 * gib);
    show('pool:atlas/main', 96 * gib, 100 * gib);
    show('node:atlas', 99, 100);
    await expect.poll(alerts).toEqual(['pool-full', 'volume-full']);
    show(volume, 8 * gib);
    show('pool:atlas/main', 50 * gib, 100 * gib);
    await expect.poll(alerts).toEqual([]);
  });
});
