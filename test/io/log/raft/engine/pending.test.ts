/** Appends whose outcome is not known yet: each hears of its own, once, and never of another's. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asIndex } from '#events/envelope.ts';
import { VirtualClock } from '#test/io/stores/virtual-clock.ts';
import { unpackBatch } from '#io/log/raft/engine/batch.ts';
import { Pending } from '#io/log/raft/engine/pending.ts';
import { unpack } from '#io/log/raft/member/protocol.ts';
import { LogError } from '#io/log/port.ts';

type Batch = ReturnType<Pending['begin']>;

const lost = new LogError('UNKNOWN', 'nobody knows', 'Ask again.');
const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};
const told = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => (error as { readonly code: string }).code);

function pendingOf() {
  const batches: Batch[] = [];
  const pending = new Pending();
  const add = (byte: number, term?: number) =>
    told(pending.add(Uint8Array.of(array, byte), term, (batch) => batches.push(batch)));
  return { pending, batches, add };
}
/** What a packed command begins with. */
const array = 0x97;
const bytesOf = ({ entries }: Batch): number[][] =>
  unpack(entries).map((entry) => unpackBatch(entry).map((command) => command[1] ?? -1));

test('what is appended in one turn is proposed as one entry', async () => {
  const { batches, add } = pendingOf();
  for (const byte of [1, 2, 3]) void add(byte);
  await turns();
  void add(4);
  await turns();
  expect(batches.map(bytesOf)).toEqual([[[1, 2, 3]], [[4]]]);
});

test('what was decided in different terms is proposed apart, in order', async () => {
  const { batches, add } = pendingOf();
  void add(1, 5);
  void add(2, 6);
  void add(3, 6);
  await turns();
  expect(batches.map((batch) => [batch.term, bytesOf(batch)])).toEqual([
    [5, [[1]]],
    [6, [[2, 3]]],
  ]);
});

test('each is answered when the entry at its place is applied', async () => {
  const { pending, batches, add } = pendingOf();
  const answers = [add(1), add(2)];
  await turns();
  answers.push(add(3));
  await turns();
  pending.proposed(batches[0]?.id ?? 0, 3, 10);
  pending.proposed(batches[1]?.id ?? 0, 3, 11);
  pending.applied(10, 3, [{ index: asIndex(7) }, { conflict: 'volume:a' }]);
  pending.applied(11, 3, [{ index: asIndex(8) }]);
  expect(await Promise.all(answers)).toEqual([{ index: 7 }, { conflict: 'volume:a' }, { index: 8 }]);
});

test('large commands are proposed as several entries, in order, and one too large for any as one of its own', async () => {
  const { pending, batches } = pendingOf();
  const sizes = [100_000, 20_000, 20_000, 500_000, 10, 10];
  const answers = sizes.map((size) =>
    pending.add(new Uint8Array(size).fill(array, 0, 1), undefined, (batch) => batches.push(batch)),
  );
  await turns();
  const [batch] = batches;
  if (!batch) throw new Error('nothing was proposed');
  const entries = unpack(batch.entries).map((entry) => unpackBatch(entry).map(({ length }) => length));
  expect(entries).toEqual([[100_000, 20_000], [20_000], [500_000], [10, 10]]);
  pending.proposed(batch.id, 1, 5);
  let event = 0;
  for (const [at, commands] of entries.entries())
    pending.applied(
      5 + at,
      1,
      commands.map(() => ({ index: asIndex(++event) })),
    );
  expect(await Promise.all(answers)).toEqual(sizes.map((_, at) => ({ index: at + 1 })));
});

test('one whose place went to another leader was not appended', async () => {
  const { pending, batches, add } = pendingOf();
  const answer = add(1);
  await turns();
  pending.proposed(batches[0]?.id ?? 0, 3, 10);
  pending.applied(10, 4, [{ index: asIndex(7) }]);
  expect(await answer).toBe('NOT_LEADER');
  const later = add(2);
  await turns();
  pending.proposed(batches[1]?.id ?? 0, 5, 11);
  pending.applied(11, 4, [{ index: asIndex(8) }]);
  expect(await later).toBe('NOT_LEADER');
});

test('behind an entry of a newer term nothing of an older one comes, also where nobody took its place', async () => {
  const { pending, batches, add } = pendingOf();
  const answers: Promise<unknown>[] = [];
  for (const byte of [1, 2, 3]) {
    answers.push(add(byte));
    await turns();
  }
  for (const [at, { id }] of batches.entries()) pending.proposed(id, 3, 10 + at);
  const newer = add(4);
  await turns();
  pending.proposed(batches[3]?.id ?? 0, 5, 11);
  pending.applied(10, 4, []);
  expect(await Promise.all(answers)).toEqual(['NOT_LEADER', 'NOT_LEADER', 'NOT_LEADER']);
  pending.applied(11, 5, [{ index: asIndex(1) }]);
  expect(await newer).toEqual({ index: 1 });
  const behindSnapshot = add(5);
  await turns();
  pending.proposed(batches[4]?.id ?? 0, 5, 30);
  pending.skipped(20, 6, lost);
  expect(await behindSnapshot).toBe('NOT_LEADER');
});

test('of two that were proposed for one place in different terms, the one whose term it is was appended', async () => {
  const { pending, batches, add } = pendingOf();
  const first = add(1);
  await turns();
  const second = add(2);
  await turns();
  pending.proposed(batches[0]?.id ?? 0, 3, 10);
  pending.proposed(batches[1]?.id ?? 0, 5, 10);
  pending.applied(10, 5, [{ index: asIndex(1) }]);
  expect([await first, await second]).toEqual(['NOT_LEADER', { index: 1 }]);
});

test('what is refused is told so, and what a snapshot has swallowed is unknown', async () => {
  const { pending, batches, add } = pendingOf();
  const refused = add(1);
  await turns();
  pending.refused(batches[0]?.id ?? 0, new LogError('NOT_LEADER', 'not here', 'Ask the leader.'));
  const swallowed = add(2);
  await turns();
  pending.proposed(batches[1]?.id ?? 0, 3, 10);
  const later = add(3);
  await turns();
  pending.proposed(batches[2]?.id ?? 0, 3, 12);
  pending.skipped(11, 3, lost);
  expect([await refused, await swallowed]).toEqual(['NOT_LEADER', 'UNKNOWN']);
  pending.applied(12, 3, [{ index: asIndex(5) }]);
  expect(await later).toEqual({ index: 5 });
});

test('a change of members is done when the entry at its place is applied', async () => {
  const { pending } = pendingOf();
  const { id, done } = pending.beginChange();
  pending.proposed(id, 3, 10);
  pending.applied(10, 3, []);
  expect(await done).toBeUndefined();
});

test('who waits until nothing is left waits no longer than that, and no longer than it says', async () => {
  const clock = new VirtualClock();
  const { pending, batches, add } = pendingOf();
  await pending.settled(1000, clock);
  const answer = add(1);
  let isSettled = false;
  const settled = pending.settled(1000, clock).then(() => (isSettled = true));
  await turns();
  pending.proposed(batches[0]?.id ?? 0, 1, 1);
  expect(isSettled).toBe(false);
  pending.applied(1, 1, [{ index: asIndex(1) }]);
  await Promise.all([answer, settled]);
  const never = add(2);
  const patient = pending.settled(1000, clock);
  expect(await clock.step()).toBe(true);
  await patient;
  pending.endAll(lost);
  expect(await never).toBe('UNKNOWN');
});

test('whatever happens in whatever order, everybody is answered once at the end', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), term: fc.constantFrom(undefined, 1, 2) }),
    fc.record({ do: fc.constantFrom('propose' as const, 'refuse' as const) }),
    fc.record({ do: fc.constant('apply' as const), term: fc.constantFrom(1, 2) }),
    fc.record({ do: fc.constant('skip' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { pending, batches, add } = pendingOf();
      const answers: Promise<unknown>[] = [];
      let open: Batch[] = [];
      let place = 1;
      let applied = 0;
      for (const it of steps) {
        open.push(...batches.splice(0));
        if (it.do === 'add') answers.push(add(answers.length & 0xff, it.term));
        else if (it.do === 'propose') {
          for (const batch of open) pending.proposed(batch.id, batch.term ?? 1, place);
          for (const batch of open) place += bytesOf(batch).length;
          open = [];
        } else if (it.do === 'refuse') {
          for (const { id } of open) pending.refused(id, lost);
          open = [];
        } else if (it.do === 'apply') pending.applied(++applied, it.term, [{ index: asIndex(applied) }]);
        else pending.skipped(++applied, 1, lost);
        await turns();
      }
      pending.endAll(lost);
      const results = await Promise.all(answers);
      const indices = results.flatMap((result) => (typeof result === 'object' ? [JSON.stringify(result)] : []));
      expect(results).toHaveLength(answers.length);
      expect(
        results.every((result) => typeof result === 'object' || result === 'UNKNOWN' || result === 'NOT_LEADER'),
      ).toBe(true);
      expect(indices.every((index) => JSON.parse(index).index <= applied)).toBe(true);
    }),
  );
});
