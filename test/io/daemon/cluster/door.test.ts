/** Machines at the door of a lab, over real links: what they say of themselves, and how often it is told. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import { protocolVersions } from '#actors/versions.ts';
import { Door } from '#io/daemon/cluster/door.ts';
import { knocksOfOne } from '#io/daemon/cluster/knocks.ts';
import { joinLab, type JoinOptions } from '#io/daemon/cluster/join.ts';
import { tlsDirOf } from '#io/daemon/cluster/keys.ts';
import { Roster } from '#io/daemon/cluster/roster.ts';
import type { NodeIni } from '#io/daemon/node-ini.ts';
import { sleep } from '#io/devices/clock/port.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import type { RunRequest, RunResult } from '#io/lab/port.ts';
import type { RunningLab } from '#io/lab/running.ts';
import { requestJoin } from '#io/links/join.ts';
import { tokenHash } from '#io/links/token.ts';
import { createNodeKey, makeRequest } from '#io/pki/node-certificate.ts';
import { replaceFile } from '#io/stores/files.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { newcomer } from '#test/golden/history.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';
import { SmallLab, type TestNode } from '#test/io/links/small-lab.ts';
import { caSha256 } from '#io/daemon/cluster/door.ts';

const never = new AbortController().signal;
const secret = new Uint8Array(32).fill(9);
let small: SmallLab;
let atlas: TestNode;
let lab: TestLab;
let folder: string;
let address: string;
/** At the address, and at a node that does not lead. */
let [door, side]: Door[] = [];
/** Of the second one who joins, and so on. */
let machines: number;
/** That of the door. */
const clock = { ...realClock, aheadMs: 0, monotonicMs: () => clock.aheadMs };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-door-'));
  small = await SmallLab.create();
  atlas = await small.node('atlas');
  lab = TestLab.ready();
  lab.now = Date.now();
  machines = 0;
  const dataDir = join(folder, 'atlas');
  await mkdir(tlsDirOf(dataDir), { recursive: true });
  for (const [name, pem] of [
    ['ca.crt', small.authority.cert],
    ['ca.key', small.authority.key],
  ] as const)
    await replaceFile(join(tlsDirOf(dataDir), name), Buffer.from(pem), { mode: 0o600 });
  const { facts } = newcomer('atlas', '1');
  const pinned = { keySha256: atlas.keySha256, incarnation: 'first', port: 7401 };
  lab.must('join-node', { node: 'node:atlas', name: 'atlas', addresses: ['10.0.0.1'], facts, ...pinned }, 'node:atlas');
  const running = {
    view: lab.lab,
    leadership: { term: 1, mine: true, leader: 'atlas' },
    run: async ({ name, input, by }: RunRequest): Promise<RunResult> => {
      const { events, rejected } = lab.run(name as CommandName, input as CommandInputs[CommandName], by);
      return rejected ? { rejected } : ({ unchanged: events.length === 0, events } as unknown as RunResult);
    },
  };
  const ini = {
    lab: { id: 'lab', generation: 1, dataKey: secret },
    admin: { name: 'admin', passwordHash: '$argon2id$v=19$hash', passwordIsInitial: true, passwordChangedAt: 0 },
  } as NodeIni;
  const network = new Map<string, MemoryOthers>();
  const parts = {
    dataDir,
    roster: await Roster.open(dataDir, 'atlas'),
    clock,
    random: realRandom,
    log: small.log,
    time: () => ({ nowMs: Date.now(), fromMs: Date.now() }),
    ini: () => ini,
  };
  const doorOf = (self: string, of: object): Door =>
    new Door({
      ...parts,
      lab: of as unknown as RunningLab,
      others: new MemoryOthers(self, network, () => false),
    });
  door = doorOf('atlas', running);
  side = doorOf('vega', { ...running, leadership: { term: 1, mine: false, leader: 'atlas' } });
  const { port } = await small.serve(atlas, { onRequest: (request) => asked(door, request) });
  address = `127.0.0.1:${port}`;
});
afterEach(async () => {
  await small.close();
  await rm(folder, { recursive: true });
});

const asked = (at: Door | undefined, request: Parameters<Door['handle']>[0]) =>
  at?.handle(request) ?? Promise.reject(new Error('there is no door'));
/** Without a link. @returns what is said at the door, in one word */
const codeAt = async (at: Door | undefined, remoteAddress: string, body: unknown): Promise<unknown> => {
  const answer = await asked(at, { path: '/join', body, remoteAddress, signal: never });
  return (answer.body as { readonly code?: unknown }).code;
};

const authority = (): string => caSha256(small.authority.cert);
const said = () => {
  const { addresses, facts } = newcomer('x', '1');
  return { addresses, facts, port: 7401 };
};
const stranger = (name: string) => ({
  ...said(),
  node: name,
  incarnation: name,
  name,
  protocol: protocolVersions,
  clock: Date.now(),
});

describe('a machine without a token', () => {
  const joins = (name: string, labels: JoinOptions['labels']) =>
    joinLab({
      ...said(),
      dataDir: join(folder, name),
      lab: { addresses: [address], caSha256: authority() },
      name,
      labels,
      isWitness: false,
      clock: realClock,
      random: realRandom,
      signal: never,
      onWaiting: () => expect.unreachable('a rule decides'),
    });

  test('comes in by a rule on its labels, and has them; with others it does not', async () => {
    lab.must('change-bouncer', { rules: [{ labels: { zone: 'cellar' }, do: 'admit' }, { do: 'refuse' }] });
    await expect(joins('stray', { zone: 'attic' })).rejects.toThrow(/Rule 2 of the lab's bouncer.*\(NODE_REFUSED\)/);
    await expect(joins('mute', {})).rejects.toThrow(/NODE_REFUSED/);
    await joins('vega', { zone: 'cellar', disk: 'ssd' });
    expect(lab.lab.byName('node', 'system', 'vega')).toMatchObject({
      state: 'up',
      context: { metadata: { labels: { zone: 'cellar', disk: 'ssd' } } },
    });
  });
});

describe('what is refused at the door', () => {
  const asks = async (more: object = {}): Promise<unknown> => {
    const name = `stranger-${++machines}`;
    const body = { ...stranger(name), ...more };
    const token = { addresses: [address], caSha256: authority(), id: 'used', secret };
    const csr = await makeRequest(createNodeKey(), name);
    return requestJoin({ token, csr, body, clock: realClock, signal: never });
  };
  const codeOf = (asking: Promise<unknown>): Promise<string> =>
    asking.then(
      () => 'none',
      (error: { readonly code: string }) => error.code,
    );
  const lines = (message: string) => small.lines.filter(({ msg }) => msg.startsWith(message));

  test('is told once, and not again for each of forty tries with a token that was used', async () => {
    lab.must('issue-token', { tokenId: 'used', hash: tokenHash(secret) });
    await asks();
    for (let tries = 0; tries < 40; tries++) expect(await codeOf(asks())).toBe('TOKEN_USED');
    expect(lines('a machine was let in')).toHaveLength(1);
    expect(lines('a machine was not let in')).toMatchObject([{ who: '127.0.0.1', code: 'TOKEN_USED' }]);
    // Another reason is told, too.
    for (let tries = 0; tries < 5; tries++) {
      expect(await codeOf(asks({ clock: 0 }))).toBe('CLOCK_WRONG');
      expect(await codeOf(asks({ port: 'seven' }))).toBe('BAD_REQUEST');
    }
    expect(lines('a machine was not let in').map(({ code }) => code)).toEqual([
      'TOKEN_USED',
      'CLOCK_WRONG',
      'BAD_REQUEST',
    ]);
    expect(small.lines).toHaveLength(4);
  });

  test('nobody at one address asks more often than the lab can bear, and is told so; with time it may again', async () => {
    lab.must('change-bouncer', { rules: [{ do: 'refuse' }] });
    const knocks = () => codeAt(door, '127.0.0.1', { port: 'seven' });
    for (let tries = 0; tries < knocksOfOne.burst; tries++) expect(await knocks()).toBe('BAD_REQUEST');
    const { code, isRefusal, message, hint } = (await asks({ port: 'seven' }).catch((error: unknown) => error)) as {
      [key: string]: unknown;
    };
    expect({ code, isRefusal }).toEqual({ code: 'TOO_MANY_ATTEMPTS', isRefusal: false });
    expect(message).toBe('machines at 127.0.0.1 ask the lab too often to be let in');
    expect(hint).toMatch(/^Try again in a minute\./);
    expect(lines('a machine was not let in').map((line) => line['code'])).toEqual(['BAD_REQUEST', 'TOO_MANY_ATTEMPTS']);
    clock.aheadMs += 1000;
    for (let tries = 0; tries < knocksOfOne.perSecond; tries++) expect(await knocks()).toBe('BAD_REQUEST');
    expect(await knocks()).toBe('TOO_MANY_ATTEMPTS');
  });

  test('a crowd at a node that does not lead is as much as the leader takes of one node, and hears that there are too many', async () => {
    lab.must('change-bouncer', { rules: [{ do: 'refuse' }] });
    const csr = await makeRequest(createNodeKey(), 'crowd');
    const codes = await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        codeAt(side, `10.0.${n >> 8}.${n & 255}`, { ...stranger(`stranger-${n}`), token: null, csr }),
      ),
    );
    const count = (code: string) => codes.filter((one) => one === code).length;
    expect({ refused: count('NODE_REFUSED'), crowd: count('TOO_MANY_ATTEMPTS') }).toEqual({ refused: 100, crowd: 200 });
  });

  test('a machine that waits goes on waiting while the lab is asked too often, and comes in afterwards', async () => {
    const waits = joinLab({
      ...said(),
      dataDir: join(folder, 'vega'),
      lab: { addresses: [address], caSha256: authority() },
      name: 'vega',
      labels: {},
      isWitness: false,
      clock: { ...realClock, setTimeout: (run, ms) => realClock.setTimeout(run, ms === 3000 ? 20 : ms) },
      random: realRandom,
      signal: never,
      onWaiting: () => (isWaiting = true),
    });
    let isWaiting = false;
    while (!isWaiting) await sleep(realClock, 5);
    while ((await codeAt(door, '127.0.0.1', { port: 'seven' })) !== 'TOO_MANY_ATTEMPTS');
    // It asks a few times more.
    await sleep(realClock, 150);
    lab.must('approve-node', { name: 'vega' });
    clock.aheadMs += 60_000;
    expect((await waits).ini.node.name).toBe('vega');
  });
});
