import { expect, test } from 'vitest';
import { contactNow } from '#io/lab/contact.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';

type Progress = Parameters<typeof contactNow>[2]['peers'][number];

const [self, old] = [peerOf('a', '1'), peerOf('b', '1')];
const silent: Progress = { peer: old, match: 10, state: 'probe', isActive: false };
const status = { peer: self, peers: [silent], committed: 12 };

test('a node that came back with another disk is reached, though the member that it was is silent for ever', () => {
  expect(contactNow('b', '2', status, ['b'])).toEqual({ reachable: true, caughtUp: false });
  expect(contactNow('b', '2', status, [])).toEqual({ reachable: false, caughtUp: false });
});

test('of a member the leader goes by what it hears as such', () => {
  expect(contactNow('b', '1', status, ['b'])).toEqual({ reachable: false, caughtUp: true });
  const lively = { ...silent, isActive: true };
  expect(contactNow('b', '1', { ...status, peers: [lively] }, [])).toEqual({ reachable: true, caughtUp: true });
  expect(contactNow('b', '1', { ...status, peers: [lively], committed: 5000 }, []).caughtUp).toBe(false);
});

test('it reaches itself', () => {
  expect(contactNow('a', '1', status, [])).toEqual({ reachable: true, caughtUp: true });
});
