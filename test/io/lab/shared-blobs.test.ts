import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { sharedBlobs, type SharedBlobs } from '#io/lab/shared-blobs.ts';
import { memoryBlobs, type BlobStore } from '#io/stores/blobs.ts';
import { MemoryOthers } from './memory-others.ts';

interface Keeper {
  readonly local: BlobStore;
  readonly shared: SharedBlobs;
  readonly others: MemoryOthers;
}

const bytes = new TextEncoder().encode('services: {}');
let network: Map<string, MemoryOthers>;
let cuts: Set<string>;
let electorates: readonly (readonly string[])[];
beforeEach(() => {
  network = new Map();
  cuts = new Set();
  electorates = [['a', 'b', 'c']];
});

function keeper(node: string, local = memoryBlobs()): Keeper {
  const others = new MemoryOthers(node, network, (from, to) => cuts.has(`${from}>${to}`));
  return { local, others, shared: sharedBlobs({ local, others, clock: realClock, electorates: () => electorates }) };
}

const cut = (one: string, other: string): void => void cuts.add(`${one}>${other}`).add(`${other}>${one}`);

describe('blobs of a lab on several nodes', () => {
  let keepers: readonly [Keeper, Keeper, Keeper];
  beforeEach(() => {
    keepers = [keeper('a'), keeper('b'), keeper('c')];
  });
  afterEach(() => network.clear());

  test('what was put is on a majority of the voters', async () => {
    const [a, b, c] = keepers;
    cut('a', 'b');
    const ref = await a.shared.put(bytes);
    expect(await Promise.all([a, b, c].map(({ local }) => local.has(ref)))).toEqual([true, false, true]);
  });

  test('without a majority nothing counts as put, and the answer says so', async () => {
    const [a] = keepers;
    cut('a', 'b');
    cut('a', 'c');
    await expect(a.shared.put(bytes)).rejects.toMatchObject({ code: 'NO_QUORUM' });
  });

  test('while the group changes, what was put is on a majority of the old voters and of the new ones', async () => {
    const [a, b, c] = keepers;
    // One after the other comes for two that go: of all five, three would be on one side.
    electorates = [
      ['a', 'b', 'c'],
      ['c', 'd', 'e'],
    ];
    const [d, e] = [keeper('d'), keeper('e')];
    cut('a', 'd');
    cut('a', 'e');
    await expect(a.shared.put(bytes)).rejects.toMatchObject({
      code: 'NO_QUORUM',
      message: expect.stringContaining('of 3 voters'),
    });
    cuts.clear();
    cut('a', 'e');
    const ref = await a.shared.put(new TextEncoder().encode('other: {}'));
    const has = await Promise.all([a, b, c, d, e].map(({ local }) => local.has(ref)));
    expect(has.slice(2).filter(Boolean).length).toBeGreaterThanOrEqual(2);
  });

  test('a node that has no vote puts at those who have', async () => {
    const [a, b, c] = keepers;
    electorates = [['b', 'c']];
    const ref = await a.shared.put(bytes);
    expect(await Promise.all([b, c].map(({ local }) => local.has(ref)))).toEqual([true, true]);
  });

  test('what is not here comes from whoever has it, and stays', async () => {
    const [a, b] = keepers;
    const ref = await a.local.put(bytes);
    expect(await b.shared.get(ref)).toEqual(bytes);
    expect(await b.local.has(ref)).toBe(true);
  });

  test('who comes later gets everything, so that it is not lost with those who were there first', async () => {
    const [a, b, c] = keepers;
    const refs = [await a.local.put(bytes), await b.local.put(new TextEncoder().encode('other: {}'))];
    expect(await c.shared.sweep(new AbortController().signal)).toBe(2);
    network.delete('a');
    network.delete('b');
    for (const ref of refs) expect(await c.local.has(ref)).toBe(true);
    expect(await c.shared.sweep(new AbortController().signal)).toBe(0);
  });

  test('what nobody has is missing, as it is on one node', async () => {
    const [a, b] = keepers;
    await expect(b.shared.get(a.local.address(bytes))).rejects.toMatchObject({ code: 'MISSING' });
  });

  test('a node that sends something else is not believed, and the next one is asked', async () => {
    const liar = memoryBlobs();
    liar.get = async () => new TextEncoder().encode('services: { miner: {} }');
    network.clear();
    const [a, b] = [keeper('a'), keeper('b', liar)];
    const ref = a.local.address(bytes);
    await expect(a.shared.get(ref)).rejects.toMatchObject({ code: 'MISSING' });
    expect(await a.local.has(ref)).toBe(false);
    const c = keeper('c');
    await c.local.put(bytes);
    expect(await a.shared.get(ref)).toEqual(bytes);
    expect(b.others.self).toBe('b');
  });
});
