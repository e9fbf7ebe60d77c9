import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostFacts } from '#io/devices/host/port.ts';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { Presence, type NodeLink, type PresenceParts } from '#io/agent/presence.ts';
import { LogError } from '#io/log/port.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:vega';
const facts: HostFacts = {
  hostname: 'vega',
  architecture: 'arm64',
  cpus: 4,
  memoryBytes: 2 ** 32,
  os: 'Debian 12',
  kernel: '6.1',
  addresses: ['10.0.0.9'],
  devices: [],
  shares: [],
};
const link: NodeLink = { keySha256: 'a'.repeat(64), incarnation: 'disk-1', port: 7401, addresses: [], role: 'any' };

let clock: VirtualClock;
let lab: TestLab;
/** What the machine says of itself; undefined: it does not answer. */
let machine: HostFacts | undefined;
let hasLeader: boolean;
let beats: number;
/** Commands as they were given, and when. */
let said: { readonly name: string; readonly atMs: number }[];
let presence: Presence;

function make(more: Partial<NodeLink> = {}): Presence {
  const ports = {
    host: {
      facts: async () => {
        if (machine) return machine;
        throw new IoError('FAILED', { op: 'facts', target: 'host', message: 'it does not answer' });
      },
      usage: async () => ({ cpu: 0, memoryUsedBytes: 0, load1: 0, uptimeMs: 0 }),
    },
    docker: { info: async () => ({ name: 'docker', version: '20.10' }) },
    volumes: { pools: async () => [] },
    clock,
  } as unknown as PresenceParts['ports'];
  const running = {
    view: lab.lab,
    note: () => void beats++,
    observedRows: { put: () => undefined, isWatched: () => false },
    run: async ({ name, input, by }: { name: 'report-node'; input: never; by: typeof node }) => {
      if (!hasLeader) throw new LogError('NO_QUORUM', 'no majority', '');
      lab.now = clock.now();
      said.push({ name, atMs: clock.monotonicMs() });
      return lab.run(name, input, by);
    },
  } as unknown as PresenceParts['lab'];
  const log = pino({ level: 'silent' });
  const parts = { node, name: 'vega', version: '0.1.0', lab: running, ports, random: seededRandom(1), log } as const;
  return new Presence({ ...parts, link: { ...link, ...more } });
}

async function start(more: Partial<NodeLink> = {}): Promise<void> {
  presence = make(more);
  let isThere = false;
  const starting = presence.start().then(() => (isThere = true));
  await clock.runUntil(() => isThere, 1000);
  await starting;
}

const known = () => lab.lab.get(node);
const seconds = (count: number): Promise<void> => clock.run(count * 1000);
/** Types of events from now on. */
function watch(): () => readonly string[] {
  const before = lab.events.length;
  return () => lab.events.slice(before).map(({ type }) => type);
}
const down = () => lab.must('report-node-down', { node, lastSeenAt: clock.now() }, 'policy:liveness');

beforeEach(() => {
  clock = new VirtualClock(Date.UTC(2026, 5, 1));
  lab = new TestLab();
  lab.now = clock.now();
  lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  machine = facts;
  hasLeader = true;
  beats = 0;
  said = [];
});
afterEach(() => presence.stop());

describe('a node', () => {
  test('joins with what it is, and its heart beats every five seconds', async () => {
    await start();
    expect(known()?.context).toMatchObject({
      addresses: ['10.0.0.9'],
      port: 7401,
      facts: { cpus: 4, os: 'Debian 12' },
    });
    expect(beats).toBe(1);
    await seconds(60);
    expect(beats).toBe(13);
  });

  test('reports every minute, and what is as it was becomes no event', async () => {
    await start();
    const events = watch();
    said.splice(0);
    await seconds(5 * 60);
    expect(said.map(({ name, atMs }) => `${name} ${atMs / 1000}`)).toEqual(
      [60, 120, 180, 240, 300].map((at) => `report-node ${at}`),
    );
    expect(events()).toEqual([]);
  });

  test('tells its new address, its new engine, its new disk within a minute', async () => {
    await start();
    const events = watch();
    machine = {
      ...facts,
      addresses: ['10.0.0.77', 'fd00::77'],
      devices: [{ name: 'sda', sizeBytes: 1, model: null, rotational: false }],
    };
    await seconds(59);
    expect(known()?.context.addresses).toEqual(['10.0.0.9']);
    await seconds(2);
    expect(known()?.context).toMatchObject({
      addresses: ['10.0.0.77', 'fd00::77'],
      facts: { devices: [{ name: 'sda' }] },
    });
    await seconds(120);
    expect(events()).toEqual(['node.facts-changed']);
  });

  test('is known by the addresses that it was given, whatever its machine has', async () => {
    await start({ addresses: ['vega.home'] });
    machine = { ...facts, addresses: ['10.0.0.77'] };
    await seconds(120);
    expect(known()?.context.addresses).toEqual(['vega.home']);
  });

  test('that is taken for dead and is not says so with its next heartbeat, not with its next report', async () => {
    await start();
    for (const gone of [down, () => lab.must('report-node-stopped', { node }, node)]) {
      await seconds(7);
      gone();
      expect(known()?.state).not.toBe('up');
      await seconds(5);
      expect(known()?.state).toBe('up');
    }
  });

  test('that is not heard at its start, because nobody leads, says what it is as soon as somebody does', async () => {
    await start();
    await presence.stop();
    machine = { ...facts, cpus: 8 };
    hasLeader = false;
    await start();
    await seconds(30);
    expect(known()?.context.facts.cpus).toBe(4);
    hasLeader = true;
    await seconds(5);
    expect(known()?.context.facts.cpus).toBe(8);
  });

  test('that the lab does not know yet comes in when there is somebody to let it in', async () => {
    hasLeader = false;
    presence = make();
    let isThere = false;
    const starting = presence.start().then(() => (isThere = true));
    await seconds(20);
    expect(isThere).toBe(false);
    hasLeader = true;
    await seconds(1);
    await starting;
    expect(known()?.state).toBe('up');
  });

  test('reports again when its machine did not answer for a while', async () => {
    await start();
    machine = undefined;
    await seconds(90);
    machine = { ...facts, cpus: 8 };
    await seconds(60);
    expect(known()?.context.facts.cpus).toBe(8);
    expect(beats).toBeGreaterThan(28);
  });

  test('says nothing any more once it was stopped', async () => {
    await start();
    await presence.stop();
    const before = beats;
    said.splice(0);
    await seconds(300);
    expect([beats, said]).toEqual([before, []]);
  });
});
