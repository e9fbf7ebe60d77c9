/** Messages of consensus over real links on loopback: two members, and what can happen to the links between them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Entry, PeerId } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import type { Link } from '#io/links/link.ts';
import type { LinkServer } from '#io/links/server.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { LinksTransport } from '#io/log/raft/member/links-transport.ts';
import { BadFrame } from '#io/log/raft/member/message-codec.ts';
import type { Parcel } from '#io/log/raft/member/transport.ts';
import { SmallLab, until, type TestNode } from '#test/io/links/small-lab.ts';

let lab: SmallLab;
let ends: End[];
beforeEach(async () => {
  lab = await SmallLab.create();
  ends = [];
});
afterEach(async () => {
  for (const end of ends) await end.stop();
  await lab.close();
});

/** A member as far as the network sees it. */
class End {
  readonly node: TestNode;
  readonly peer: PeerId;
  readonly heard: Message[] = [];
  readonly frames: number[] = [];
  readonly lost: PeerId[] = [];
  readonly taken: Link[] = [];
  readonly leases: (readonly [from: PeerId, frame: string])[] = [];
  transport: LinksTransport | undefined;
  server: LinkServer | undefined;

  constructor(node: TestNode) {
    this.node = node;
    this.peer = peerOf(node.identity.node, node.identity.incarnation);
    ends.push(this);
  }

  async start(port = 0): Promise<void> {
    const transport = new LinksTransport({
      self: this.peer,
      identity: () => this.node.identity,
      clock: realClock,
      random: realRandom,
      log: lab.log,
    });
    transport.receive(
      (parcels) => {
        this.frames.push(parcels.length);
        this.heard.push(...parcels.map(({ message }) => message));
      },
      (peer) => this.lost.push(peer),
    );
    transport.receiveLeases((from, frame) => {
      if (frame.length > 8) throw new BadFrame('it says nothing about leases');
      this.leases.push([from, Buffer.from(frame).toString('hex')]);
    });
    this.transport = transport;
    this.server = await lab.serve(this.node, {
      listen: [{ host: '127.0.0.1', port }],
      purposes: ['consensus', 'log'],
      onLink: (link) => {
        this.taken.push(link);
        transport.accept(link);
      },
    });
  }

  async stop(): Promise<void> {
    await this.server?.close();
    await this.transport?.close();
    this.transport = undefined;
  }

  knows(...others: readonly End[]): void {
    const targets = others.map(({ node: { identity, keySha256 }, server }) => {
      const addresses = [{ host: '127.0.0.1', port: server?.port ?? 0 }];
      return { node: identity.node, incarnation: identity.incarnation, keySha256, addresses };
    });
    this.transport?.setPeers(targets);
  }

  /** @returns whether it was taken */
  send(message: Message): boolean {
    const isTaken = this.transport?.send({ message } satisfies Parcel) ?? false;
    this.transport?.flush();
    return isTaken;
  }
}

async function two(): Promise<readonly [End, End]> {
  const [one, other] = [new End(await lab.node('atlas')), new End(await lab.node('bolt'))];
  await one.start();
  await other.start();
  one.knows(other);
  other.knows(one);
  await untilUp(one, other);
  return [one, other];
}

const heartbeat = (from: End, to: End, token: number): Message => ({
  type: 'heartbeat',
  from: from.peer,
  to: to.peer,
  term: 1,
  commit: 0,
  commitTerm: 0,
  token,
});
const ack = (from: End, to: End, index: number): Message => ({
  type: 'append-response',
  from: from.peer,
  to: to.peer,
  term: 1,
  index,
  hint: undefined,
  suspect: false,
});

/** Both lanes, in both directions. */
const untilUp = (one: End, other: End): Promise<void> =>
  until(
    () =>
      [one, other].every((from, at) => {
        const to = at === 0 ? other : one;
        return from.send(heartbeat(from, to, 0)) && from.send(ack(from, to, 0));
      }),
    'links in both directions',
  );

const tokens = (end: End): number[] =>
  end.heard.flatMap((message) => (message.type === 'heartbeat' && message.token > 0 ? [message.token] : []));

describe('two members', () => {
  test('talk over links that one of them dialed, in both directions and in order', async () => {
    const [one, other] = await two();
    expect(one.taken).toEqual([]);
    expect(other.taken.map(({ purpose }) => purpose).toSorted()).toEqual(['consensus', 'log']);
    for (let token = 1; token <= 50; token++) {
      one.send(heartbeat(one, other, token));
      other.send(heartbeat(other, one, token));
    }
    await until(() => tokens(one).length === 50 && tokens(other).length === 50);
    const inOrder = Array.from({ length: 50 }, (_, at) => at + 1);
    expect([tokens(one), tokens(other)]).toEqual([inOrder, inOrder]);
  });

  test('get what was said in one turn as one frame', async () => {
    const [one, other] = await two();
    await until(() => other.heard.length >= 2);
    const before = other.frames.length;
    for (let token = 1; token <= 20; token++) one.transport?.send({ message: heartbeat(one, other, token) });
    one.transport?.flush();
    await until(() => tokens(other).length === 20);
    expect(other.frames.slice(before)).toEqual([20]);
  });

  test('say what concerns leases on the same link, apart from messages', async () => {
    const [one, other] = await two();
    expect(one.transport?.sendLease(other.peer, Uint8Array.of(0x91, 1))).toBe(true);
    expect(other.transport?.sendLease(one.peer, Uint8Array.of(0x91, 2))).toBe(true);
    await until(() => one.leases.length + other.leases.length === 2);
    expect([one.leases, other.leases]).toEqual([[[other.peer, '9102']], [[one.peer, '9101']]]);
    expect(one.transport?.sendLease(peerOf('crane', 'first'), Uint8Array.of(0x91, 1))).toBe(false);
  });

  test('are told when there is no way to one another', async () => {
    const [one, other] = await two();
    await other.stop();
    await until(() => !one.send(heartbeat(one, other, 1)) && !one.send(ack(one, other, 1)));
    await until(() => one.lost.includes(other.peer));
  });

  test('find one another again when one of them was away', async () => {
    const [one, other] = await two();
    const port = other.server?.port ?? 0;
    await other.stop();
    await until(() => !one.send(heartbeat(one, other, 1)));
    await other.start(port);
    other.knows(one);
    await untilUp(one, other);
    other.send(heartbeat(other, one, 7));
    await until(() => tokens(one).includes(7));
  });

  test('that no longer belong together have no link', async () => {
    const [one, other] = await two();
    one.transport?.setPeers([]);
    expect(one.send(heartbeat(one, other, 1))).toBe(false);
    await until(() => other.taken.every(({ isOpen }) => !isOpen));
    await until(() => !other.send(heartbeat(other, one, 1)));
  });

  test('and a node with another disk is another member', async () => {
    const [one, other] = await two();
    const reborn = { ...heartbeat(one, other, 1), to: peerOf('bolt', 'second') } as Message;
    expect(one.transport?.send({ message: reborn })).toBe(false);
  });
});

describe('a link', () => {
  test('with garbage in a frame ends; the other one goes on, and a new one comes', async () => {
    const [one, other] = await two();
    const link = other.taken.find(({ purpose }) => purpose === 'consensus');
    link?.send(Buffer.from([1, 2, 3]));
    await until(() => link?.isOpen === false, 'the end of the link');
    expect((await link?.closed)?.code).toBe('BAD_FRAME');
    expect(lab.lines.map(({ msg }) => msg)).toContain('a frame is refused');
    expect(other.send(ack(other, one, 9))).toBe(true);
    expect(one.lost).toEqual([]);
    await untilUp(one, other);
    one.send(heartbeat(one, other, 3));
    await until(() => tokens(other).includes(3));
  });

  test('on which somebody says nonsense about leases ends, too, and a new one comes', async () => {
    const [one, other] = await two();
    const link = other.taken.find(({ purpose }) => purpose === 'consensus');
    one.transport?.sendLease(other.peer, new Uint8Array(9).fill(0x98));
    await until(() => link?.isOpen === false, 'the end of the link');
    expect((await link?.closed)?.code).toBe('BAD_FRAME');
    expect(lab.lines.filter(({ msg }) => msg === 'a frame is refused')).toHaveLength(1);
    await untilUp(one, other);
  });

  test('for entries takes none about leases', async () => {
    const [one, other] = await two();
    const link = other.taken.find(({ purpose }) => purpose === 'log');
    link?.send(Uint8Array.of(0x92, 2, 0));
    await until(() => link?.isOpen === false, 'the end of the link');
    expect((await link?.closed)?.code).toBe('BAD_FRAME');
    expect(one.leases).toEqual([]);
  });

  test('that takes the place of an older one is the one that is used', async () => {
    const [one, other] = await two();
    const older = other.taken.find(({ purpose }) => purpose === 'consensus');
    const server = { port: other.server?.port ?? 0 };
    const newer = await lab.dialOnly(one.node, other.node, server, { purpose: 'consensus' });
    const heard: number[] = [];
    newer.receive((frame) => void heard.push(frame.length));
    expect((await older?.closed)?.code).toBe('REPLACED');
    // What the first link lost was dialed anew: the newest of all is used, and nothing is sent twice.
    await untilUp(one, other);
    one.send(heartbeat(one, other, 5));
    await until(() => tokens(other).includes(5));
    expect(tokens(other)).toEqual([5]);
  });

  test('for something else is not taken', async () => {
    const [one] = await two();
    const { there } = await lab.pair(await lab.node('crane'), one.node, 'requests');
    one.transport?.accept(there);
    expect(there.isOpen).toBe(false);
    expect((await there.closed).code).toBe('WRONG_PURPOSE');
  });
});

test('several members get the same entries, each to itself, and other ones in the next turn', async () => {
  const [leader, ...followers] = await Promise.all(
    ['atlas', 'bolt', 'cargo'].map(async (name) => {
      const end = new End(await lab.node(name));
      await end.start();
      return end;
    }),
  );
  if (!leader) throw new Error('there is no leader');
  leader.knows(...followers);
  for (const follower of followers) follower.knows(leader);
  for (const follower of followers) await untilUp(leader, follower);
  for (const index of [7, 8]) {
    const entries: Entry[] = [{ type: 'data', index, term: 1, data: Uint8Array.of(index) }];
    for (const { peer: to } of followers) {
      const append = { type: 'append', from: leader.peer, to, term: 1, prevIndex: index - 1, prevTerm: 1 } as const;
      leader.transport?.send({ message: { ...append, commit: 0, entries } });
    }
    leader.transport?.flush();
  }
  for (const { peer, heard } of followers) {
    const appends = () => heard.filter((message) => message.type === 'append');
    await until(() => appends().length === 2);
    expect(appends().map(({ to, entries }) => [to, ...entries.map(({ data }) => data[0])])).toEqual([
      [peer, 7],
      [peer, 8],
    ]);
  }
});
