/** A daemon that ends on purpose: what it says, and whom it lets lead. */
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { sayGoodbye, type GoodbyeParts } from '#io/daemon/cluster/goodbye.ts';
import { heirsOf } from '#io/daemon/cluster/heir.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { RunRequest } from '#io/lab/port.ts';
import type { MemberStatus } from '#io/log/raft/member/protocol.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { Door } from '#test/actors/door.ts';

type Peer = { readonly node: string; readonly match?: number; readonly isActive?: boolean; readonly votes?: boolean };

/** Of a leader, of the others. */
function statusOf(peers: readonly Peer[], role = 'leader'): MemberStatus {
  const idOf = ({ node }: Peer): string => `${node}.disk`;
  return {
    role,
    committed: 5000,
    configuration: { voters: ['atlas.disk', ...peers.filter(({ votes = true }) => votes).map(idOf)] },
    peers: peers.map((peer) => ({ peer: idOf(peer), isActive: peer.isActive ?? true, match: peer.match ?? 5000 })),
  } as unknown as MemberStatus;
}

let door: Door;
let clock: VirtualClock;
let status: MemberStatus;
let asked: RunRequest[];
let passedTo: string[];
beforeEach(() => {
  door = new Door();
  clock = new VirtualClock(0);
  status = statusOf([{ node: 'vega' }, { node: 'pi' }]);
  [asked, passedTo] = [[], []];
});

async function goodbye(more: Partial<GoodbyeParts['lab']> = {}): Promise<void> {
  const done = sayGoodbye({
    node: 'atlas',
    lab: {
      view: door.lab.lab,
      leadership: { term: 3, mine: true, leader: 'atlas' },
      run: async (request) => {
        asked.push(request);
        return { rejected: { code: 'NOT_NOW', explain: 'whatever' } };
      },
      ...more,
    },
    clock,
    random: seededRandom(1),
    log: pino({ level: 'silent' }),
    status: () => status,
    passOn: (to) => {
      passedTo.push(to);
      status = statusOf([], 'follower');
    },
  });
  await clock.run(5000);
  await done;
}

test('says that its node stops, and then lets a voter lead that runs apps', async () => {
  door.member('pi', '3', { role: 'witness' });
  door.member('vega', '2');
  status = statusOf([
    { node: 'pi', match: 5000 },
    { node: 'vega', match: 4999 },
  ]);
  await goodbye();
  expect(asked).toMatchObject([{ name: 'report-node-stopped', input: { node: 'node:atlas' }, by: 'node:atlas' }]);
  expect(passedTo).toEqual(['vega']);
});

test('lets a witness lead where there is nobody else', async () => {
  door.member('pi', '3', { role: 'witness' });
  await goodbye();
  expect(passedTo).toEqual(['vega']);
  passedTo = [];
  status = statusOf([{ node: 'pi' }]);
  await goodbye();
  expect(passedTo).toEqual(['pi']);
});

test('says nothing where nobody would hear it: alone, or without a leader', async () => {
  await goodbye();
  door.member('vega', '2');
  await goodbye({ leadership: undefined });
  door.down('vega');
  await goodbye();
  expect([asked, passedTo]).toEqual([[], []]);
});

test('ends all the same when nobody answers', async () => {
  door.member('vega', '2');
  await goodbye({ run: () => Promise.reject(new Error('no majority')) });
  expect(passedTo).toEqual([]);
});

test('an heir votes, answers, and has everything or nearly; the one with most comes first', () => {
  const peers: readonly Peer[] = [
    { node: 'far', match: 10 },
    { node: 'silent', isActive: false },
    { node: 'learner', votes: false },
    { node: 'near', match: 4100 },
    { node: 'whole' },
  ];
  expect(heirsOf(statusOf(peers))).toEqual(['whole', 'near']);
  expect(heirsOf(statusOf(peers, 'follower'))).toEqual([]);
});
