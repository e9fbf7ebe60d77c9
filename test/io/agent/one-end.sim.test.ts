/** One end of a replication dies, or leaves, and the other one lives on. More kinds of pools and all moments: thorough. */
import { describe, expect, test } from 'vitest';
import { Pair } from './one-end.ts';
import { oneEndDies } from './one-end-dies.ts';

describe.each(['source', 'target'] as const)('when the daemon of the %s dies', (victim) => {
  test.each([
    ['btrfs', 'btrfs', 13],
    ['zfs', 'zfs', 17],
    ['btrfs', 'zfs', 37],
  ] as const)(
    'on a way from %s to %s, nothing is lost, and the lab says what happened',
    (from, to, everyMs) => oneEndDies({ victim, from, to, everyMs }),
    60_000,
  );
});

async function withSecond(): Promise<Pair> {
  const pair = new Pair(1, 'btrfs', 'btrfs');
  await pair.begin();
  await pair.snapshot('first');
  pair.lab.must('create-replica', { name: 'data', node: 'target' });
  await pair.holds('first');
  await pair.snapshot('second');
  return pair;
}

test('a snapshot that is destroyed by hand while it is sent arrives or is said to be missing, and the next one arrives', async () => {
  const codes = new Set<string | undefined>();
  for (let atMs = 0; atMs <= 60; atMs += 12) {
    const pair = await withSecond();
    pair.ask();
    await pair.tick(atMs);
    const { pool, dataset } = pair.volume?.context ?? {};
    const volume = pair.ends.source.volumes.inside.get(pool ?? '')?.datasets.get(dataset ?? '');
    if (volume) volume.snapshots = volume.snapshots.filter(({ info }) => info.name !== 'second');
    await pair.until('the attempt has ended', () => pair.replica?.state !== 'syncing');
    codes.add(pair.problems.at(-1)?.code);
    await pair.snapshot('third');
    if (pair.problems.length === 0) continue;
    expect(pair.heldNames).toEqual(['first']);
    await pair.holds('third');
    expect(pair.heldNames).toEqual(['first', 'third']);
  }
  expect(codes).toEqual(new Set(['MISSING', undefined]));
});

test('a replica that somebody else takes over meanwhile takes no byte more of the stream', async () => {
  const pair = await withSecond();
  pair.ask();
  await pair.tick(15);
  await pair.seal({ generation: 1, index: pair.lab.index + 1000 });
  await pair.until('the attempt has ended', () => pair.replica?.state !== 'syncing');
  expect(pair.problems.at(-1)).toMatchObject({ code: 'FENCED' });
  expect(pair.heldNames).toEqual(['first']);
});
