import { execWindowBytes } from '#io/contract/live.ts';
import { problemOf } from '#io/contract/problem.ts';
import { createLiveClient, type LiveClient } from '#ui/client/live.ts';
import { liveUrl } from '#ui/client/live-ports.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelServer } from './model-server.ts';
import { VirtualTimers } from './virtual-timers.ts';

interface Rig {
  readonly server: ModelServer;
  readonly timers: VirtualTimers;
  readonly client: LiveClient;
}

function rig(): Rig {
  const server = new ModelServer();
  const timers = new VirtualTimers();
  return { server, timers, client: createLiveClient({ url: 'ws://lab', connect: server.connect, timers }) };
}

/** Long enough for any reconnect; the server is heard once a second meanwhile. */
function calm({ server, timers }: Rig): void {
  for (let second = 0; second < 15; second++) {
    server.settle();
    server.bookmark();
    server.settle();
    timers.advance(1000);
  }
}

describe('a live view', () => {
  test('shows all rows first and then every change, in order', () => {
    const { server, client } = rig();
    for (const key of ['a', 'b', 'c', 'd', 'e']) server.rows.set(key, { key });
    const { rows } = client.rows('apps');
    server.settle();
    expect(rows.keys()).toEqual(['a', 'b', 'c', 'd', 'e']);
    server.change([['f', { key: 'f' }]], ['a']);
    server.settle();
    expect(rows.keys()).toEqual(['b', 'c', 'd', 'e', 'f']);
    expect(rows.index).toBe(2);
  });

  test('has no rows before the last part of the first snapshot has come', () => {
    const { server, client } = rig();
    for (const key of ['a', 'b', 'c']) server.rows.set(key, {});
    const { rows } = client.rows('apps');
    const sizes: number[] = [];
    rows.subscribe(() => sizes.push(rows.size));
    server.settle();
    expect(sizes).toEqual([3]);
  });

  test('forgets the parts of a snapshot that was cut off', () => {
    const setup = rig();
    const { server, client } = setup;
    for (const key of ['a', 'b', 'c']) server.rows.set(key, {});
    const { rows } = client.rows('apps');
    for (let n = 0; n < 3; n++) server.socket.step();
    server.loseAll();
    server.change([], ['a']);
    calm(setup);
    expect(rows.keys()).toEqual(['b', 'c']);
  });

  test('does not hear what a connection says that was given up', () => {
    const { server, timers, client } = rig();
    const { rows } = client.rows('apps');
    server.settle();
    server.change([['a', 'old']], []);
    timers.advance(10_000);
    const [given] = server.sockets;
    expect(given?.isClosed).toBe(true);
    given?.step();
    expect(rows.size).toBe(0);
  });

  test('keeps the reference of rows that did not change, and of the list until something does', () => {
    const { server, client } = rig();
    server.rows.set('a', {}).set('b', {});
    const { rows } = client.rows('apps');
    server.settle();
    const [a, list] = [rows.get('a'), rows.list()];
    expect(rows.list()).toBe(list);
    server.change([['b', { changed: true }]], []);
    server.settle();
    expect(rows.get('a')).toBe(a);
    expect(rows.list()).not.toBe(list);
  });

  test('goes on after the last index when the connection comes back', () => {
    const setup = rig();
    const { server, client } = setup;
    server.rows.set('a', 1);
    const { rows } = client.rows('apps');
    server.settle();
    server.loseAll();
    server.change([['b', 2]], []);
    calm(setup);
    expect(rows.keys()).toEqual(['a', 'b']);
    const opened = server.heard.filter(({ t }) => t === 'open');
    expect(opened).toEqual([
      { t: 'open', sub: 1, view: 'apps' },
      { t: 'open', sub: 1, view: 'apps', after: 1, epoch: 'epoch-1' },
    ]);
  });

  test('of what nodes observe begins anew: no log can tell what was missed', () => {
    const setup = rig();
    const { server, client } = setup;
    client.rows('work');
    server.settle();
    server.loseAll();
    calm(setup);
    expect(server.heard.filter(({ t }) => t === 'open')).toEqual([
      { t: 'open', sub: 1, view: 'work' },
      { t: 'open', sub: 1, view: 'work' },
    ]);
  });

  test('of the past is asked for once', () => {
    const setup = rig();
    const { server, client } = setup;
    server.rows.set('a', 1);
    const { rows } = client.rows('apps', { at: 1 });
    server.settle();
    server.loseAll();
    calm(setup);
    expect(server.heard.filter(({ t }) => t === 'open')).toEqual([{ t: 'open', sub: 1, view: 'apps', at: 1 }]);
    expect(rows.size).toBe(1);
  });

  test('waits while the lab cannot serve it, and asks again', () => {
    const setup = rig();
    const { server, client } = setup;
    server.rows.set('a', 1);
    server.busy = problemOf('NO_LEADER', 'The lab has no leader.', { retryAfter: 3 });
    const { rows } = client.rows('apps');
    server.settle();
    server.busy = undefined;
    calm(setup);
    expect(rows.size).toBe(1);
  });

  test('ends with the reason when the person may not see it', () => {
    const { server, client } = rig();
    server.busy = problemOf('FORBIDDEN', 'You may not see the apps.');
    const ends: unknown[] = [];
    client.rows('apps', {}, (problem) => ends.push(problem?.code));
    server.settle();
    expect(ends).toEqual(['FORBIDDEN']);
  });

  test('says nothing more once it is closed', () => {
    const { server, client } = rig();
    const { rows, close } = client.rows('apps');
    server.settle();
    server.change([['a', 1]], []);
    close();
    server.settle();
    expect(rows.size).toBe(0);
    expect(server.heard.at(-1)).toMatchObject({ t: 'ack' });
    expect(server.heard).toContainEqual({ t: 'close', sub: 1 });
  });

  test('acknowledges all rows once they have been handed on, and no bookmark', () => {
    const { server, client } = rig();
    client.rows('apps');
    server.settle();
    server.change([['a', 1]], []);
    server.bookmark();
    server.settle();
    expect(server.heard.filter(({ t }) => t === 'ack')).toEqual([
      { t: 'ack', index: 1 },
      { t: 'ack', index: 2 },
    ]);
  });

  test('equals the rows of the server after any disconnects, restarts and lost messages', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key, value: fc.nat(99) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 6 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 12_000 }) }),
      },
      fc.constantFrom(
        { do: 'lose' as const },
        { do: 'restart' as const },
        { do: 'forget' as const },
        { do: 'slow' as const },
        { do: 'busy' as const },
        { do: 'bookmark' as const },
        { do: 'deaf' as const },
      ),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const setup = rig();
        const { server, timers, client } = setup;
        server.rows.set('a', 0).set('b', 0).set('c', 0);
        const { rows } = client.rows('apps');
        for (const step of steps) {
          if (step.do === 'put') server.change([[step.key, step.value]], []);
          else if (step.do === 'delete') server.change([], server.rows.has(step.key) ? [step.key] : []);
          else if (step.do === 'deliver') for (let n = 0; n < step.count; n++) server.socket.step();
          else if (step.do === 'wait') timers.advance(step.ms);
          else if (step.do === 'lose') server.loseAll();
          else if (step.do === 'restart') server.restart();
          else if (step.do === 'forget') server.forgetHistory();
          else if (step.do === 'slow') server.socket.snapAll();
          else if (step.do === 'bookmark') server.bookmark();
          else if (step.do === 'deaf') server.accepts = !server.accepts;
          else server.busy = server.busy ? undefined : problemOf('STOPPING', 'The node stops.');
        }
        server.busy = undefined;
        server.accepts = true;
        calm(setup);
        calm(setup);
        expect(Object.fromEntries(rows.keys().map((key) => [key, rows.get(key)]))).toEqual(
          Object.fromEntries(server.rows),
        );
        expect(rows.index).toBe(server.index);
        client.close();
        expect(timers.waiting).toBe(0);
      }),
      { numRuns: 400 },
    );
  });
});

describe('the connection', () => {
  test('says how far the lab is', () => {
    const { server, client } = rig();
    expect(client.status().state).toBe('connecting');
    server.settle();
    server.bookmark();
    server.settle();
    expect(client.status()).toMatchObject({ state: 'open', index: 1, time: 1000, failures: 0 });
  });

  test('is stale while the server still folds its history', () => {
    const { server, client } = rig();
    server.settle();
    server.bookmark(true);
    server.settle();
    expect(client.status().state).toBe('stale');
  });

  test('is stale after five silent seconds, and replaced after ten', () => {
    const { server, timers, client } = rig();
    server.settle();
    timers.advance(5000);
    expect(client.status().state).toBe('stale');
    timers.advance(5000);
    expect(client.status().state).toBe('connecting');
    expect(server.sockets[0]?.isClosed).toBe(true);
    timers.advance(1000);
    expect(server.sockets).toHaveLength(2);
  });

  test('pauses longer after each failure, and at once when asked to', () => {
    const { server, timers, client } = rig();
    const pauses: number[] = [];
    let last = timers.now();
    server.accepts = false;
    for (let n = 0; n < 8; n++) {
      server.settle();
      const before = server.sockets.length;
      while (server.sockets.length === before) timers.advance(5);
      pauses.push(Math.round((timers.now() - last) / 10) * 10);
      last = timers.now();
    }
    expect(pauses.slice(0, 4)).toEqual([190, 380, 750, 1500]);
    expect(Math.max(...pauses)).toBe(7500);
    server.settle();
    const before = server.sockets.length;
    client.retryNow();
    expect(server.sockets.length).toBe(before + 1);
  });

  test('stays closed when the lab does not accept the session', () => {
    const { server, timers, client } = rig();
    const ends: unknown[] = [];
    client.rows('apps', {}, (problem) => ends.push(problem?.code));
    server.settle();
    server.loseAll(4401, 'Your session has ended.');
    timers.advance(60_000);
    expect(server.sockets).toHaveLength(1);
    expect(client.status()).toMatchObject({ state: 'closed', problem: { code: 'NOT_SIGNED_IN' } });
    expect(ends).toEqual(['NOT_SIGNED_IN']);
  });

  test('goes on where it stood when it is tried again after a refusal: the person is let in again', () => {
    const setup = rig();
    const { server, client } = setup;
    const ends: unknown[] = [];
    server.rows.set('a', 1);
    const { rows } = client.rows('apps', {}, (problem) => ends.push(problem?.code));
    const given = client.rows('nodes', {});
    const lines: string[] = [];
    client.logs({ app: 'photos', follow: true }, { lines: (some) => lines.push(...some.map(({ text }) => text)) });
    const exits: unknown[] = [];
    const command = { app: 'photos', service: 'web', command: ['sh'], tty: true };
    client.exec(command, {
      output: () => undefined,
      exit: () => undefined,
      end: (problem) => exits.push(problem?.code),
    });
    server.settle();
    server.loseAll(4401, 'Your session has ended.');
    given.close();
    const late = client.rows('volumes');
    server.change([['b', 2]], []);
    server.log({ service: 'web', at: 1, stream: 'stdout', text: 'meanwhile' });

    client.retryNow();
    expect(client.status()).not.toHaveProperty('problem');
    calm(setup);
    expect(client.status().state).toBe('open');
    expect(rows.keys()).toEqual(['a', 'b']);
    expect(late.rows.keys()).toEqual(['a', 'b']);
    expect(lines).toEqual(['meanwhile']);
    // What somebody has closed meanwhile stays closed, and a command is not given a second time.
    const asked = server.heard.slice(server.heard.findLastIndex(({ t }) => t === 'exec') + 1);
    expect(asked.flatMap((message) => (message.t === 'open' ? [message.view] : []))).toEqual(['apps', 'volumes']);
    expect([ends, exits]).toEqual([['NOT_SIGNED_IN'], ['NOT_SIGNED_IN']]);
  });

  test('stays closed when whoever uses it has closed it, also after a refusal', () => {
    for (const isRefused of [false, true]) {
      const { server, client } = rig();
      server.settle();
      if (isRefused) server.loseAll(4401);
      client.close();
      client.retryNow();
      expect([server.sockets.length, client.status().state]).toEqual([1, 'closed']);
    }
  });

  test('tells its listeners, and gives the same object until something changes', () => {
    const { server, client } = rig();
    const states: string[] = [];
    const off = client.onStatus(({ state }) => states.push(state));
    server.settle();
    expect(client.status()).toBe(client.status());
    off();
    client.close();
    expect(states).toEqual(['open']);
  });

  test('is dropped after a frame that is not of the protocol', () => {
    const { server, client } = rig();
    server.settle();
    server.socket.onmessage?.({ data: 'not json' });
    expect(client.status().state).toBe('connecting');
  });
});

describe('log lines', () => {
  const line = (at: number, text: string, service = 'web') => ({ service, at, stream: 'stdout' as const, text });

  test('come once each, although the connection was lost in between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.record({ step: fc.nat(3000), text: fc.constantFrom('a', 'b') }), fc.constant('lose')), {
          maxLength: 30,
        }),
        (steps) => {
          const setup = rig();
          const { server, client } = setup;
          const seen: string[] = [];
          client.logs(
            { app: 'photos', follow: true },
            { lines: (lines) => seen.push(...lines.map(({ at, text }) => `${at} ${text}`)) },
          );
          server.settle();
          let at = 10_000;
          for (const step of steps) {
            if (step === 'lose') {
              server.loseAll();
              continue;
            }
            if (typeof step === 'string') continue;
            at += step.step;
            server.log(line(at, step.text));
            if (step.step % 2 === 0) server.settle();
          }
          calm(setup);
          expect(seen.toSorted()).toEqual(server.lines.map(({ at: time, text }) => `${time} ${text}`).toSorted());
        },
      ),
    );
  });

  test('cost the same each, however many come in one moment', () => {
    const { server, client } = rig();
    let seen = 0;
    client.logs({ app: 'photos', follow: true }, { lines: (lines) => (seen += lines.length) });
    server.settle();
    const count = 60_000;
    const startedAt = performance.now();
    for (let n = 0; n < count; n++) {
      server.socket.say({ t: 'lines', sub: 1, lines: [line(10_000 + Math.floor(n / 100), `line ${n}`)] });
      server.settle();
    }
    expect(seen).toBe(count);
    // 0.4 s where this was written; looking through all lines for each one took half a minute.
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test('say how many were left out', () => {
    const { server, client } = rig();
    const dropped: number[] = [];
    client.logs({ app: 'photos', follow: true }, { lines: (_, count) => dropped.push(count) });
    server.settle();
    server.socket.say({ t: 'lines', sub: 1, lines: [], dropped: 7 });
    server.settle();
    expect(dropped).toEqual([7]);
  });
});

describe('an exec', () => {
  const options = { app: 'photos', service: 'web', command: ['sh'], tty: false };
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const nobody = { output: () => undefined, exit: () => undefined };
  const sizeOf = (data: string | undefined): number => Buffer.from(data ?? '', 'base64').length;

  test('hands on output and the exit code, and sends input that was typed early', () => {
    const { server, client } = rig();
    const heard: string[] = [];
    const exec = client.exec(options, {
      begun: () => heard.push('begun'),
      output: (stream, bytes) => heard.push(`${stream} ${new TextDecoder().decode(bytes)}`),
      exit: (code) => heard.push(`exit ${code}`),
    });
    exec.write(utf8('hé'));
    exec.endInput();
    server.settle();
    server.socket.say({ t: 'begun', sub: 1 });
    server.socket.say({ t: 'output', sub: 1, stream: 'stderr', data: Buffer.from('oh é').toString('base64') });
    server.socket.say({ t: 'exit', sub: 1, code: 3 });
    server.settle();
    expect(heard).toEqual(['begun', 'stderr oh é', 'exit 3']);
    expect(server.heard).toEqual([
      { t: 'exec', sub: 1, ...options },
      { t: 'input', sub: 1, data: Buffer.from('hé').toString('base64') },
      { t: 'input', sub: 1 },
    ]);
  });

  test('cuts large input into frames that the lab takes', () => {
    const { server, client } = rig();
    const exec = client.exec(options, { output: () => undefined, exit: () => undefined });
    server.settle();
    const bytes = new Uint8Array(200_000).map((_, n) => n % 251);
    exec.write(bytes);
    server.settle();
    const parts = server.heard.flatMap((message) =>
      message.t === 'input' && message.data !== undefined ? [Buffer.from(message.data, 'base64')] : [],
    );
    expect(parts.length).toBeGreaterThan(2);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
  });

  test('begins with the size that its window has then, and tells every later one', () => {
    const { server, client } = rig();
    const exec = client.exec({ ...options, tty: true, columns: 80, rows: 24 }, nobody);
    exec.resize(100, 30);
    server.settle();
    exec.resize(120, 40);
    server.settle();
    expect(server.heard).toEqual([
      { t: 'exec', sub: 1, ...options, tty: true, columns: 100, rows: 30 },
      { t: 'resize', sub: 1, columns: 120, rows: 40 },
    ]);
  });

  test('sends no more input than the command takes, says so to whoever writes, and goes on when there is room', () => {
    const { server, client } = rig();
    let rooms = 0;
    const exec = client.exec(options, { ...nobody, room: () => rooms++ });
    const sent = () =>
      server.heard.reduce((sum, message) => sum + (message.t === 'input' ? sizeOf(message.data) : 0), 0);
    expect(exec.write(new Uint8Array(10))).toBe(false);
    server.settle();
    server.socket.say({ t: 'took', sub: 1, bytes: 10 });
    server.settle();
    expect([sent(), rooms]).toEqual([10, 1]);
    expect(exec.write(new Uint8Array(execWindowBytes))).toBe(true);
    expect(exec.write(new Uint8Array(1000))).toBe(false);
    exec.endInput();
    server.settle();
    expect([sent(), rooms]).toEqual([10 + execWindowBytes, 1]);
    server.socket.say({ t: 'took', sub: 1, bytes: 400 });
    server.settle();
    expect([sent(), rooms]).toEqual([410 + execWindowBytes, 1]);
    server.socket.say({ t: 'took', sub: 1, bytes: 65_536 });
    server.settle();
    expect([sent(), rooms]).toEqual([1010 + execWindowBytes, 2]);
    expect(server.heard.at(-1)).toEqual({ t: 'input', sub: 1 });
  });

  test('hands on every byte in order, within the window, whatever is written and taken when', () => {
    const step = fc.oneof(
      fc.record({ write: fc.integer({ min: 1, max: 300_000 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 300_000 }) }),
      fc.constant('settle' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { server, client } = rig();
        const exec = client.exec(options, nobody);
        const written: Uint8Array[] = [];
        let taken = 0;
        const received = () =>
          Buffer.concat(
            server.heard.flatMap((message) =>
              message.t === 'input' && message.data !== undefined ? [Buffer.from(message.data, 'base64')] : [],
            ),
          );
        const take = (most: number): void => {
          const bytes = Math.min(most, received().length - taken);
          if (bytes <= 0) return;
          taken += bytes;
          server.socket.say({ t: 'took', sub: 1, bytes });
        };
        for (const step of steps) {
          if (step === 'settle') server.settle();
          else if ('take' in step) take(step.take);
          else {
            const bytes = new Uint8Array(step.write).map((_, n) => (written.length * 31 + n) % 251);
            written.push(bytes);
            exec.write(bytes);
          }
          expect(received().length - taken).toBeLessThanOrEqual(execWindowBytes);
        }
        exec.endInput();
        const all = Buffer.concat(written);
        for (let rounds = 0; rounds < 40 && taken < all.length; rounds++) {
          server.settle();
          take(Number.POSITIVE_INFINITY);
        }
        server.settle();
        expect(received().equals(all)).toBe(true);
        expect(server.heard.filter((message) => message.t === 'input' && message.data === undefined)).toHaveLength(1);
      }),
      { numRuns: 60 },
    );
  });

  test('does not run twice when the connection is lost: it ends with an unknown outcome', () => {
    const setup = rig();
    const { server, client } = setup;
    const ends: unknown[] = [];
    client.exec(options, {
      output: () => undefined,
      exit: () => undefined,
      end: (problem) => ends.push(problem?.code),
    });
    server.settle();
    server.loseAll();
    calm(setup);
    expect(ends).toEqual(['TIMED_OUT']);
    expect(server.heard.filter(({ t }) => t === 'exec')).toHaveLength(1);
  });
});

test('the address of the live connection comes from the address of the lab', () => {
  expect(liveUrl('https://atlas.lab:7400')).toBe('wss://atlas.lab:7400/api/v1/live');
  expect(liveUrl('http://127.0.0.1:7400/')).toBe('ws://127.0.0.1:7400/api/v1/live');
});
