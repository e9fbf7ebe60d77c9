/** Who signs out at one node is signed out at all. */
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SharedEnded } from '#io/daemon/cluster/shared-ended.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { hasEnded, maxEnded, merged, nothingEnded, withEnded, type EndedSessions } from '#io/http/auth/ended.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

const now = 1_700_000_000_000;
const hour = 3_600_000;
const of = (id: string, inHours = 12) => ({ id, expiresAt: now + inHours * hour });

class Keeper {
  saved: EndedSessions;
  readonly heard: string[] = [];
  readonly shared: SharedEnded;

  constructor(node: string, known = nothingEnded) {
    keepers.push(this);
    this.saved = known;
    this.shared = new SharedEnded({
      others: new MemoryOthers(node, network, (from, to) => cuts.has(`${from}>${to}`)),
      log: pino({ level: 'silent' }),
      clock: { ...realClock, now: () => now },
      store: {
        known,
        save: async (ended) => {
          this.saved = ended;
        },
      },
    });
    this.shared.onMore(({ ids }) => this.heard.push(...ids.keys()));
  }

  async end(id: string, inHours?: number): Promise<void> {
    await this.shared.save(withEnded(this.shared.known, of(id, inHours), now));
  }

  has(id: string): boolean {
    return hasEnded(this.shared.known, of(id)) && hasEnded(this.saved, of(id));
  }
}

let network: Map<string, MemoryOthers>;
let cuts: Set<string>;
const keepers: Keeper[] = [];
afterEach(() => {
  for (const { shared } of keepers.splice(0)) shared.stop();
});
beforeEach(() => {
  network = new Map();
  cuts = new Set();
});
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

describe('a session that ends at one node', () => {
  test('ends at all, at once, and over their restarts', async () => {
    const [a, b, c] = [new Keeper('a'), new Keeper('b'), new Keeper('c')];
    await a.end('of-a-page');
    await settled();
    expect([a, b, c].map((node) => node.has('of-a-page'))).toEqual([true, true, true]);
    expect([b.heard, c.heard]).toEqual([['of-a-page'], ['of-a-page']]);
  });

  test('ends at a node that was away when that comes back', async () => {
    const [a, b] = [new Keeper('a'), new Keeper('b')];
    cuts.add('a>b').add('b>a');
    await a.end('one');
    await b.end('two');
    await settled();
    expect([a.has('two'), b.has('one')]).toEqual([false, false]);
    cuts.clear();
    await a.end('three');
    await settled();
    for (const node of [a, b]) expect(['one', 'two', 'three'].map((id) => node.has(id))).toEqual([true, true, true]);
  });

  test('ends at a node that joins later', async () => {
    const a = new Keeper('a');
    await a.end('before');
    const b = new Keeper('b');
    await settled();
    expect(b.has('before')).toBe(true);
  });
});

test('a node whose list was damaged signs out nobody at the others', async () => {
  const [a, b] = [new Keeper('a'), new Keeper('b', { upTo: now + 12 * hour, ids: new Map() })];
  await b.end('any');
  await settled();
  expect(a.shared.known).toEqual({ upTo: 0, ids: new Map([['any', now + 12 * hour]]) });
});

test('what can be no session is not believed, and nothing else is lost by it', async () => {
  const [a, b] = [new Keeper('a'), new Keeper('b')];
  await b.end('of-next-week', 7 * 24);
  await b.end('good');
  await settled();
  expect([...a.shared.known.ids.keys()]).toEqual(['good']);
  for (const said of [null, {}, { sum: 1 }, { sum: '', list: [['../x', 1]] }, { sum: '', list: 'all' }])
    await expect(network.get('b')?.ask('a', 'lab/sessions-ended', said, AbortSignal.timeout(1000))).rejects.toThrow();
  expect([...a.shared.known.ids.keys()]).toEqual(['good']);
});

test('lists come to the same whichever is merged into which, and nothing that has ended begins again', () => {
  const lists = fc
    .dictionary(fc.stringMatching(/^[a-f]{1,2}$/), fc.integer({ min: 0, max: 100 }), { maxKeys: 20 })
    .map((ids): EndedSessions => ({ upTo: 0, ids: new Map(Object.entries(ids)) }));
  // A session has one end wherever it is named.
  const alike = (one: EndedSessions, other: EndedSessions) =>
    [...one.ids].every(([id, until]) => (other.ids.get(id) ?? until) === until);
  fc.assert(
    fc.property(lists, lists, fc.integer({ min: 0, max: 100 }), (one, other, at) => {
      fc.pre(alike(one, other));
      const [there, back] = [merged(one, other, at), merged(other, one, at)];
      expect(Object.fromEntries(there.ids)).toEqual(Object.fromEntries(back.ids));
      for (const [id, expiresAt] of [...one.ids, ...other.ids])
        expect(expiresAt <= at || hasEnded(there, { id, expiresAt })).toBe(true);
      expect(there.ids.size).toBeLessThanOrEqual(maxEnded);
    }),
  );
});
