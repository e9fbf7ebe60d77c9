import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LabView } from '#actors/actor.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { keepAuthority } from '#io/daemon/cluster/authority-keeper.ts';
import { authorityOf } from '#io/daemon/cluster/keys.ts';
import { isOutOfLab, type Belonging } from '#io/daemon/cluster/out-of-lab.ts';
import { LinkError, type LinkCode } from '#io/links/errors.ts';
import { no } from '#io/links/hello.ts';
import { createAuthority, type KeyPair } from '#io/pki/ca.ts';
import { replaceFile } from '#io/stores/files.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

/** Looks every few milliseconds. */
const hasty = { ...realClock, setTimeout: (fn: () => void) => realClock.setTimeout(fn, 2) };

describe('the key of the authority', () => {
  let dir: string;
  let authority: KeyPair;
  let network: Map<string, MemoryOthers>;
  let electorates: readonly (readonly string[])[];
  let cuts: Set<string>;
  const stops: (() => void)[] = [];
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'floatlab-authority-'));
    authority = await createAuthority(Date.now());
    network = new Map();
    cuts = new Set();
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop();
    await rm(dir, { recursive: true });
  });

  async function node(name: string, hasKey: boolean, isOut: () => boolean = () => false) {
    const dataDir = join(dir, name);
    const tls = join(dataDir, 'tls');
    await mkdir(tls, { recursive: true });
    await replaceFile(join(tls, 'ca.crt'), Buffer.from(authority.cert), { mode: 0o600 });
    if (hasKey) await replaceFile(join(tls, 'ca.key'), Buffer.from(authority.key), { mode: 0o600 });
    const others = new MemoryOthers(name, network, (from, to) => cuts.has(`${from}>${to}`));
    let changes = 0;
    stops.push(
      keepAuthority({
        dataDir,
        others,
        clock: hasty,
        log: pino({ level: 'silent' }),
        electorates: () => electorates,
        isOut: async () => isOut(),
        onChange: () => void changes++,
      }),
    );
    return {
      others,
      tls,
      has: async () => (await authorityOf(dataDir)) !== undefined,
      get changes() {
        return changes;
      },
    };
  }
  const soon = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 3000, interval: 5 });
  const aWhile = () => new Promise((resolve) => setTimeout(resolve, 60));

  test('comes to a node that votes, and to no other', async () => {
    electorates = [['a', 'b']];
    const [, b, c] = [await node('a', true), await node('b', false), await node('c', false)];
    await soon(async () => expect(await b.has()).toBe(true));
    expect(await c.has()).toBe(false);
    await expect(c.others.ask('a', 'lab/authority', null, AbortSignal.timeout(1000))).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  test('leaves a node that votes no longer, half written copies too, once the voters have it', async () => {
    electorates = [['a', 'b', 'c']];
    const [a, b] = [await node('a', true), await node('b', true), await node('c', true)];
    await writeFile(join(b.tls, 'ca.key.new'), authority.key.slice(0, 100), { mode: 0o600 });
    await aWhile();
    expect(await b.has()).toBe(true);
    // First jointly: it still votes.
    electorates = [
      ['a', 'c'],
      ['a', 'b', 'c'],
    ];
    await aWhile();
    expect(await b.has()).toBe(true);
    electorates = [['a', 'c']];
    await soon(async () => expect(await readdir(b.tls)).toEqual(['ca.crt']));
    await soon(async () => expect(b.changes).toBe(1));
    expect(await a.has()).toBe(true);
    // And it comes back with the vote.
    electorates = [['a', 'b', 'c']];
    await soon(async () => expect(await b.has()).toBe(true));
  });

  test('stays where it is as long as the voters have not shown that they have it', async () => {
    electorates = [['c', 'd', 'e']];
    for (const other of ['b', 'c', 'd', 'e']) cuts.add(`d>${other}`).add(`e>${other}`);
    const b = await node('b', true);
    const [c, d] = [await node('c', true), await node('d', false)];
    await node('e', false);
    await aWhile();
    expect(await b.has()).toBe(true);
    expect(await d.has()).toBe(false);
    cuts.clear();
    await soon(async () => expect(await b.has()).toBe(false));
    expect(await c.has()).toBe(true);
  });

  test('comes from who has just given its vote away, when nobody else has it', async () => {
    electorates = [['b']];
    const [a, b] = [await node('a', true), await node('b', false)];
    await soon(async () => expect(await b.has()).toBe(true));
    await soon(async () => expect(await a.has()).toBe(false));
  });

  test('leaves a node that is out of the lab as soon as it knows, whomever it can ask', async () => {
    electorates = [['a', 'b']];
    let isOut = false;
    const b = await node('b', true, () => isOut);
    await aWhile();
    expect(await b.has()).toBe(true);
    isOut = true;
    await soon(async () => expect(await b.has()).toBe(false));
  });
});

describe('a node is out of the lab', () => {
  const labWith = (incarnation: string | undefined): LabView =>
    ({
      get: (stream: string) =>
        stream.startsWith('cluster:')
          ? {}
          : stream === 'node:a' && incarnation !== undefined
            ? { context: { incarnation } }
            : undefined,
    }) as unknown as LabView;
  const judge = (more: Partial<Belonging>, says: Readonly<Record<string, LinkCode>> = {}): Promise<boolean> =>
    isOutOfLab({
      lab: labWith('one'),
      self: 'a',
      incarnation: 'one',
      voters: ['a', 'b', 'c', 'd'],
      isRefused: Object.keys(says).length > 0,
      refusalOf: async (node) => (says[node] ? new LinkError(no(says[node], 'no', 'no'), true) : undefined),
      ...more,
    });

  test('when its history says that it left, or that another disk has its place', async () => {
    expect(await judge({})).toBe(false);
    expect(await judge({ lab: labWith(undefined) })).toBe(true);
    expect(await judge({ lab: labWith('two') })).toBe(true);
  });

  test('not while it decides alone, and nobody has written down yet that it belongs there', async () => {
    expect(await judge({ lab: labWith(undefined), voters: ['a'] })).toBe(false);
  });

  test('when most voters do not let it in; one alone may not have heard of it yet', async () => {
    expect(await judge({}, { b: 'NOT_ADMITTED' })).toBe(false);
    expect(await judge({}, { b: 'NOT_ADMITTED', c: 'WRONG_INCARNATION' })).toBe(true);
    expect(await judge({}, { b: 'OLD_GENERATION', c: 'OLD_GENERATION', d: 'OLD_GENERATION' })).toBe(false);
  });
});
