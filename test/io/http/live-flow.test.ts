import { describe, expect, test } from 'vitest';
import type { ToClient } from '#io/contract/live.ts';
import type { Parts } from '#io/http/parts.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { appRow, FakeLab, Pushed, type FakeContainers } from './fake-lab.ts';
import { connect, partsOf, quiet, type FakeSocket } from './live-model.ts';

const apps = (from: number, count: number, fields: object = {}) => ({
  apps: {
    put: Object.fromEntries(
      Array.from({ length: count }, (_, n) => [
        `app:${String(from + n).padStart(6, '0')}`,
        appRow(`n${from + n}`, fields),
      ]),
    ),
  },
});
const rowsIn = (frames: readonly ToClient[]): number =>
  frames.reduce(
    (sum, frame) => sum + (frame.t === 'snap' ? frame.rows.length : frame.t === 'rows' ? frame.put.length : 0),
    0,
  );
const say = (message: object): string => JSON.stringify(message);

describe('frames', () => {
  test('have at most 500 rows and about 256 KiB, and a large view comes without a word from the client', async () => {
    const lab = new FakeLab();
    lab.commit(apps(0, 1200));
    lab.commit(apps(1200, 40, { note: 'x'.repeat(20_000) }));
    const { connection, socket } = connect(partsOf(lab), { bufferedBytes: 1e9 });
    connection.hear(say({ t: 'open', sub: 1, view: 'apps' }));
    await quiet();
    const frames = socket.deliver(100).filter(({ t }) => t === 'snap');
    expect(rowsIn(frames)).toBe(1240);
    for (const frame of frames) {
      expect(rowsIn([frame])).toBeLessThanOrEqual(500);
      expect(JSON.stringify(frame).length).toBeLessThan(256 * 1024 + 200);
    }
    expect(frames.map((frame) => frame.t === 'snap' && frame.more)).toEqual([
      ...frames.slice(1).map(() => true),
      false,
    ]);
  });

  test('a row that no frame can carry ends the subscription and says so', async () => {
    const lab = new FakeLab();
    lab.commit(apps(0, 1, { note: 'x'.repeat(1024 * 1024) }));
    const { connection, socket } = connect(partsOf(lab));
    connection.hear(say({ t: 'open', sub: 1, view: 'apps' }));
    await quiet();
    expect(socket.deliver(9).at(-1)).toMatchObject({ t: 'end', sub: 1, problem: { code: 'TOO_LARGE' } });
  });

  test('of several views come in turns', async () => {
    const lab = new FakeLab();
    lab.commit(apps(0, 5000));
    lab.commit({ nodes: { put: { n: { id: 'node:n', name: 'atlas' } } } });
    const { connection, socket } = connect(partsOf(lab), { unacknowledged: 3 });
    connection.hear(say({ t: 'open', sub: 1, view: 'apps' }));
    connection.hear(say({ t: 'open', sub: 2, view: 'nodes' }));
    await quiet();
    expect(socket.deliver(9).map((frame) => ('sub' in frame ? frame.sub : frame.t))).toEqual(['at', 1, 2, 1]);
    // Changes of one that is always busy do not keep the other waiting.
    for (let n = 0; n < 6; n++) {
      lab.commit(apps(0, 1));
      lab.commit({ nodes: { put: { n: { id: 'node:n', name: `atlas${n}` } } } });
      connection.hear(say({ t: 'ack', index: 2 }));
      await quiet();
    }
    const subs = socket.deliver(99).map((frame) => ('sub' in frame ? frame.sub : 0));
    expect(subs.filter((sub) => sub === 2).length).toBeGreaterThanOrEqual(2);
  });
});

describe('a client that is slow', () => {
  test('to acknowledge gets no more than its credit, and then what came of all changes', async () => {
    const lab = new FakeLab();
    const { connection, socket } = connect(partsOf(lab), { unacknowledged: 4 });
    connection.hear(say({ t: 'open', sub: 1, view: 'apps' }));
    await quiet();
    for (let n = 0; n < 100; n++) {
      lab.commit(apps(0, 1, { n }));
      await quiet();
    }
    const first = socket.deliver(999).filter((frame) => frame.t === 'rows' || frame.t === 'snap');
    expect(first.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    for (const { index } of first) connection.hear(say({ t: 'ack', index }));
    await quiet();
    const [next, ...more] = socket.deliver(999);
    expect(next).toMatchObject({ t: 'rows', index: 100, put: [['app:000000', { n: 99 }]], del: [] });
    expect(more).toEqual([]);
  });

  test('to read gets no more than fits, and goes on by itself when the network has taken it', async () => {
    const lab = new FakeLab();
    lab.commit(apps(0, 5000));
    const { connection, socket } = connect(partsOf(lab), { unacknowledged: 999, bufferedBytes: 100_000 });
    connection.hear(say({ t: 'open', sub: 1, view: 'apps' }));
    await quiet();
    expect(socket.bufferedAmount).toBeLessThan(200_000);
    const before = socket.bufferedAmount;
    connection.bookmark();
    expect(socket.bufferedAmount, 'not even bookmarks').toBe(before);
    let rows = 0;
    for (let turn = 0; turn < 30; turn++) {
      rows += rowsIn(socket.deliver(1));
      await quiet();
    }
    expect(rows).toBe(5000);
  });

  test('for too long gets a new snapshot instead of thousands of changes', async () => {
    const lab = new FakeLab();
    lab.commit(apps(0, 50));
    const { connection, socket } = connect(partsOf(lab), { unacknowledged: 1, pendingRows: 20 });
    connection.hear(say({ t: 'open', sub: 1, view: 'apps' }));
    await quiet();
    for (let n = 0; n < 30; n++) lab.commit({ apps: { del: [`app:${String(n).padStart(6, '0')}`] } });
    await quiet();
    expect(rowsIn(socket.deliver(99))).toBe(50);
    connection.hear(say({ t: 'ack', index: 1 }));
    await quiet();
    const [next] = socket.deliver(99);
    expect(next).toMatchObject({ t: 'snap', index: 31, more: false });
    expect(rowsIn(next ? [next] : [])).toBe(20);
  });

  test('that acknowledges only now and then is taken at its last word', async () => {
    const lab = new FakeLab();
    const { connection, socket } = connect(partsOf(lab), { unacknowledged: 3 });
    connection.hear(say({ t: 'open', sub: 1, view: 'apps' }));
    await quiet();
    for (let n = 0; n < 2; n++) {
      lab.commit(apps(n, 1));
      await quiet();
    }
    connection.hear(say({ t: 'ack', index: 999 }));
    for (let n = 0; n < 5; n++) {
      lab.commit(apps(n, 1));
      await quiet();
    }
    expect(socket.deliver(99).filter(({ t }) => t === 'rows').length).toBe(2 + 3);
  });
});

/** The network takes a frame each millisecond. */
async function deliverUntil(socket: FakeSocket, clock: VirtualClock, isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !isDone(); turn++) {
    socket.deliver(1);
    await clock.run(1);
    await quiet();
  }
}

/** Everything but the time, which passes when the test says so. */
function timed(lab: FakeLab): { readonly parts: Parts; readonly clock: VirtualClock } {
  const clock = new VirtualClock(0);
  return { parts: { ...partsOf(lab), clock }, clock };
}

describe('log lines', () => {
  const line = (n: number) => ({ service: 'web', at: n, stream: 'stdout' as const, text: `line ${n}` });
  const linesOf = (frames: readonly ToClient[]) =>
    frames.flatMap((frame) => (frame.t === 'lines' ? frame.lines.map(({ at }) => at) : []));

  test('that a slow reader cannot take are dropped, the oldest first, and counted', async () => {
    const lab = new FakeLab();
    lab.addActor('app:1', 'photos');
    const { parts, clock } = timed(lab);
    const pushed = new Pushed<ReturnType<typeof line>>();
    (parts.containers as FakeContainers).onLogs = () => pushed;
    const { connection, socket } = connect(parts, { bufferedBytes: 10 });
    connection.hear(say({ t: 'logs', sub: 1, app: 'photos', follow: true }));
    pushed.push(...Array.from({ length: 5000 }, (_, n) => line(n)));
    await quiet();
    // Its moment.
    await clock.run(1300);
    await quiet();
    expect(linesOf(socket.arrived)).toEqual([]);
    await deliverUntil(socket, clock, () => linesOf(socket.arrived).at(-1) === 4999);
    const frames = socket.arrived.filter(({ t }) => t === 'lines');
    expect(frames[0]).toMatchObject({ dropped: 3000 });
    expect(linesOf(frames)).toEqual(Array.from({ length: 2000 }, (_, n) => 3000 + n));
    for (const frame of frames.slice(1)) expect(frame).not.toHaveProperty('dropped');
    connection.closed();
  });

  test('that come faster than frames are sent reach a fast reader whole', async () => {
    const lab = new FakeLab();
    lab.addActor('app:1', 'photos');
    const { parts, clock } = timed(lab);
    const pushed = new Pushed<ReturnType<typeof line>>();
    (parts.containers as FakeContainers).onLogs = () => pushed;
    const { connection, socket } = connect(parts);
    connection.hear(say({ t: 'logs', sub: 1, app: 'photos', follow: true }));
    // Far more than may wait, and than the network takes in one turn.
    pushed.push(...Array.from({ length: 40_000 }, (_, n) => line(n)));
    await deliverUntil(socket, clock, () => linesOf(socket.arrived).length === 40_000);
    expect(linesOf(socket.arrived)).toEqual(Array.from({ length: 40_000 }, (_, n) => n));
    for (const frame of socket.arrived) expect(frame).not.toHaveProperty('dropped');
    connection.closed();
  });

  test('are sent as soon as they fill a frame', async () => {
    const lab = new FakeLab();
    lab.addActor('app:1', 'photos');
    const { parts } = timed(lab);
    const pushed = new Pushed<ReturnType<typeof line>>();
    (parts.containers as FakeContainers).onLogs = () => pushed;
    const { connection, socket } = connect(parts);
    connection.hear(say({ t: 'logs', sub: 1, app: 'photos', follow: true }));
    pushed.push(...Array.from({ length: 700 }, (_, n) => line(n)));
    await quiet();
    expect(linesOf(socket.deliver(99))).toEqual(Array.from({ length: 500 }, (_, n) => n));
    connection.closed();
  });

  test('of a slow reader wait up to so much text, however few they are', async () => {
    const lab = new FakeLab();
    lab.addActor('app:1', 'photos');
    const { parts, clock } = timed(lab);
    const pushed = new Pushed<ReturnType<typeof line>>();
    (parts.containers as FakeContainers).onLogs = () => pushed;
    const { connection, socket } = connect(parts, { bufferedBytes: 10 });
    connection.hear(say({ t: 'logs', sub: 1, app: 'photos', follow: true }));
    const text = 'x'.repeat(60 * 1024);
    pushed.push(...Array.from({ length: 200 }, (_, n) => ({ ...line(n), text })));
    await quiet();
    await clock.run(1300);
    await deliverUntil(socket, clock, () => linesOf(socket.arrived).at(-1) === 199);
    const kept = linesOf(socket.arrived);
    expect(kept.length * text.length).toBeLessThanOrEqual(4 * 2 ** 20);
    expect(socket.arrived.find(({ t }) => t === 'lines')).toMatchObject({ dropped: 200 - kept.length });
    connection.closed();
  });

  test('that are only read, not followed, wait for the reader and all arrive', async () => {
    const lab = new FakeLab();
    lab.addActor('app:1', 'photos');
    const parts = partsOf(lab);
    let taken = 0;
    (parts.containers as FakeContainers).onLogs = async function* () {
      for (; taken < 10_000; taken++) yield line(taken);
    };
    const { connection, socket } = connect(parts, { bufferedBytes: 10 });
    connection.hear(say({ t: 'logs', sub: 1, app: 'photos', follow: false }));
    await quiet();
    expect(taken).toBeLessThan(2000);
    for (let turn = 0; turn < 200 && !socket.arrived.some(({ t }) => t === 'end'); turn++) {
      socket.deliver(1);
      await quiet();
    }
    expect(linesOf(socket.arrived)).toEqual(Array.from({ length: 10_000 }, (_, n) => n));
    expect(socket.arrived.at(-1)).toEqual({ t: 'end', sub: 1 });
  });

  test('the output of an exec waits for the reader', async () => {
    const lab = new FakeLab();
    lab.addActor('app:1', 'photos');
    const parts = partsOf(lab);
    const containers = parts.containers as FakeContainers;
    const { connection, socket } = connect(parts, { bufferedBytes: 100_000 });
    connection.hear(say({ t: 'exec', sub: 1, app: 'photos', service: 'web', command: ['cat'], tty: false }));
    await quiet();
    const [session] = containers.sessions;
    const bytes = Buffer.alloc(1_000_000, 'abc');
    session?.output.push({ stream: 'stdout', bytes }, { stream: 'stdout', bytes });
    session?.exit(3);
    await quiet();
    expect(socket.bufferedAmount).toBeLessThan(200_000);
    for (let turn = 0; turn < 100; turn++) {
      socket.deliver(1);
      await quiet();
    }
    const output = socket.arrived.flatMap((frame) => (frame.t === 'output' ? [Buffer.from(frame.data, 'base64')] : []));
    expect(Buffer.concat(output).equals(Buffer.concat([bytes, bytes]))).toBe(true);
    for (const part of output) expect(part.length).toBeLessThanOrEqual(64 * 1024);
    expect(socket.arrived.at(-1)).toEqual({ t: 'exit', sub: 1, code: 3 });
  });
});

describe('a client that is refused', () => {
  const seconds = async (connection: { bookmark(): void }, count: number): Promise<void> => {
    for (let n = 0; n < count; n++) connection.bookmark();
    await quiet();
  };

  test('again and again, in frames that are right as such, is not listened to any more', async () => {
    const { connection, socket } = connect(partsOf(new FakeLab()));
    for (let sub = 1; sub <= 20; sub++) connection.hear(say({ t: 'open', sub, view: 'nothing' }));
    expect(socket.closedWith).toBeUndefined();
    connection.hear(say({ t: 'logs', sub: 21, app: 'nobody', follow: true }));
    expect(socket.closedWith).toBe(1008);
  });

  test('now and then goes on for ever', async () => {
    const { connection, socket } = connect(partsOf(new FakeLab()));
    for (let sub = 1; sub <= 100; sub++) {
      connection.hear(say({ t: 'open', sub, view: 'nothing' }));
      await seconds(connection, 1);
      socket.deliver(9);
    }
    expect(socket.closedWith).toBeUndefined();
  });

  test('and does not read hears of it once there is room, and not without end', async () => {
    const { connection, socket } = connect(partsOf(new FakeLab()), { bufferedBytes: 10 });
    const before = socket.bufferedAmount;
    for (let sub = 1; sub <= 10; sub++) connection.hear(say({ t: 'open', sub, view: 'nothing' }));
    expect(socket.bufferedAmount).toBe(before);
    for (let turn = 0; turn < 12; turn++) {
      socket.deliver(1);
      await quiet();
    }
    const ends = socket.arrived.filter(({ t }) => t === 'end');
    expect(ends.map((frame) => 'sub' in frame && frame.sub)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

    await seconds(connection, 30);
    for (let sub = 11; sub <= 100 && socket.closedWith === undefined; sub++) {
      connection.hear(say({ t: 'open', sub, view: 'nothing' }));
      if (sub % 10 === 0) await seconds(connection, 20);
    }
    expect(socket.closedWith).toBe(1008);
    expect(socket.bufferedAmount).toBeLessThan(200);
  });
});
