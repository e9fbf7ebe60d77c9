/** What a leader knows about one follower: the states of the diagram in `progress.ts`, arc by arc. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Progress } from '#events/raft/progress.ts';
import { defaultSettings } from '#events/raft/settings.ts';

const settings = { ...defaultSettings, maxInflight: 3, maxInflightBytes: 100 };

/** After an election: nothing is known but where the leader's log ended. */
const fresh = (next = 10): Progress => new Progress(next, settings, false);

function replicating(match = 9): Progress {
  const progress = fresh();
  progress.accepted(match);
  progress.toReplicate();
  return progress;
}

const facts = ({ state, match, next, isPaused, inflight }: Progress) => [state, match, next, isPaused, inflight.count];

describe('while it probes', () => {
  test('one append is under way at a time, and says nothing about what comes next', () => {
    const progress = fresh();
    progress.sent(3, 30);
    expect(facts(progress)).toEqual(['probe', 0, 10, true, 0]);
  });

  test('a refusal moves it back to the hint, and lets the next probe go', () => {
    const progress = fresh();
    progress.sent(1, 10);
    expect(progress.rejected(9, 4)).toBe(true);
    expect(facts(progress)).toEqual(['probe', 0, 5, false, 0]);
  });

  test('a refusal moves it back by one at least, whatever the hint says', () => {
    const progress = fresh();
    expect(progress.rejected(9, 30)).toBe(true);
    expect(progress.next).toBe(9);
  });

  test('a refusal never moves it before what the follower is known to have', () => {
    const progress = fresh();
    progress.accepted(5);
    progress.next = 8;
    expect(progress.rejected(7, 2)).toBe(true);
    expect(progress.next).toBe(6);
  });

  test.each([
    [8, 'of something else than what was sent last'],
    [10, 'of what was not sent yet'],
  ])('a refusal at %i is not news: it is %s', (index) => {
    const progress = fresh();
    progress.sent(1, 10);
    expect(progress.rejected(index, 3)).toBe(false);
    expect(facts(progress)).toEqual(['probe', 0, 10, true, 0]);
  });
});

describe('while it replicates', () => {
  test('what was sent is taken for received, up to the window', () => {
    const progress = replicating();
    progress.sent(2, 10);
    progress.sent(1, 10);
    expect(facts(progress)).toEqual(['replicate', 9, 13, false, 2]);
    progress.sent(1, 10);
    expect(facts(progress)).toEqual(['replicate', 9, 14, true, 3]);
  });

  test('an append without entries takes no room', () => {
    const progress = replicating();
    progress.sent(0, 0);
    expect(facts(progress)).toEqual(['replicate', 9, 10, false, 0]);
  });

  test('a refusal beyond what it has means that something was lost: back to what is certain', () => {
    const progress = replicating();
    progress.sent(3, 30);
    expect(progress.rejected(12, 11)).toBe(true);
    expect(progress.next).toBe(10);
  });

  test('a refusal of what it has acknowledged since is late, and ignored', () => {
    const progress = replicating();
    progress.sent(3, 30);
    expect(progress.rejected(9, 3)).toBe(false);
    expect(progress.next).toBe(13);
  });

  test('a broken connection makes it probe from what is certain, with an empty window', () => {
    const progress = replicating();
    progress.sent(3, 30);
    progress.toldCommit = 12;
    progress.toProbe();
    expect(facts(progress)).toEqual(['probe', 9, 10, false, 0]);
    expect(progress.toldCommit).toBe(9);
  });
});

describe('while a snapshot is on its way', () => {
  test('the next entry is the one after it', () => {
    const progress = replicating();
    progress.toSnapshot(20);
    expect(facts(progress)).toEqual(['snapshot', 9, 21, false, 0]);
    expect(progress.snapshotIndex).toBe(20);
  });

  test('and it arrived, the probe begins after it', () => {
    const progress = fresh();
    progress.toSnapshot(20);
    progress.toProbe();
    expect(facts(progress)).toEqual(['probe', 0, 21, false, 0]);
  });

  test('and failed, the probe begins where it had begun before', () => {
    const progress = replicating(4);
    progress.toSnapshot(20);
    progress.snapshotIndex = 0;
    progress.toProbe();
    expect(facts(progress)).toEqual(['probe', 4, 5, false, 0]);
  });

  test('and the follower is further than that meanwhile, the probe begins there', () => {
    const progress = fresh();
    progress.toSnapshot(20);
    progress.accepted(25);
    progress.toProbe();
    expect(progress.next).toBe(26);
  });
});

describe('an acknowledgement', () => {
  test.each([
    [9, false],
    [5, false],
    [10, true],
    [12, true],
  ])('of entry %i, after one of entry 9, is news: %s', (index, isNews) => {
    const progress = replicating();
    expect(progress.accepted(index)).toBe(isNews);
    expect(progress.match).toBe(Math.max(9, index));
    expect(progress.next).toBe(Math.max(10, index + 1));
  });
});

test('a follower whose disk lost something is probed from what is left', () => {
  const progress = replicating(9);
  progress.sent(3, 30);
  progress.lost(4);
  expect(facts(progress)).toEqual(['probe', 0, 5, false, 0]);
});

test('match stays below next and never falls, whatever is answered in whatever order', () => {
  const op = fc.oneof(
    fc.record({ accepted: fc.nat(60) }),
    fc.record({ rejected: fc.nat(60), hint: fc.nat(60) }),
    fc.record({ sent: fc.nat(4) }),
    fc.constantFrom('probe' as const, 'replicate' as const, 'snapshot' as const),
  );
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
      const progress = fresh();
      for (const one of ops) {
        const { match } = progress;
        if (one === 'probe') progress.toProbe();
        else if (one === 'replicate') progress.toReplicate();
        else if (one === 'snapshot') progress.toSnapshot(progress.next + 3);
        else if ('accepted' in one) progress.accepted(Math.min(one.accepted, progress.next + 3));
        else if ('rejected' in one) progress.rejected(one.rejected, one.hint);
        else if (!progress.isPaused && progress.state !== 'snapshot') progress.sent(one.sent, one.sent * 10);
        expect(progress.match).toBeLessThan(progress.next);
        expect(progress.match).toBeGreaterThanOrEqual(match);
        expect(progress.inflight.count).toBeLessThanOrEqual(settings.maxInflight);
      }
    }),
    { numRuns: 500 },
  );
});
