/** Machines at the door of a lab, over real links: what they say of themselves, and how often it is told. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import { protocolVersions } from '#actors/versions.ts';
import { Door } from '#io/daemon/cluster/door.ts';
import { joinLab, type JoinOptions } from '#io/daemon/cluster/join.ts';
import { tlsDirOf } from '#io/daemon/cluster/keys.ts';
import { Roster } from '#io/daemon/cluster/roster.ts';
import type { NodeIni } from '#io/daemon/node-ini.ts';
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
/** Of the second one who joins, and so on. */
let machines: number;
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
  const door = new Door({
    dataDir,
    lab: running as unknown as RunningLab,
    others: new MemoryOthers('atlas', new Map(), () => false),
    roster: await Roster.open(dataDir, 'atlas'),
    clock: realClock,
    random: realRandom,
    log: small.log,
    time: () => ({ nowMs: Date.now(), fromMs: Date.now() }),
    ini: () => ini,
  });
  const { port } = await small.serve(atlas, { onRequest: (request) => door.handle(request) });
  address = `127.0.0.1:${port}`;
});
afterEach(async () => {
  await small.close();
  await rm(folder, { recursive: true });
});

const authority = (): string => caSha256(small.authority.cert);
const said = () => {
  const { addresses, facts } = newcomer('x', '1');
  return { addresses, facts, port: 7401 };
};

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
    const body = {
      ...said(),
      node: name,
      incarnation: name,
      name,
      protocol: protocolVersions,
      clock: Date.now(),
      ...more,
    };
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
});
