import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { Store } from '#io/stores/port.ts';
import type { SimDisk } from '#io/stores/sim.ts';
import { eachDaemon, eachEngine, eachPool, notices } from './notices.ts';
import { keepsItsPromises, replay, scripted, seedsOfEveryDay } from './scripted.ts';
import { simulate } from './simulate.ts';
import { composeOf, drawAsk, faultKinds, type Action, type Ask } from './swarm.ts';

const snapshotOnChange = { settleMs: 2000, minIntervalMs: 10_000 };

describe('a lab under faults', () => {
  test(`keeps its promises for ${seedsOfEveryDay} seeds`, () => keepsItsPromises(1, seedsOfEveryDay));

  test('does the same again for the same seed, to the last byte', async () => {
    const seed = 3;
    const [once, again] = [await scripted(seed), await scripted(seed)];
    expect(again.trace, replay(seed)).toBe(once.trace);
  });

  test('keeps its promises whatever people ask and whatever breaks; a failure is shrunk to the shortest story', async () => {
    const quietMs = fc.oneof(fc.nat(4), fc.nat(1000), fc.nat(8000));
    const action: fc.Arbitrary<Action> = fc.oneof(
      { weight: 4, arbitrary: fc.record({ quietMs, ask: fc.nat().map((n) => drawAsk(seededRandom(n))) }) },
      { weight: 1, arbitrary: fc.record({ quietMs, fault: fc.constantFrom(...faultKinds), chance: fc.nat() }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(action, { maxLength: 40, size: 'max' }), async (seed, script) => {
        expect((await simulate({ seed, script })).wrong).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

describe('what a seed has found', () => {
  test('a volume whose app found no place can be changed, and whoever asked for that does not wait for ever', async () => {
    const { wrong } = await simulate({
      seed: 3,
      script: [
        { quietMs: 0, ask: { name: 'cordon-node', input: { name: 'atlas' } } },
        { quietMs: 0, ask: { name: 'deploy-app', input: { compose: composeOf('pair', 'photos', 0) } } },
        { quietMs: 1000, ask: { name: 'stop-app', input: { name: 'photos' } } },
        { quietMs: 1000, ask: { name: 'change-volume', input: { name: 'photos-data', sizeBytes: 2 ** 27 } } },
      ],
    });
    expect(wrong).toEqual([]);
  });

  test.each([
    ['network', 81, 110],
    ['container', 123, 150],
  ])(
    'a %s that the engine makes while its app is removed is not in the way of the next one',
    async (_, seed, quietMs) => {
      const deploy = (name: string): Ask => ({ name: 'deploy-app', input: { compose: composeOf('pair', name, 0) } });
      const { wrong } = await simulate({
        seed,
        script: [
          // Its images are there then, and the next app comes to its containers at once.
          { quietMs: 0, ask: deploy('wiki') },
          { quietMs: 20_000, ask: deploy('photos') },
          { quietMs, ask: { name: 'remove-app', input: { name: 'photos', withVolumes: false } } },
          { quietMs: 20_000, ask: deploy('photos') },
        ],
      });
      expect(wrong).toEqual([]);
    },
  );
});

/**
 * Each of these breaks one promise on purpose, and the checker of that promise has to say so in its own words. If no
 * seed makes it speak, it is asleep, or the swarm never gets there.
 */
describe('the checkers notice', () => {
  const deployed: Action = {
    quietMs: 0,
    ask: { name: 'deploy-app', input: { compose: composeOf('pair', 'photos', 0) } },
  };
  const rolledBack: readonly Action[] = [
    deployed,
    { quietMs: 40_000, ask: { name: 'take-snapshot', input: { name: 'photos-data', as: 'by-hand-0' } } },
    {
      quietMs: 10_000,
      ask: { name: 'rollback-volume', input: { name: 'photos-data', snapshot: 'by-hand-0', pastNewer: true } },
    },
    { quietMs: 20_000, ask: { name: 'cordon-node', input: { name: 'atlas' } } },
  ];

  /** @param spoil makes another store of the one that the daemon opens */
  const onOpen = (disk: SimDisk, spoil: (store: Store) => Store): void => {
    const { open } = disk;
    disk.open = () => spoil(open.call(disk));
  };

  test('an app that runs twice', () =>
    notices(
      /^instances: .* runs twice/,
      eachEngine((docker) => {
        const { create } = docker;
        let made = 0;
        docker.create = (spec, call) => create({ ...spec, name: `${spec.name}-${made++}` }, call);
        docker.containers = () => Promise.resolve([]);
      }),
    ));

  test('a container that the engine would start again by itself', () =>
    notices(/^instances: .* would be restarted by the engine itself/, ({ machines }) => {
      for (const { docker } of machines) {
        const { running } = docker;
        docker.running = () => running().map((container) => ({ ...container, restartPolicy: 'always' }));
      }
    }));

  test('an engine that says stopped and does not stop', () =>
    notices(
      /^containers: .* runs on .* for nobody/,
      eachEngine((docker) => {
        docker.stop = () => Promise.resolve();
        docker.remove = () => Promise.resolve();
        docker.removeNetwork = () => Promise.resolve();
        docker.containers = () => Promise.resolve([]);
      }),
      [
        { quietMs: 0, ask: { name: 'deploy-app', input: { compose: composeOf('pair', 'photos', 0) } } },
        { quietMs: 40_000, ask: { name: 'remove-app', input: { name: 'photos', withVolumes: false } } },
      ],
    ));

  test('an engine that keeps what it says it has removed', () =>
    notices(
      /^containers: .* is left on/,
      eachEngine((docker) => {
        const { containers } = docker;
        docker.remove = () => Promise.resolve();
        docker.containers = async (labels, call) =>
          (await containers(labels, call)).filter(({ state }) => state === 'running');
      }),
    ));

  test('an engine that keeps a network that it says it has removed', () =>
    notices(
      /^containers: network .* is left on/,
      eachEngine((docker) => {
        docker.removeNetwork = () => Promise.resolve();
      }),
    ));

  test('a failed instance whose containers go on', () =>
    notices(
      /^containers: .* runs on .*, and its instance is (failed|halted)/,
      eachEngine((docker) => {
        docker.stop = () => Promise.resolve();
      }),
      [{ quietMs: 0, ask: { name: 'deploy-app', input: { compose: composeOf('half', 'photos', 0) } } }],
    ));

  test('a node that loses volumes in a roll-back', () =>
    notices(
      /^volumes: .* its dataset is gone/,
      eachPool((volumes) => {
        const { rollback } = volumes;
        volumes.rollback = async (of, to, stash, call) => {
          const result = await rollback.call(volumes, of, to, stash, call);
          await volumes.destroy(of, { scrub: false }, call);
          return result;
        };
      }),
    ));

  test('a snapshot that was never taken', () =>
    notices(
      /^volumes: snapshot .* is gone/,
      eachPool((volumes) => {
        volumes.snapshot = (_, name) => Promise.resolve({ name, guid: `lie-${name}`, createdAt: 1 });
      }),
    ));

  test('a snapshot that is taken a second time in the place of the first', () =>
    notices(
      /^volumes: snapshot .* is another one than was taken/,
      eachPool((volumes) => {
        const { snapshot } = volumes;
        volumes.snapshot = async (of, name, call) => ({
          ...(await snapshot.call(volumes, of, name, call)),
          guid: 'of the first',
        });
      }),
    ));

  test('a volume that does not grow', () =>
    notices(
      /^volumes: .* shall have .* bytes, and its dataset has/,
      eachPool((volumes) => {
        const { create } = volumes;
        volumes.create = (of, spec, call) => create.call(volumes, of, { ...spec, sizeBytes: 2 ** 26 }, call);
      }),
      [
        deployed,
        { quietMs: 40_000, ask: { name: 'change-volume', input: { name: 'photos-data', sizeBytes: 2 ** 27 } } },
      ],
    ));

  test('a deleted volume whose data stay', () =>
    notices(
      /^leaks: dataset .* belongs to no volume/,
      eachPool((volumes) => {
        volumes.destroy = () => Promise.resolve();
      }),
    ));

  test('a removed snapshot that stays', () =>
    notices(
      /^leaks: snapshot .* is not known to the lab/,
      eachPool((volumes) => {
        volumes.removeSnapshots = () => Promise.resolve();
      }),
    ));

  test('a pool that tells of changes where there are none', () =>
    notices(
      /^changes: snapshot .* holds what .* did: nothing changed/,
      eachPool((volumes) => {
        const { changes } = volumes;
        volumes.changes = async (pool, call) =>
          new Map([...(await changes(pool, call))].map(([name, change]) => [name, { ...change, changed: true }]));
      }),
      [
        {
          quietMs: 0,
          ask: { name: 'create-volume', input: { name: 'loose', spec: { sizeBytes: 2 ** 26, snapshotOnChange } } },
        },
        { quietMs: 120_000, ask: { name: 'cordon-node', input: { name: 'atlas' } } },
      ],
    ));

  test('a clone that begins empty', () =>
    notices(
      /^contents: .* has changed, and it is not what it should begin with/,
      eachPool((volumes) => {
        volumes.clone = (_, __, into, spec, call) => volumes.create(into, spec, call);
      }),
      [
        { quietMs: 0, ask: { name: 'deploy-app', input: { compose: composeOf('pair', 'photos', 0) } } },
        { quietMs: 30_000, ask: { name: 'take-snapshot', input: { name: 'photos-data', as: 'by-hand-0' } } },
        {
          quietMs: 30_000,
          ask: { name: 'clone-volume', input: { name: 'photos-data', as: 'loose', snapshot: 'by-hand-0' } },
        },
      ],
    ));

  test('a snapshot of another tool that goes with its dataset', () =>
    notices(
      /^foreign: snapshot .* of another tool on .* is gone/,
      eachPool((volumes) => {
        const { destroy } = volumes;
        volumes.destroy = (of, how, call) => {
          for (const { guid } of volumes.snapshotsByOthers(of.pool)) volumes.removeByOther(of.pool, guid);
          return destroy.call(volumes, of, how, call);
        };
      }),
      [
        { quietMs: 0, ask: { name: 'create-volume', input: { name: 'loose', spec: { sizeBytes: 2 ** 26 } } } },
        { quietMs: 20_000, fault: 'other-tool', chance: 1 },
        { quietMs: 1000, ask: { name: 'delete-volume', input: { name: 'loose', purge: true } } },
        { quietMs: 20_000, ask: { name: 'cordon-node', input: { name: 'atlas' } } },
      ],
    ));

  test('a roll-back that brings nothing back', () =>
    notices(
      /^contents: .* has changed, and it is not what the roll-back went back to/,
      eachPool((volumes) => {
        volumes.rollback = (of, _, stash, call) => volumes.snapshot(of, stash, call);
      }),
      rolledBack,
    ));

  test('a roll-back that does not keep what it replaces', () =>
    notices(
      /^contents: snapshot stash-.* is not what the volume held/,
      eachPool((volumes) => {
        const { rollback } = volumes;
        volumes.rollback = (of, to, stash, call) => {
          volumes.files(of).clear();
          return rollback.call(volumes, of, to, stash, call);
        };
      }),
      rolledBack,
    ));

  test('a snapshot that changes after it was taken', () =>
    notices(
      /^contents: snapshot .* has changed/,
      eachPool((volumes) => {
        const { rollback } = volumes;
        volumes.rollback = async (of, to, stash, call) => {
          const result = await rollback.call(volumes, of, to, stash, call);
          (volumes.snapshotFiles(of, to) as Map<string, string>).set('db', 'after all');
          return result;
        };
      }),
      rolledBack,
    ));

  test('a volume that somebody else writes to', () =>
    notices(
      /^contents: .* has changed, and no app wrote to it/,
      eachPool((volumes) => {
        const { inspect } = volumes;
        volumes.inspect = (of, call) => {
          const dataset = volumes.contents().find((content) => content.of.name === of.name);
          if (dataset) volumes.files(of).set('index', 'of whoever looked');
          return inspect.call(volumes, of, call);
        };
      }),
    ));

  test('a compose file that was not kept', () =>
    notices(/^bundles: the compose file of .* is not in the blob store/, ({ blobs }) => {
      blobs.put = (bytes) => Promise.resolve(blobs.address(bytes));
    }));

  test('a schedule that stands still after the clock was set back', () =>
    notices(
      /^schedules: schedule .* has taken no snapshot for/,
      eachDaemon(({ lab }, { clock }) => {
        // The wall clock alone, which an event must not go behind.
        lab.commander.now = () => Math.max(clock.now(), lab.view.at);
      }),
      [
        deployed,
        // By an hour.
        { quietMs: 60_000, fault: 'clock-jump', chance: 0 },
        ...[1, 2, 3, 4].map((minutes): Action => ({
          quietMs: minutes * 60_000,
          ask: { name: 'cordon-node', input: { name: 'atlas' } },
        })),
      ],
    ));

  test('a disk that acknowledges what it writes half a second later', () =>
    notices(
      /^answers: command .* was acknowledged at .*, and (is|the lab is) /,
      ({ disks, clock }) =>
        onOpen(disks.log, (store) => {
          const { batch } = store;
          const write = (): void =>
            void batch.call(store, [{ del: new Uint8Array(1) }], { sync: true }).catch(() => {});
          store.batch = async (ops) => {
            await batch.call(store, ops, { sync: false });
            clock.setTimeout(write, 500);
          };
          return store;
        }),
      // The power goes before that half second is over.
      [
        { quietMs: 0, ask: { name: 'create-volume', input: { name: 'loose', spec: { sizeBytes: 2 ** 26 } } } },
        { quietMs: 20_000, ask: { name: 'label-volume', input: { name: 'loose', labels: { room: 'cellar' } } } },
        { quietMs: 200, fault: 'cut-power', chance: 1 },
      ],
    ));

  test('a log that tells of events before they are written', () =>
    notices(
      /^history: .* events were folded, and after the start there are/,
      ({ disks }) =>
        onOpen(disks.log, (store) => {
          const { batch } = store;
          store.batch = (ops, options) => {
            batch.call(store, ops, options).catch(() => {});
            return Promise.resolve();
          };
          return store;
        }),
      18,
    ));

  test('a daemon that forgets which commands it has carried out', () =>
    notices(
      /^answers: command .* was answered .*, then/,
      eachDaemon(({ lab }) => {
        lab.replica.folded.lab.command = () => undefined;
      }),
    ));

  test('a command that takes effect twice', () =>
    notices(
      /^history: command .* took effect twice/,
      eachDaemon(({ lab }) => {
        lab.replica.folded.lab.command = () => undefined;
      }),
    ));

  test('a command that nobody answers', () =>
    notices(
      /^answers: command .* was never answered/,
      eachDaemon(({ lab }) => {
        const { run } = lab;
        lab.run = (request, signal) =>
          request.name === 'cordon-node' ? new Promise(() => {}) : run.call(lab, request, signal);
      }),
      [{ quietMs: 1000, ask: { name: 'cordon-node', input: { name: 'atlas' } } }],
    ));

  test('a fold of something else than what the log says', () =>
    notices(
      /^replay: .* differs after a replay/,
      eachDaemon(({ lab }) => {
        const { folded } = lab.replica;
        const { fold } = folded;
        folded.fold = (event) => fold.call(folded, event.index % 7 === 0 ? { ...event, at: event.at + 1 } : event);
      }),
    ));

  test('work that never ends', () =>
    notices(
      /^rest: stop-instance of .* is still asked for/,
      eachEngine((docker) => {
        docker.stop = (target) =>
          Promise.reject(new IoError('BUSY', { op: 'stop', target, message: 'it does not want to' }));
      }),
    ));

  test('a log that has lost its end', () =>
    notices(/^start: the daemon did not come up/, ({ disks }) => {
      const { open } = disks.log;
      disks.log.open = () => {
        if (disks.log.size > 20) disks.log.deleteTail(3);
        return open.call(disks.log);
      };
    }));
});
