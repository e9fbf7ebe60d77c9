import { expect, it } from 'vitest';
import type { MemberStatus } from '#io/log/raft/member/protocol.ts';
import type { PeerId } from '#events/raft/entry.ts';
import { createAuthority } from '#io/pki/ca.ts';
import { statusOf, type Seen } from '#io/daemon/cluster/status.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';

const [atlas, vega, polaris] = ['atlas', 'vega', 'polaris'].map((name) => peerOf(name, 'inc1')) as [
  PeerId,
  PeerId,
  PeerId,
];

it('says of nobody how far it is behind who has not said so since this leader leads', async () => {
  const caCert = (await createAuthority(Date.now())).cert;
  const member = {
    ...{ peer: atlas, leader: atlas, term: 3, role: 'leader', lastIndex: 31, committed: 31, isSuspect: false },
    configuration: { voters: [atlas, vega, polaris], outgoing: [], learners: [] },
    peers: [
      { peer: vega, match: 30, state: 'replicate', isActive: true },
      { peer: polaris, match: 0, state: 'probe', isActive: false },
    ],
  } as unknown as MemberStatus;
  const ini = { lab: { id: 'l', generation: 1 } } as Seen['ini'];
  const others = { reachable: [] } as unknown as Seen['others'];
  const { members } = statusOf({ member, head: 1, lab: undefined, ini, caCert, others });
  expect(members.map(({ behind }) => behind)).toEqual([0, 1, undefined]);
});
