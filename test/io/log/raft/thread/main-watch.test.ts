import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { beatMs, MainWatch, type MainWatchParts } from '#io/log/raft/thread/main-watch.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const [atlas, vega, lyra, mira] = [peerOf('atlas', '1'), peerOf('vega', '1'), peerOf('lyra', '1'), peerOf('mira', '1')];

let clock: VirtualClock;
let watch: MainWatch;
let role: 'leader' | 'follower';
let peers: ReturnType<MainWatchParts['status']>['peers'];
/** Who was asked to lead, and when, in seconds. */
let asked: string[];

beforeEach(() => {
  clock = new VirtualClock(0);
  role = 'leader';
  asked = [];
  peers = [
    { peer: vega, match: 90, state: 'replicate', isActive: true },
    { peer: lyra, match: 100, state: 'replicate', isActive: true },
    { peer: mira, match: 200, state: 'replicate', isActive: true },
  ];
  watch = new MainWatch({
    clock,
    log: pino({ level: 'silent' }),
    status: () => ({ role, peers, configuration: configurationOf([atlas, vega, lyra], [mira]) }),
    passOn: (to) => void asked.push(`${to} ${clock.monotonicMs() / 1000}`),
  });
});
afterEach(() => watch.stop());

const seconds = (count: number): Promise<void> => clock.run(count * 1000);

test('a leader whose main thread lives leads on', async () => {
  for (let beat = 0; beat < 60; beat++) {
    await clock.run(beatMs);
    watch.heard();
  }
  expect(asked).toEqual([]);
});

test('one that is only busy leads on, too', async () => {
  await seconds(14);
  watch.heard();
  await seconds(14);
  expect(asked).toEqual([]);
});

test('after 15 seconds without a sign of life the voter with most of the log is asked to lead, again and again', async () => {
  await seconds(24);
  expect(asked).toEqual(['lyra.1 15', 'lyra.1 20']);
  role = 'follower';
  await seconds(60);
  expect(asked).toHaveLength(2);
  // Elected again, it is no better.
  role = 'leader';
  await seconds(1);
  expect(asked).toHaveLength(3);
});

test('nobody is asked who does not answer or does not vote', async () => {
  peers = peers.map((peer) => (peer.peer === mira ? peer : { ...peer, isActive: false }));
  await seconds(60);
  expect(asked).toEqual([]);
});

test('it ends with its thread', async () => {
  watch.stop();
  await seconds(60);
  expect(asked).toEqual([]);
});
