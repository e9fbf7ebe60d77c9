/** Logs and exec of an app on another node, asked for here. */
import { Packr } from 'msgpackr';
import { beforeEach, expect, test, vi } from 'vitest';
import type { LabView } from '#actors/actor.ts';
import { streamOf } from '#events/envelope.ts';
import type { LiveLogLine } from '#io/contract/live.ts';
import { IoError } from '#io/devices/error.ts';
import type { AppContainers } from '#io/lab/port.ts';
import { remoteContainers } from '#io/lab/remote-containers.ts';
import { MemoryOthers } from './memory-others.ts';
import { shouting } from './shouting.ts';

const app = streamOf('app', 'photos');
const call = { signal: new AbortController().signal, timeoutMs: 1000, progress: () => {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (pieces: readonly Uint8Array[]): string => Buffer.concat(pieces).toString();

let vegaIs = 'up';
/** The app runs on vega, everywhere the same. */
const lab = {
  referrers: () => [{ context: { node: 'node:vega' } }],
  get: () => ({ state: vegaIs, context: { metadata: { name: 'vega' } } }),
} as unknown as LabView;

let engine: { -readonly [K in keyof AppContainers]: AppContainers[K] };
let here: AppContainers;
let there: AppContainers;
let atlas: MemoryOthers;
let vega: MemoryOthers;
let session: ReturnType<typeof shouting>;
let cuts: Set<string>;
beforeEach(() => {
  const network = new Map<string, MemoryOthers>();
  cuts = new Set();
  vegaIs = 'up';
  session = shouting();
  const others = (node: string): MemoryOthers =>
    new MemoryOthers(node, network, (from, to) => cuts.has(`${from}>${to}`));
  [atlas, vega] = [others('atlas'), others('vega')];
  const nothing: AppContainers = {
    // eslint-disable-next-line require-yield
    logs: async function* () {
      throw new Error('not here');
    },
    exec: () => Promise.reject(new Error('not here')),
  };
  engine = {
    logs: async function* (_, { tail = 3 }) {
      for (let n = 0; n < tail; n++)
        yield { service: 'web', at: n, stream: 'stdout', text: `line ${n} ${'x'.repeat(n)}` };
    },
    exec: async (_, service) => {
      if (service === 'web') return session;
      throw new IoError('MISSING', {
        op: 'exec',
        target: service,
        message: `There is no ${service}.`,
        hint: 'It has web.',
      });
    },
  };
  here = remoteContainers({ local: nothing, lab, others: atlas });
  there = remoteContainers({ local: engine, lab, others: vega });
});

async function collect(lines: AsyncIterable<LiveLogLine>): Promise<LiveLogLine[]> {
  const all: LiveLogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

test('lines come as they are where the app runs', async () => {
  const options = { follow: false, tail: 500 };
  const lines = await collect(here.logs(app, options, call.signal));
  expect(lines).toHaveLength(500);
  expect(lines).toEqual(await collect(there.logs(app, options, call.signal)));
});

test('a terminal on another node takes what is typed, its size, and tells how it ended', async () => {
  const opened = await here.exec(app, 'web', { command: ['sh'], tty: true }, call);
  await opened.resize(80, 24);
  await opened.write(bytes('hello '));
  await opened.write(bytes('x'.repeat(200_000)));
  opened.endInput();
  const output: Uint8Array[] = [];
  for await (const piece of opened.output) output.push(piece.bytes.slice());
  expect(text(output)).toBe(`HELLO ${'X'.repeat(200_000)}`);
  expect(await opened.exitCode).toBe(3);
  expect(session.sizes).toEqual(['80x24']);
});

test('a refusal of the other node comes as it was said there, and before the command is said to have begun', async () => {
  await expect(here.exec(app, 'db', { command: ['sh'], tty: false }, call)).rejects.toMatchObject({
    name: 'IoError',
    code: 'MISSING',
    message: 'There is no db.',
    hint: 'It has web.',
  });
});

test('a command on another node has begun when it runs there, and not before', async () => {
  const steps: string[] = [];
  let run: () => void = () => {};
  const runs = new Promise<void>((resolve) => (run = resolve));
  engine.exec = async () => {
    steps.push('asked');
    await runs;
    steps.push('runs');
    return session;
  };
  const opened = here.exec(app, 'web', { command: ['sh'], tty: true }, call).then(() => steps.push('begun'));
  await vi.waitFor(() => expect(steps).toEqual(['asked']));
  // Whatever is already on its way gets there first.
  await new Promise((resolve) => setImmediate(resolve));
  expect(steps).toEqual(['asked']);
  run();
  await opened;
  expect(steps).toEqual(['asked', 'runs', 'begun']);
});

test('a node that cannot be reached is named', async () => {
  cuts.add('atlas>vega');
  await expect(collect(here.logs(app, { follow: false }, call.signal))).rejects.toMatchObject({
    code: 'ENGINE_UNREACHABLE',
    message: expect.stringContaining('Node vega cannot be asked'),
  });
});

test.each([
  ['down', 'Node vega is down: what is there is out of reach.'],
  ['stopped', 'Node vega was stopped on purpose: what is there is out of reach.'],
])('of a node that is %s people hear just that', async (state, message) => {
  vegaIs = state;
  cuts.add('atlas>vega');
  const wanted = { code: 'ENGINE_UNREACHABLE', message, hint: 'Bring vega back: npm start on that machine.' };
  await expect(collect(here.logs(app, { follow: false }, call.signal))).rejects.toMatchObject(wanted);
  await expect(here.exec(app, 'web', { command: ['sh'], tty: true }, call)).rejects.toMatchObject(wanted);
});

test('who closes the terminal ends what runs there', async () => {
  const opened = await here.exec(app, 'web', { command: ['sh'], tty: true }, call);
  opened.close();
  expect(await session.exitCode).toBe(3);
});

const { pack } = new Packr({ useRecords: false });

test.each([
  ['a size that is none', pack(['resize', 'wide', -1])],
  ['a message that there is not', pack(['kill'])],
  ['bytes that say nothing', new Uint8Array([0xc1, 0xff])],
])('a terminal that is sent %s ends, and the app hears nothing of it', async (_, piece) => {
  const asked = { app: 'photos', service: 'web', command: ['sh'], tty: true, timeoutMs: 1000 };
  const duplex = await atlas.duplex('vega', 'containers/exec', asked, call.signal);
  await duplex.write(piece);
  expect(await session.exitCode).toBe(3);
  expect(session.sizes).toEqual([]);
});

const nonsense: [string, Uint8Array][] = [
  ['output of no stream', pack(['out', 'stdin', new Uint8Array(1)])],
  ['an end that is none', pack(['exit', 'soon'])],
  ['bytes that say nothing', new Uint8Array([0xc1, 0xff])],
  ['a second beginning', pack(['begun'])],
];

test.each(nonsense)('a node that answers a terminal with %s is told of by name', async (_, piece) => {
  vega.offerDuplex('containers/exec', async (duplex) => {
    await duplex.write(pack(['begun']));
    await duplex.write(piece);
  });
  const opened = await here.exec(app, 'web', { command: ['sh'], tty: true }, call);
  const ended = (async () => {
    for await (const _piece of opened.output);
  })();
  await expect(ended).rejects.toMatchObject({ name: 'IoError', message: expect.stringContaining('vega') });
  await expect(opened.exitCode).rejects.toMatchObject({ name: 'IoError' });
});

test.each([
  ...nonsense.slice(0, 3),
  ['output before it has begun', pack(['out', 'stdout', new Uint8Array(1)])],
] as const)('a node that begins a terminal with %s is told of by name', async (_, piece) => {
  vega.offerDuplex('containers/exec', (duplex) => duplex.write(piece));
  await expect(here.exec(app, 'web', { command: ['sh'], tty: true }, call)).rejects.toMatchObject({
    name: 'IoError',
    message: expect.stringContaining('vega'),
  });
});
