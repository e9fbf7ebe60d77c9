/** The checkers of files on their way notice what breaks their promises: each of these breaks one on purpose. */
import { describe, expect, test } from 'vitest';
import { simTree } from '#io/devices/tree/sim.ts';
import { eachDaemon, eachPool, eachTree, notices } from './notices.ts';
import { simulate } from './simulate.ts';
import { composeOf, type Action, type Carry } from './swarm.ts';

const ask = (name: string, input: object, quietMs = 10_000, carry?: Carry): Action => ({
  quietMs,
  ask: { name, input, ...(carry ? { carry } : {}) },
});

const name = 'loose';
const made = [ask('create-volume', { name, spec: { sizeBytes: 2 ** 26 } }, 0)];
const filled = [...made, ask('import-volume', { name, replace: true }, 10_000, 'whole')];
const snapped = [
  ask('deploy-app', { compose: composeOf('pair', 'photos', 0) }, 0),
  ask('take-snapshot', { name: 'photos-data', as: 'by-hand-0' }, 40_000),
];
const restored = [
  ...snapped,
  ask('restore-files', { name: 'photos-data', snapshot: 'by-hand-0', paths: ['db'], overwrite: false }),
];

describe('files on their way', () => {
  test.each<[string, readonly Action[]]>([
    [
      'an import that is whole, and one that breaks off',
      [...filled, ask('import-volume', { name, replace: true }, 10_000, 'half')],
    ],
    ['an export that is slow', [...filled, ask('export-volume', { name }, 10_000, 'slow')]],
    ['a restore beside what is there', restored],
  ])('are told of by no checker when all is well: %s', async (_, script) => {
    expect((await simulate({ seed: 1, script })).wrong).toEqual([]);
  });
});

describe('the checkers notice', () => {
  test('an import that failed and is not taken back', () =>
    notices(
      /^contents: .* has changed, and the import has failed/,
      eachPool((volumes) => {
        volumes.rollback = (of, _, stash, call) => volumes.snapshot(of, stash, call);
      }),
      [...filled, ask('import-volume', { name, replace: true }, 10_000, 'half')],
    ));

  test('an import that holds something else than was brought', () =>
    notices(
      /^contents: .* has changed, and the import has finished/,
      eachTree((tree, volumes) => {
        const { unpack } = tree;
        tree.unpack = async (root, tar, call) => {
          const counted = await unpack(root, tar, call);
          volumes.writeAt(root, 'web', 'something else');
          return counted;
        };
      }),
      filled,
    ));

  test('an import that ends before all of it came', () =>
    notices(
      /^archives: transfer:.* has finished, and nobody brought all of it/,
      eachTree((tree) => {
        tree.unpack = () => Promise.resolve({ files: 0, bytes: 0 });
      }),
      filled,
    ));

  test('an export of something else than the snapshot holds', () =>
    notices(
      /^archives: transfer:.* gave something else than its snapshot holds/,
      eachTree((tree) => {
        const other = simTree({
          filesAt: () => new Map([['other', 'content']]),
          snapshotFilesAt: () => undefined,
          writeAt: () => undefined,
        });
        tree.pack = (_, __, signal) => other.pack('', '', signal);
      }),
      [
        ...filled,
        ask('take-snapshot', { name, as: 'by-hand-0' }),
        ask('export-volume', { name, snapshot: 'by-hand-0' }, 10_000, 'whole'),
        ask('cordon-node', { name: 'atlas' }),
      ],
    ));

  test('a restore that writes something else than the snapshot held', () =>
    notices(
      /^contents: .* has changed, and no app wrote to it/,
      eachTree((tree, volumes) => {
        const { restore } = tree;
        tree.restore = async (from, into, plan, call) => {
          const done = await restore(from, into, plan, call);
          volumes.writeAt(into, 'db.restored-by-hand-0', 'something else');
          return done;
        };
      }),
      restored,
    ));

  test('a restore that says more than it did', () =>
    notices(
      /^contents: .* does not hold .*, which was restored/,
      eachTree((tree) => {
        tree.restore = (_, __, { paths }) =>
          Promise.resolve({
            ...{ files: 1, bytes: 1, skipped: 0 },
            written: paths.map((path) => ({ path, as: `${path}.restored-by-hand-0` })),
          });
      }),
      restored,
    ));

  test('a volume whose files go when it is given back', () =>
    notices(
      /^contents: .*, which is no volume, has changed/,
      eachPool((volumes) => {
        const { release } = volumes;
        volumes.release = (of, call) => {
          volumes.files(of).clear();
          return release.call(volumes, of, call);
        };
      }),
      [
        ask(
          'adopt-volume',
          {
            ...{ name: 'family', node: 'atlas', pool: 'main', native: '/pools/atlas/family' },
            spec: { sizeBytes: 2 ** 26 },
          },
          0,
        ),
        ask('release-volume', { name: 'family' }),
      ],
    ));

  test('a snapshot that goes while it is read', () =>
    notices(
      /^reading: snapshot:.* is (removing|gone), and transfer:.* reads it/,
      eachDaemon(({ lab }) => {
        const folded = lab.replica.folded.lab;
        const { referrers } = folded;
        const blind: typeof referrers = (stream, kind) =>
          kind === 'transfer' ? [] : (referrers.call(folded, stream, kind as typeof kind) as never);
        folded.referrers = blind;
      }),
      [
        ...snapped,
        ask('export-volume', { name: 'photos-data', snapshot: 'by-hand-0' }, 10_000, 'slow'),
        ask('remove-snapshot', { name: 'photos-data', snapshot: 'by-hand-0' }, 2000),
        ask('cordon-node', { name: 'atlas' }, 2000),
      ],
    ));

  test('an import that nobody ends', () =>
    notices(
      /^rest: volume loose is still importing/,
      eachTree((tree) => {
        tree.unpack = () => new Promise(() => {});
      }),
      filled,
    ));
});
