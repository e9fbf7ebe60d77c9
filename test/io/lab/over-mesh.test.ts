/** What a lab asks of its other nodes, over real links: two nodes on loopback, each with its certificate. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LabView } from '#actors/actor.ts';
import { streamOf } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { IoError } from '#io/devices/error.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { overMesh, type Others } from '#io/lab/others.ts';
import type { AppContainers } from '#io/lab/port.ts';
import { remoteContainers } from '#io/lab/remote-containers.ts';
import { sharedBlobs } from '#io/lab/shared-blobs.ts';
import type { SocketLink } from '#io/links/link.ts';
import { Mesh } from '#io/links/mesh.ts';
import type { LinkServer } from '#io/links/server.ts';
import { memoryBlobs } from '#io/stores/blobs.ts';
import { SmallLab, until } from '#test/io/links/small-lab.ts';
import { shouting } from './shouting.ts';

const never = new AbortController().signal;

interface Node {
  readonly others: Others;
  readonly mesh: Mesh;
  readonly server: LinkServer;
}

let lab: SmallLab;
let atlas: Node;
let vega: Node;
beforeEach(async () => {
  lab = await SmallLab.create();
  const tests = [await lab.node('atlas'), await lab.node('vega')];
  const meshes = tests.map(({ identity }) => {
    const mesh = new Mesh({ identity: () => identity, clock: realClock, random: realRandom, log: lab.log });
    return { mesh, others: overMesh(mesh, identity.node) };
  });
  const servers = await Promise.all(
    tests.map((node, at) => lab.serve(node, { onLink: (link) => meshes[at]?.mesh.accept(link) })),
  );
  const targets = tests.map(({ identity, keySha256 }, at) => ({
    node: identity.node,
    keySha256,
    addresses: [{ host: '127.0.0.1', port: servers[at]?.port ?? 0 }],
  }));
  for (const { mesh } of meshes) mesh.setNodes(targets);
  [atlas, vega] = meshes.map((made, at) => ({ ...made, server: servers[at] as LinkServer })) as [Node, Node];
  await until(() => [atlas, vega].every(({ others }) => others.reachable.length === 1), 'the two being linked');
});
afterEach(async () => {
  await atlas.mesh.close();
  await vega.mesh.close();
  await lab.close();
});

const bytes = (text: string): Uint8Array => Buffer.from(text);
async function whole(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}
const refusal = Object.assign(new Error('there is no such thing'), { code: 'MISSING', hint: 'Look again.' });
const told = { code: 'MISSING', message: 'there is no such thing', hint: 'Look again.' };

describe('a node asks another one over a link', () => {
  test('and gets its answer, or its refusal as it was said', async () => {
    vega.others.answer('greet', async (said, from) => ({ said, from, size: 2 ** 40 }));
    vega.others.answer('refuse', () => Promise.reject(refusal));
    const answer = await atlas.others.ask('vega', 'greet', { name: 'x', none: null }, never);
    expect(answer).toEqual({ said: { name: 'x', none: null }, from: 'atlas', size: 2 ** 40 });
    await expect(atlas.others.ask('vega', 'refuse', null, never)).rejects.toMatchObject(told);
  });

  test('and reads as many bytes as there are, whole, or up to where the other one failed', async () => {
    const piece = Buffer.alloc(300_000, 'a piece of it ');
    vega.others.offer('many', async function* (params) {
      for (let n = 0; n < 10; n++) yield piece;
      if (params === 'broken') throw refusal;
    });
    expect(
      (await whole(atlas.others.read('vega', 'many', 'sound', never))).equals(Buffer.alloc(3_000_000, piece)),
    ).toBe(true);
    let heard = 0;
    const broken = (async () => {
      for await (const { length } of atlas.others.read('vega', 'many', 'broken', never)) heard += length;
    })();
    await expect(broken).rejects.toMatchObject(told);
    expect(heard).toBe(3_000_000);
    await expect(whole(atlas.others.read('vega', 'nothing', null, never))).rejects.toMatchObject({
      code: 'UNKNOWN_STREAM',
    });
  });

  test('and has bytes that it offers as a whole, however often the link breaks', async () => {
    const content = Buffer.from(Array.from({ length: 5_000_000 }, (_, n) => n ** 2 % 251));
    let asked = 0;
    vega.others.offerBytes('object', async (params, from) => {
      asked += 1;
      expect([params, from]).toEqual([{ key: 'k' }, 'atlas']);
      return content;
    });
    const read = (maxBytes: number) =>
      atlas.others.readBytes('vega', 'object', { key: 'k' }, { signal: never, maxBytes });
    const reading = read(content.length);
    for (let cuts = 0; cuts < 3; cuts++) {
      const streams = () => vega.mesh.linksTo('atlas').filter(({ purpose }) => purpose === 'stream');
      await until(() => streams().length > 0, 'a stream');
      await turn();
      for (const link of streams()) (link as SocketLink).cut('LOST', 'somebody stumbled over the cable');
    }
    expect(content.equals(await reading)).toBe(true);
    expect(asked).toBeGreaterThan(1);
    await expect(read(content.length - 1)).rejects.toMatchObject({ code: 'TOO_LARGE' });
    vega.others.offerBytes('refused', () => Promise.reject(refusal));
    await expect(atlas.others.readBytes('vega', 'refused', null, { signal: never, maxBytes: 1 })).rejects.toMatchObject(
      told,
    );
  });

  test.each([
    ['stops reading', async () => true],
    ['does not want it any more', async (stop: AbortController) => (stop.abort(), false)],
  ])('and the other one sends no more once it %s', async (_, leaves) => {
    let isOver = false;
    vega.others.offer('endless', async function* (_params, _from, signal) {
      signal.addEventListener('abort', () => (isOver = true));
      for (;;) {
        yield Buffer.alloc(60_000);
        if (signal.aborted) return;
        await turn();
      }
    });
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _piece of atlas.others.read('vega', 'endless', null, stop.signal))
        if (await leaves(stop)) return;
    })();
    await reading.catch((error: unknown) => expect(error).toMatchObject({ code: 'ABORTED' }));
    await until(() => isOver, 'the source hearing of it');
  });

  test('and both write to each other at once, each to its own end', async () => {
    vega.others.offerDuplex('echo', async (duplex, params, from) => {
      await duplex.write(bytes(`${from} ${String(params)}: `));
      for await (const piece of duplex.read()) await duplex.write(Buffer.from(piece));
      await duplex.write(bytes(' over'));
    });
    const duplex = await atlas.others.duplex('vega', 'echo', 'says', never);
    const heard = whole(duplex.read());
    const large = Buffer.alloc(2_500_000, 'to and fro ');
    await duplex.write(large);
    await duplex.end();
    expect((await heard).equals(Buffer.concat([bytes('atlas says: '), large, bytes(' over')]))).toBe(true);
  });
});

describe('an app on another node, over a link', () => {
  const app = streamOf('app', 'photos');
  const view = {
    referrers: () => [{ context: { node: 'node:vega' } }],
    get: () => ({ state: 'up', context: { metadata: { name: 'vega.home' } } }),
  } as unknown as LabView;
  const call = { signal: never, timeoutMs: 5000, progress: () => {} };
  let session: ReturnType<typeof shouting>;
  let begin: Promise<void>;
  let here: AppContainers;
  let logEnded: boolean;
  let asked: number;
  beforeEach(() => {
    session = shouting();
    begin = Promise.resolve();
    logEnded = false;
    asked = 0;
    const local: AppContainers = {
      logs: async function* (_, { follow }, signal) {
        for (let at = 0; at < 2000; at++) yield { service: 'web', at, stream: 'stderr', text: `line ${at} äöü` };
        if (!follow) return;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        logEnded = true;
      },
      exec: async (_, service, { command }) => {
        asked += 1;
        await begin;
        if (service !== 'web') {
          const message = `App photos has no service ${service}.`;
          throw new IoError('MISSING', { op: 'find containers', target: 'photos', message, hint: 'It has web.' });
        }
        if (command[0] === 'sh') return session;
        const quick = shouting();
        await quick.write(bytes(command[0] ?? ''));
        quick.endInput();
        return quick;
      },
    };
    remoteContainers({ local, lab: view, others: vega.others });
    here = remoteContainers({ local, lab: view, others: atlas.others });
  });

  test('shows its log, all that there is or as it goes on', async () => {
    const lines = [];
    for await (const line of here.logs(app, { follow: false }, never)) lines.push(line);
    expect(lines).toHaveLength(2000);
    expect(lines[1999]).toEqual({ service: 'web', at: 1999, stream: 'stderr', text: 'line 1999 äöü' });
    let count = 0;
    for await (const _line of here.logs(app, { follow: true }, never)) if (++count === 2000) break;
    await until(() => logEnded, 'the other node following it no more');
  });

  test('runs a command there: what it says and its exit code come, also of one that ends at once', async () => {
    for (let n = 0; n < 20; n++) {
      const quick = await here.exec(app, 'web', { command: [`once ${n}`], tty: false }, call);
      expect((await whole(piecesOf(quick))).toString()).toBe(`ONCE ${n}`);
      expect(await quick.exitCode).toBe(3);
    }
    const opened = await here.exec(app, 'web', { command: ['sh'], tty: true }, call);
    await opened.resize(80, 24);
    await opened.write(bytes('x'.repeat(1_500_000)));
    opened.endInput();
    expect((await whole(piecesOf(opened))).equals(Buffer.alloc(1_500_000, 'X'))).toBe(true);
    expect(await opened.exitCode).toBe(3);
    expect(session.sizes).toEqual(['80x24']);
  });

  test('refuses a command in its own words, and nothing is said to have begun', async () => {
    await expect(here.exec(app, 'db', { command: ['sh'], tty: false }, call)).rejects.toMatchObject({
      name: 'IoError',
      code: 'MISSING',
      message: 'App photos has no service db.',
      hint: 'It has web.',
    });
  });

  test('runs nothing for somebody who has gone before it began, or who goes', async () => {
    let go: () => void = () => {};
    begin = new Promise((resolve) => (go = resolve));
    const stop = new AbortController();
    const waiting = here.exec(app, 'web', { command: ['sh'], tty: true }, { ...call, signal: stop.signal });
    await until(() => asked === 1, 'the other node being asked');
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'IoError', code: 'ABORTED' });
    go();
    expect(await session.exitCode).toBe(3);
    session = shouting();
    const opened = await here.exec(app, 'web', { command: ['sh'], tty: true }, call);
    opened.close();
    expect(await session.exitCode).toBe(3);
  });

  test('tells by the name of its node that this has gone in the middle, with what runs there', async () => {
    const opened = await here.exec(app, 'web', { command: ['sh'], tty: true }, call);
    const heard = whole(piecesOf(opened));
    await vega.mesh.close();
    const gone = { code: 'ENGINE_UNREACHABLE', message: expect.stringContaining('Node vega.home cannot be asked') };
    await expect(heard).rejects.toMatchObject(gone);
    await expect(opened.exitCode).rejects.toMatchObject(gone);
    expect(await session.exitCode).toBe(3);
  });
});

test('the files of an app come from another node over a link, as they are there', async () => {
  const [here, there] = [atlas, vega].map(({ others }) =>
    sharedBlobs({ local: memoryBlobs(), others, clock: realClock, electorates: () => [['vega']] }),
  ) as [ReturnType<typeof sharedBlobs>, ReturnType<typeof sharedBlobs>];
  const compose = new Uint8Array(Buffer.alloc(400_000, 'services: {}\n'));
  const ref = await there.put(compose);
  expect(Buffer.from(await here.get(ref)).equals(compose)).toBe(true);
  const env = await here.put(new Uint8Array(bytes('A=1')));
  expect(await there.has(env)).toBe(true);
});

async function* piecesOf({ output }: { output: AsyncIterable<{ bytes: Uint8Array }> }): AsyncGenerator<Uint8Array> {
  for await (const { bytes: piece } of output) yield piece;
}
