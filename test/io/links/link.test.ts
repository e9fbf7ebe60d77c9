import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { boundsOf, purposes } from '#io/links/purpose.ts';
import { SocketLink, type Link } from '#io/links/link.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { SmallLab, until, type TestNode } from './small-lab.ts';

let lab: SmallLab;
let [atlas, bolt]: TestNode[] = [];
beforeEach(async () => {
  lab = await SmallLab.create();
  [atlas, bolt] = [await lab.node('atlas'), await lab.node('bolt')];
});
afterEach(() => lab.close());

test('an outbox that is half empty takes any frame of its purpose', () => {
  for (const purpose of purposes) {
    const { frameBytes, outboxBytes } = boundsOf[purpose];
    expect(frameBytes + 14, purpose).toBeLessThanOrEqual(outboxBytes / 2);
  }
  expect(boundsOf.consensus.outboxBytes).toBeLessThanOrEqual(1024 * 1024);
});

describe('a slow reader', () => {
  test('fills the outbox up to its bound and no further, and gets every frame once it reads', async () => {
    const { here, there } = await lab.pair(atlas!, bolt!, 'consensus');
    const { frameBytes, outboxBytes } = boundsOf.consensus;
    here.receive(() => undefined);
    const heard: number[] = [];
    there.receive((frame) => heard.push(frame.readUInt32BE()));
    there.pause();
    let [sent, mostBuffered] = [0, 0];
    const send = (): boolean => {
      const frame = Buffer.alloc(1 + (sent % 7) * 9000 + 4);
      frame.writeUInt32BE(sent);
      const isTaken = here.send(frame);
      if (isTaken) sent += 1;
      mostBuffered = Math.max(mostBuffered, here.bufferedBytes);
      return isTaken;
    };
    // Until the kernel's buffers are full as well.
    for (let refused = 0; refused < 20;) {
      if (send()) continue;
      refused += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(mostBuffered).toBeLessThanOrEqual(outboxBytes);
    expect(mostBuffered).toBeGreaterThan(outboxBytes / 2);
    expect(heard.length).toBeLessThan(sent);
    let isDrained = false;
    const drained = here.drained().then(() => {
      isDrained = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(isDrained).toBe(false);
    there.resume();
    await drained;
    expect(here.bufferedBytes).toBeLessThan(outboxBytes / 2);
    expect(here.send(Buffer.alloc(frameBytes))).toBe(true);
    await until(() => heard.length === sent + 1);
    expect(heard.slice(0, sent)).toEqual(Array.from({ length: sent }, (_, i) => i));
  });

  test('that goes away frees who waits for it', async () => {
    const { here, there } = await lab.pair(atlas!, bolt!, 'renew');
    here.receive(() => undefined);
    there.receive(() => undefined);
    there.pause();
    while (here.send(Buffer.alloc(60_000)) || here.bufferedBytes < 150_000) await new Promise((r) => setTimeout(r, 1));
    const drained = here.drained();
    here.close();
    await drained;
    expect(here.send(Buffer.alloc(1))).toBe(false);
  });
});

test('what came in one packet with the handshake waits for whoever takes the frames, in order', () => {
  const ws = Object.assign(new EventEmitter(), { pause() {}, resume() {}, readyState: 1, bufferedAmount: 0 });
  const peer = { node: 'bolt', incarnation: 'first', run: 'r', version: '1', protocol: 1 };
  const clock = new VirtualClock(0);
  const link = new SocketLink({ ws: ws as unknown as WebSocket, peer, purpose: 'log', remoteAddress: '::1', clock });
  for (let i = 0; i < 3; i++) ws.emit('message', Buffer.from([i]), true);
  const heard: number[] = [];
  link.receive((frame) => heard.push(frame[0] ?? -1));
  ws.emit('message', Buffer.from([3]), true);
  expect(heard).toEqual([0, 1, 2, 3]);
});

test('a frame that is too large for its purpose is an error of whoever sends it', async () => {
  const { here } = await lab.pair(atlas!, bolt!, 'consensus');
  const tooLarge = Buffer.alloc(boundsOf.consensus.frameBytes + 1);
  expect(() => here.send(tooLarge)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  expect(here.isOpen).toBe(true);
});

describe('an end', () => {
  const open = async (): Promise<{ here: Link; there: Link }> => {
    const pair = await lab.pair(atlas!, bolt!, 'requests');
    for (const link of [pair.here, pair.there]) link.receive(() => undefined);
    return pair;
  };

  test('comes with its code, after everything that was sent before', async () => {
    const { here, there } = await open();
    const heard: number[] = [];
    there.receive((frame) => heard.push(frame[0] ?? -1));
    for (let i = 0; i < 50; i++) here.send(Buffer.alloc(10_000, i));
    here.close('STOPPING', 'this node is stopping');
    expect(await here.closed).toEqual({ code: 'STOPPING', explain: 'this node is stopping' });
    expect((await there.closed).code).toBe('STOPPING');
    expect(heard).toHaveLength(50);
  });

  test('of whoever cannot handle a frame ends the link, and is told', async () => {
    const { here, there } = await open();
    there.receive(() => {
      throw new Error('oops');
    });
    here.send(Buffer.from('x'));
    expect(await there.closed).toEqual({ code: 'FAILED', explain: 'a frame could not be handled: oops' });
    expect((await here.closed).code).toBe('FAILED');
    await until(() => lab.lines.some(({ code }) => code === 'FAILED'));
  });
});

describe('on an idle link', () => {
  const pairAt = async (clock: VirtualClock) => {
    const links: Link[] = [];
    const server = await lab.serve(bolt!, { onLink: (link) => links.push(link), clock });
    const here = await lab.dial(atlas!, bolt!, server);
    return { here, there: links[0] as Link };
  };
  /** Time passes, and the network has its time, too. */
  const pass = async (clock: VirtualClock, ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 1000) {
      await clock.run(1000);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  };

  test('pings are answered, and it lives on', async () => {
    const clock = new VirtualClock(Date.now());
    const { here, there } = await pairAt(clock);
    there.receive(() => undefined);
    await pass(clock, 120_000);
    expect([here.isOpen, there.isOpen]).toEqual([true, true]);
  });

  test('nobody answers for 15 seconds: it is dead', async () => {
    const clock = new VirtualClock(Date.now());
    const { here, there } = await pairAt(clock);
    there.receive(() => undefined);
    here.pause();
    await pass(clock, 19_000);
    expect(there.isOpen).toBe(true);
    await pass(clock, 2000);
    expect(await there.closed).toMatchObject({ code: 'DEAD' });
    here.resume();
    expect(await here.closed).toMatchObject({ code: 'LOST' });
  });
});
