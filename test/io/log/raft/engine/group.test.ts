/** Several members that keep one event log: what happens to it when some of them fail. */
import { afterEach, expect, test } from 'vitest';
import { asIndex, type LabEvent, type StreamId } from '#events/envelope.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { entryFor, never } from '#test/io/log/entries.ts';
import { TestGroup, type GroupOptions, type TestMember } from './group.ts';

let group: TestGroup;
afterEach(() => group.stop());

async function groupOf(count: number, options: GroupOptions = {}): Promise<readonly TestMember[]> {
  group = new TestGroup(options);
  return group.start(count);
}

async function eventsOf(member: TestMember): Promise<readonly LabEvent[]> {
  const events: LabEvent[] = [];
  for await (const slice of member.log.read(asIndex(0), member.log.head)) events.push(...slice);
  return events;
}

const append = (member: TestMember, stream: StreamId = 'volume:a') => member.log.append(entryFor([stream]), never);

const termOf = ({ status }: TestMember): number => status?.term ?? 0;

async function appendMany(member: TestMember, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => append(member, `volume:${n % 7}`)));
}

const allHave = (members: readonly TestMember[], head: number) =>
  group.until(() => members.every((member) => member.log.head >= head), `everybody having event ${head}`);

async function expectAlike(members: readonly TestMember[]): Promise<void> {
  const [first, ...others] = await Promise.all(members.map(eventsOf));
  for (const events of others) expect(events).toEqual(first);
}

test('what one appends, all read, with the same places and versions', async () => {
  const members = await groupOf(3);
  const leader = await group.leader();
  await appendMany(leader, 300);
  await allHave(members, 300);
  await expectAlike(members);
});

test('a member that does not lead appends nothing, and says who leads', async () => {
  const members = await groupOf(3);
  const leader = await group.leader();
  const other = members.find((member) => member !== leader) as TestMember;
  await group.until(() => other.status?.leader === leader.peer);
  await expect(append(other)).rejects.toMatchObject({ code: 'NOT_LEADER' });
  expect(leader.log.head).toBe(0);
});

test('when the leader dies another one goes on with everything that was acknowledged', async () => {
  const members = await groupOf(3);
  const first = await group.leader();
  await appendMany(first, 100);
  await first.kill();
  const second = await group.leader();
  expect(second).not.toBe(first);
  expect(second.log.head).toBe(100);
  await appendMany(second, 50);
  await first.start();
  await allHave(members, 150);
  await expectAlike(members);
});

/** Calls back when the member brings something into its history, before it does. */
function beforeHistory(member: TestMember, act: () => Promise<void> | undefined): void {
  const { keeper } = member.opened;
  const append = keeper.append.bind(keeper);
  keeper.append = async (entries) => {
    await act();
    return append(entries);
  };
}

test('a leader whose disk hangs as it writes its history leaves its office, although nobody asks it for anything', async () => {
  const members = await groupOf(3);
  const first = await group.leader();
  await appendMany(first, 20);
  await allHave(members, 20);
  let release: (() => void) | undefined;
  beforeHistory(first, () => void (release ??= first.disk.stall()));
  const last = append(first);
  const second = await group.until(() => members.find((member) => member !== first && member.leads));
  await appendMany(second, 20);
  release?.();
  await last;
  await allHave(members, 41);
  await expectAlike(members);
});

test('a member whose history is not written for too long ends, and says of which disk', async () => {
  await groupOf(3, { timing: { diskHangsMs: 400 } });
  const first = await group.leader();
  beforeHistory(first, () => new Promise<void>(() => {}));
  await append(first);
  await group.until(() => first.broken);
  expect(first.broken).toMatchObject({ code: 'BROKEN', message: expect.stringContaining('the disk of the history') });
});

test('an append at a leader that was cut off is not acknowledged; its place goes to another', async () => {
  const members = await groupOf(3);
  const first = await group.leader();
  await append(first);
  group.isolate(first.peer);
  const lost = append(first).then(
    () => 'appended',
    (error: unknown) => (error as { code: string }).code,
  );
  const second = await group.until(() => members.find((member) => member !== first && member.leads));
  await appendMany(second, 20);
  group.heal();
  expect(await lost).toBe('NOT_LEADER');
  await allHave(members, 21);
  await expectAlike(members);
});

test('of many appends that were under way at a leader that was cut off, all are told when the next one wrote nothing', async () => {
  const members = await groupOf(3);
  const first = await group.leader();
  await append(first);
  group.isolate(first.peer);
  const lost: Promise<string>[] = [];
  for (let n = 0; n < 8; n++) {
    lost.push(
      append(first).then(
        () => 'appended',
        (error: unknown) => (error as { code: string }).code,
      ),
    );
    // Each is an entry of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await group.until(() => members.find((member) => member !== first && member.leads));
  group.heal();
  expect(await Promise.all(lost)).toEqual(lost.map(() => 'NOT_LEADER'));
  await allHave(members, 1);
  await expectAlike(members);
});

test('without a majority a read is refused in words, and nothing stale is answered', async () => {
  const members = await groupOf(3);
  const leader = await group.leader();
  await append(leader);
  for (const { peer } of members) group.isolate(peer);
  await group.until(() => members.every(({ leads }) => !leads), 'the leader stepping down');
  await expect(leader.log.readIndex(never)).rejects.toMatchObject({ code: 'NO_QUORUM' });
  group.heal();
  await group.leader();
  expect(await leader.log.readIndex(never)).toBe(1);
});

test('a read that waits when the log is closed, or breaks, hears so', async () => {
  const members = await groupOf(3);
  const leader = await group.leader();
  await append(leader);
  group.isolate(leader.peer);
  const codeOf = (read: Promise<unknown>): Promise<string> =>
    read.then(
      () => 'answered',
      (error: unknown) => (error as { code: string }).code,
    );
  const { log } = leader;
  const waiting = codeOf(log.readIndex(never));
  const closing = log.close();
  expect(await waiting).toBe('CLOSED');
  await closing;
  const other = members.find((member) => member !== leader) as TestMember;
  const reading = codeOf(other.log.readIndex(never));
  other.log.broke(new Error('the disk is gone'));
  expect(await reading).toBe('BROKEN');
});

test('a read at any member sees what was acknowledged before it', async () => {
  const members = await groupOf(3);
  const leader = await group.leader();
  for (let n = 1; n <= 20; n++) {
    await append(leader);
    for (const member of members) expect(await member.log.readIndex(never)).toBeGreaterThanOrEqual(n);
  }
});

test('leadership is handed on when somebody asks for it', async () => {
  const members = await groupOf(3);
  const first = await group.leader();
  const next = members.find((member) => member !== first) as TestMember;
  first.log.transfer(next.peer);
  await group.until(() => next.leads, 'the transfer');
  await append(next);
});

test('a member that was away while the others forgot what it lacks catches up, and misses nothing', async () => {
  const members = await groupOf(3, { timing: { snapshotEntries: 12, keptEntries: 2 } });
  const leader = await group.leader();
  const away = members.find((member) => member !== leader) as TestMember;
  await appendMany(leader, 30);
  await allHave(members, 30);
  await away.kill();
  // What is appended at once is one entry.
  for (let n = 0; n < 40; n++) await appendMany(leader, 25);
  await group.until(() => leader.opened.keeper.history.last > 40);
  await away.start();
  await allHave(members, 1030);
  await expectAlike(members);
  expect(away.notes).toContain('segments of the history are fetched');
});

test('a snapshot that could not leave is offered again at once, not after its patience', async () => {
  const timing = { snapshotEntries: 12, keptEntries: 2, snapshotPatienceMs: 60_000 };
  const members = await groupOf(3, { timing });
  const leader = await group.leader();
  const away = members.find((member) => member !== leader) as TestMember;
  await appendMany(leader, 30);
  await allHave(members, 30);
  await away.kill();
  for (let n = 0; n < 40; n++) await appendMany(leader, 25);
  let refused = 0;
  group.refuses = ({ message }) => message.type === 'snapshot' && refused++ < 3;
  await away.start();
  await allHave(members, 1030);
  expect(refused).toBeGreaterThan(3);
  await expectAlike(members);
});

test('an append is answered before the history has it; who reads waits for that, and followers see it only then', async () => {
  await groupOf(3);
  const leader = await group.leader();
  await append(leader);
  const { keeper } = leader.opened;
  const write = keeper.append.bind(keeper);
  let go: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  keeper.append = (entries) => gate.then(() => write(entries));

  const stop = new AbortController();
  const seen: number[] = [];
  const following = (async () => {
    for await (const { events } of leader.log.follow(asIndex(0), stop.signal))
      for (const { index } of events) seen.push(index);
  })();
  expect(await append(leader)).toEqual({ index: 2 });
  expect(await append(leader)).toEqual({ index: 3 });
  expect(leader.log.head).toBe(3);
  const reading = eventsOf(leader);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(seen).toEqual([1]);
  go();
  expect((await reading).map(({ index }) => index)).toEqual([1, 2, 3]);
  await group.until(() => seen.length === 3, 'the follower seeing everything');
  stop.abort();
  await following;
});

test('a follower that runs and falls behind is brought up without a restart, and its readers see every event', async () => {
  const members = await groupOf(3, { timing: { snapshotEntries: 12, keptEntries: 2 } });
  const leader = await group.leader();
  const behind = members.find((member) => member !== leader) as TestMember;
  const stop = new AbortController();
  const seen: number[] = [];
  const following = (async () => {
    for await (const { events } of behind.log.follow(asIndex(0), stop.signal))
      for (const { index } of events) seen.push(index);
  })();
  await appendMany(leader, 10);
  await allHave(members, 10);
  group.isolate(behind.peer);
  for (let n = 0; n < 8; n++) await appendMany(leader, 100);
  group.heal();
  await group.until(() => seen.at(-1) === 810, 'the follower seeing the last event');
  expect(seen).toEqual(Array.from({ length: 810 }, (_, n) => n + 1));
  stop.abort();
  await following;
});

test('a new machine becomes a learner, gets everything, and may vote then', async () => {
  const members = await groupOf(1, { timing: { snapshotEntries: 60, keptEntries: 10 } });
  const [founder] = members as [TestMember];
  await group.leader();
  for (let n = 0; n < 4; n++) await appendMany(founder, 100);
  const peer = peerOf('node2', 'b');
  const newcomer = await group.add(peer);
  await founder.log.change(
    { steps: [{ do: 'add-learner', peer }], transition: 'auto' },
    new Uint8Array(0),
    termOf(founder),
  );
  await group.until(() => newcomer.log.head === 400, 'the newcomer having all');
  await expectAlike([founder, newcomer]);
  await founder.log.change(
    { steps: [{ do: 'add-voter', peer }], transition: 'auto' },
    new Uint8Array(0),
    termOf(founder),
  );
  await appendMany(founder, 10);
  expect(founder.status?.configuration.voters).toEqual([founder.peer, peer]);
  // Now the founder alone is no majority any more.
  await newcomer.stop();
  const alone = append(founder).then(() => 'acknowledged');
  expect(await Promise.race([alone, new Promise((resolve) => setTimeout(resolve, 300, 'waits'))])).toBe('waits');
  await newcomer.start();
  await group.leader();
});

test('after a power cut of all at once everything that was acknowledged is there', async () => {
  const members = await groupOf(3, { diskLatencyMs: 1 });
  const leader = await group.leader();
  await appendMany(leader, 200);
  const under = Array.from({ length: 50 }, () => append(leader).catch(() => undefined));
  await Promise.all(members.map((member) => member.kill('power')));
  await Promise.all(under);
  for (const member of members) await member.start();
  const next = await group.leader();
  expect(next.log.head).toBeGreaterThanOrEqual(200);
  await append(next);
  await allHave(members, next.log.head);
  await expectAlike(members);
});

test('a leader whose disk stands still steps down, and a process whose disk answers nothing ends', async () => {
  const members = await groupOf(3, { timing: { diskHangsMs: 1500 } });
  const leader = await group.leader();
  await appendMany(leader, 10);
  leader.disk.stall();
  const lost = append(leader).catch(() => undefined);
  await group.until(() => members.some((member) => member !== leader && member.leads), 'another leader');
  const broken = await group.until(() => leader.broken, 'the process ending');
  expect(broken).toMatchObject({ code: 'BROKEN', message: expect.stringContaining('has not answered') });
  await lost;
  const other = await group.leader();
  await appendMany(other, 10);
  await leader.kill();
});

test('a full disk ends one process, and the others go on', async () => {
  const members = await groupOf(3);
  const leader = await group.leader();
  await appendMany(leader, 10);
  leader.disk.failNextWrite('ENOSPC');
  await append(leader).catch(() => undefined);
  await group.until(() => leader.broken, 'the process ending');
  await leader.kill();
  const other = await group.leader();
  await appendMany(other, 10);
  await leader.start();
  await allHave(members, other.log.head);
  await expectAlike(members);
});
