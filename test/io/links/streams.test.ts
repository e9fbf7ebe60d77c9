import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { pack, unpack } from 'msgpackr';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { overMesh, type Offer } from '#io/lab/others.ts';
import { Calls, Methods } from '#io/links/calls.ts';
import { kinds, windowCost } from '#io/links/channel.ts';
import type { Link, SocketLink } from '#io/links/link.ts';
import { Mesh } from '#io/links/mesh.ts';
import type { Purpose } from '#io/links/purpose.ts';
import { resumeStream } from '#io/links/resume.ts';
import type { LinkServer } from '#io/links/server.ts';
import { openDuplex, openStream, Streams, type OpenOptions, type Source } from '#io/links/streams.ts';
import { TokenBucket } from '#io/links/token-bucket.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { fakePair, settle, type FakeLink } from './fake-link.ts';
import { recordedLog, SmallLab, until, type TestNode } from './small-lab.ts';

let lab: SmallLab;
let [atlas, bolt]: TestNode[] = [];
let server: LinkServer;
let streams: Streams;
/** Ends of the server. */
let served: Link[];
const never = new AbortController().signal;

beforeEach(async () => {
  lab = await SmallLab.create();
  [atlas, bolt] = [await lab.node('atlas'), await lab.node('bolt')];
  streams = new Streams({ log: lab.log, clock: realClock });
  served = [];
  server = await lab.serve(atlas, {
    onLink: (link) => {
      served.push(link);
      streams.serve(link);
    },
  });
});
afterEach(() => lab.close());

const connect = (): Promise<Link> => lab.dialOnly(bolt!, atlas!, server, { purpose: 'stream' });
const open = (name: string, more: Partial<OpenOptions> = {}): OpenOptions => ({
  connect,
  name,
  signal: never,
  ...more,
});
async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
/** Bytes of which every part differs from the others. */
const content = (bytes: number): Buffer => {
  const made = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) made.writeUInt32LE(Math.imul(at + 1, 0x9e3779b1) >>> 0, at);
  return made;
};
const sourceOf = (bytes: Buffer, partBytes = 100_000): Source => ({
  totalBytes: bytes.length,
  async *read(from) {
    await Promise.resolve();
    for (let at = from; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
  },
});
const codeOf = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );

describe('a stream', () => {
  test('brings all bytes, in order, from the offset that was asked for', async () => {
    const bytes = content(3_000_001);
    const asked: unknown[] = [];
    streams.offer('blob', ({ params, from, peer }) => {
      asked.push([params, from, peer.node]);
      return Promise.resolve(sourceOf(bytes));
    });
    const incoming = await openStream({ ...open('blob', { params: { ref: 'x' } }), from: 1_000_000 });
    expect(incoming.totalBytes).toBe(bytes.length);
    expect((await all(incoming.chunks)).equals(bytes.subarray(1_000_000))).toBe(true);
    expect(asked).toEqual([[{ ref: 'x' }, 1_000_000, 'bolt']]);
    await until(() => server.links.size === 0, 'the end of its link');
  });

  test('waits for a slow reader, and holds no more than a window at either end', async () => {
    let produced = 0;
    streams.offer('endless', ({ signal }) =>
      Promise.resolve({
        async *read() {
          while (!signal.aborted) {
            produced += 65_536;
            yield await Promise.resolve(Buffer.alloc(65_536));
          }
        },
      }),
    );
    const { chunks } = await openStream(open('endless'));
    let [read, most] = [0, 0];
    for await (const chunk of chunks) {
      read += chunk.length;
      await new Promise((resolve) => setTimeout(resolve, 2));
      most = Math.max(most, served[0]?.bufferedBytes ?? 0);
      expect(produced - read).toBeLessThanOrEqual(windowCost + 2 * 65_536);
      if (read > 4_000_000) break;
    }
    expect(most).toBeLessThanOrEqual(1024 * 1024);
    // It was left early: the source is told.
    await until(() => server.links.size === 0);
    const { length } = [produced];
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(length).toBe(1);
    expect(produced).toBeLessThan(read + windowCost + 3 * 65_536);
  });

  test('that nobody offers, or whose source fails, says why', async () => {
    streams.offer('bad', () => Promise.reject(Object.assign(new Error('it is gone'), { code: 'MISSING' })));
    streams.offer('half', () =>
      Promise.resolve({
        async *read() {
          yield await Promise.resolve(Buffer.from('half of'));
          throw Object.assign(new Error('the disk broke'), { code: 'DISK', hint: 'Replace it.' });
        },
      }),
    );
    expect(await codeOf(openStream(open('nothing')))).toBe('UNKNOWN_STREAM');
    expect(await codeOf(openStream(open('bad')))).toBe('MISSING');
    const { chunks } = await openStream(open('half'));
    let heard = '';
    const reading = (async () => {
      for await (const chunk of chunks) heard += chunk.toString();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'DISK', message: 'the disk broke', hint: 'Replace it.' });
    expect(heard).toBe('half of');
  });

  test('that is not wanted any more ends at both ends', async () => {
    const control = new AbortController();
    let isTold = false;
    streams.offer('endless', ({ signal }) => {
      signal.addEventListener('abort', () => {
        isTold = true;
      });
      return Promise.resolve({
        async *read() {
          for (;;) yield await Promise.resolve(Buffer.alloc(1000));
        },
      });
    });
    const { chunks } = await openStream(open('endless', { signal: control.signal }));
    const reading = codeOf(all(chunks));
    control.abort();
    expect(await reading).toBe('ABORTED');
    await until(() => isTold);
  });

  test('whose link breaks says so, after what had arrived', async () => {
    streams.offer('blob', () =>
      Promise.resolve({
        async *read() {
          yield Buffer.from('first');
          await new Promise(() => undefined);
        },
      }),
    );
    const { chunks } = await openStream(open('blob'));
    const heard: string[] = [];
    const reading = (async () => {
      for await (const chunk of chunks) {
        heard.push(chunk.toString());
        served[0]?.close('STOPPING');
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'LINK_LOST' });
    expect(heard).toEqual(['first']);
  });

  test('keeps to a rate limit, at either end', async () => {
    const bytes = content(300_000);
    const bucket = () => new TokenBucket({ bytesPerSecond: 1_000_000, burstBytes: 100_000, clock: realClock });
    streams.offer('limited', () => Promise.resolve({ ...sourceOf(bytes), limit: bucket() }));
    streams.offer('free', () => Promise.resolve(sourceOf(bytes)));
    for (const options of [open('limited'), open('free', { limit: bucket() })]) {
      const startMs = performance.now();
      const { chunks } = await openStream(options);
      expect((await all(chunks)).equals(bytes)).toBe(true);
      expect(performance.now() - startMs).toBeGreaterThan(190);
    }
  });
});

test('bulk streams of a node share its limit, and neither a call nor a terminal waits for them', async () => {
  const clock = new VirtualClock(0);
  const bulkLimit = new TokenBucket({ bytesPerSecond: 1_000_000, burstBytes: 100_000, clock });
  const { log } = recordedLog();
  const mesh = new Mesh({ identity: () => atlas!.identity, clock, random: seededRandom(1), log, bulkLimit });
  const others = overMesh(mesh, 'atlas');
  const bytes = content(500_000);
  const give: Offer = async function* () {
    yield await Promise.resolve(bytes);
  };
  others.offer('blob', give, 'bulk');
  others.offer('logs', give);
  others.answer('heartbeat', async () => clock.monotonicMs());
  const links: FakeLink[] = [];
  const linkOf = (purpose: Purpose): FakeLink => {
    const [here, there] = fakePair(1 << 22);
    there.purpose = purpose;
    links.push(here, there);
    mesh.setNodes([{ node: 'atlas', keySha256: '', addresses: [] }]);
    if (purpose === 'stream') mesh.streams.serve(there);
    else void new Calls({ link: there, methods: mesh.methods, log });
    return here;
  };
  const arrived: [string, number][] = [];
  const fetch = async (name: string): Promise<void> => {
    const { chunks } = await openStream({ connect: () => Promise.resolve(linkOf('stream')), name, signal: never });
    expect((await all(chunks)).equals(bytes)).toBe(true);
    arrived.push([name, Math.round(clock.monotonicMs() / 100)]);
  };
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 50) {
      await settle(links);
      await clock.run(50);
    }
  };
  const fetching = Promise.all(['blob', 'blob', 'logs'].map(fetch));
  const calls = new Calls({ link: linkOf('requests'), methods: new Methods(), log });
  await pass(400);
  const said = calls.call('heartbeat', pack(null), never);
  await settle(links);
  expect(unpack(await said)).toBe(400);
  await pass(1000);
  await fetching;
  // A million bytes, less what may pass at once, at a million a second: nothing else took any time.
  expect(arrived).toEqual([
    ['logs', 0],
    ['blob', 9],
    ['blob', 9],
  ]);
});

describe('a stream that is resumed', () => {
  const resume = (name: string, more: object = {}) =>
    resumeStream({ ...open(name), clock: realClock, random: seededRandom(1), ...more });

  test('goes on where it was after each break, and brings every byte once', async () => {
    const bytes = content(5_000_000);
    let opened = 0;
    streams.offer('blob', () => {
      opened += 1;
      return Promise.resolve(sourceOf(bytes));
    });
    const [hash, breaks]: [ReturnType<typeof createHash>, number[]] = [createHash('sha256'), []];
    let [got, cuts] = [0, 0];
    for await (const chunk of resume('blob', { onBreak: (at: number) => breaks.push(at) })) {
      hash.update(chunk);
      got += chunk.length;
      if (got > (cuts + 1) * 1_000_000 && cuts < 3) {
        cuts += 1;
        (served.at(-1) as SocketLink).cut('LOST', 'somebody stumbled over the cable');
      }
    }
    expect([got, opened, breaks.length]).toEqual([bytes.length, 4, 3]);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('gives up when nothing comes any more, and says where it stood', async () => {
    const clock = new VirtualClock(Date.now());
    const failing = () => Promise.reject(Object.assign(new Error('the node is busy'), { code: 'BUSY' }));
    streams.offer('busy', failing);
    const reading = all(resume('busy', { tries: 3, clock, from: 7 }));
    const code = codeOf(reading);
    let isDone = false;
    void code.then(() => {
      isDone = true;
    });
    while (!isDone) {
      await clock.run(500);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(await code).toBe('LINK_LOST');
    await expect(reading).rejects.toThrow(/byte 7, and 3 tries .* the node is busy/);
    expect(served).toHaveLength(3);
  });

  test('does not try again what will not get better', async () => {
    expect(await codeOf(all(resume('nothing')))).toBe('UNKNOWN_STREAM');
    lab.admitted.delete('bolt');
    expect(await codeOf(all(resume('nothing')))).toBe('NOT_ADMITTED');
    expect(served).toHaveLength(1);
  });

  test('mixes no two versions of a source', async () => {
    const bytes = content(2_000_000);
    let version = 'a';
    streams.offer('file', () => Promise.resolve({ ...sourceOf(bytes), version }));
    let got = 0;
    const reading = (async () => {
      for await (const chunk of resume('file')) {
        got += chunk.length;
        version = 'b';
        if (got < 200_000) served[0]?.close('STOPPING');
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'CHANGED' });
  });
});

describe('a stream both ways', () => {
  test('carries chunks in both directions, whole, until the other end is done', async () => {
    streams.offerDuplex('exec', async (channel, { params }) => {
      await channel.write(Buffer.from(`$ ${String(params)}`));
      for await (const chunk of channel.read()) await channel.write(Buffer.from(chunk.toString().toUpperCase()));
      await channel.write(Buffer.from('bye'));
    });
    const channel = await openDuplex(open('exec', { params: 'cat' }));
    await channel.write(Buffer.from('one'));
    await channel.write(Buffer.from(''));
    await channel.write(Buffer.from('two'));
    // Nothing more is typed; what is still printed comes.
    await channel.end();
    const heard: string[] = [];
    for await (const chunk of channel.read()) heard.push(chunk.toString());
    expect(heard).toEqual(['$ cat', 'ONE', '', 'TWO', 'bye']);
    await until(() => server.links.size === 0);
  });

  test('ends when the other end does, whatever is still written', async () => {
    streams.offerDuplex('exit', () => Promise.resolve());
    const channel = await openDuplex(open('exit'));
    expect(await all(channel.read())).toHaveLength(0);
    await channel.closed;
    await expect(channel.write(Buffer.from('too late'))).rejects.toMatchObject({ name: 'StreamError' });
  });

  test('holds back whoever writes more than the other end reads, in small pieces too', async () => {
    streams.offerDuplex('stuck', async (_channel, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const channel = await openDuplex(open('stuck'));
    let written = 0;
    const writing = (async () => {
      for (;;) {
        await channel.write(Buffer.from('x'));
        written += 1;
      }
    })().catch((error: { code: string }) => error.code);
    await until(() => written > 1000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(written).toBeLessThanOrEqual(windowCost / 128);
    channel.close();
    expect(await writing).toBe('CLOSED');
  });
});

describe('a node that breaks the protocol of streams loses that link only', () => {
  const offences: [string, (link: Link) => void, string][] = [
    ['no opening', (link) => link.send(Buffer.from('what?')), 'BAD_FRAME'],
    [
      'a chunk without credit',
      (link) => {
        for (let i = 0; i < 20; i++) link.send(Buffer.alloc(65_537, kinds.chunk));
      },
      'BAD_FRAME',
    ],
    ['an unknown frame', (link) => link.send(Buffer.from([99])), 'BAD_FRAME'],
    ['a credit without an amount', (link) => link.send(Buffer.from([kinds.credit, 1])), 'BAD_FRAME'],
    ['an end that is none', (link) => link.send(Buffer.from([kinds.end])), 'BAD_FRAME'],
  ];
  test.each(offences)('%s', async (what, offend, code) => {
    streams.offerDuplex('stuck', async (_channel, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    streams.offer('blob', () => Promise.resolve(sourceOf(content(100_000))));
    const good = await openStream(open('blob'));
    const link = await connect();
    if (what !== 'no opening') {
      const { Packr } = await import('msgpackr');
      link.send(new Packr({ useRecords: false }).pack({ name: 'stuck', params: null, from: 0, mode: 'duplex' }));
    }
    offend(link);
    link.receive(() => undefined);
    expect((await link.closed).code).toBe(code);
    await until(() => lab.lines.some((line) => line['code'] === 'BAD_FRAME'));
    expect(await all(good.chunks)).toHaveLength(100_000);
  });

  test('and one that opens nothing is not waited for', async () => {
    const clock = new VirtualClock(0);
    const [, there] = fakePair();
    new Streams({ log: recordedLog().log, clock }).serve(there);
    await clock.run(5001);
    expect(there.end).toMatchObject({ code: 'SILENT' });
  });
});

test('a stream whose bytes were changed on the way is found out', async () => {
  const [here, there] = fakePair();
  const own = new Streams({ log: recordedLog().log, clock: new VirtualClock(0) });
  own.offer('blob', () => Promise.resolve(sourceOf(Buffer.from('some bytes'))));
  own.serve(there);
  const opening = openStream({ connect: () => Promise.resolve(here), name: 'blob', signal: never });
  const flipped = there.deliver.bind(there);
  there.deliver = () => {
    const [frame] = there.outbox;
    if (frame?.[0] === kinds.chunk) frame[3] = (frame[3] ?? 0) ^ 1;
    return flipped();
  };
  await settle([here, there]);
  const reading = codeOf(opening.then(({ chunks }) => all(chunks)));
  await settle([here, there]);
  expect(await reading).toBe('DAMAGED');
});

test('whatever the sizes of parts, the bytes arrive as they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 200_000 }), { maxLength: 8 }),
      fc.integer({ min: 70_000, max: 2_000_000 }),
      async (parts, outboxBytes) => {
        const links: [FakeLink, FakeLink] = fakePair(outboxBytes);
        const own = new Streams({ log: recordedLog().log, clock: new VirtualClock(0) });
        own.offer('parts', () =>
          Promise.resolve({
            async *read() {
              for (const part of parts) yield await Promise.resolve(part);
            },
          }),
        );
        own.serve(links[1]);
        let got: Buffer | undefined;
        void openStream({ connect: () => Promise.resolve(links[0]), name: 'parts', signal: never })
          .then(({ chunks }) => all(chunks))
          .then((bytes) => {
            got = bytes;
          });
        for (let rounds = 0; rounds < 20 && !got; rounds++) await settle(links);
        expect(got?.equals(Buffer.concat(parts))).toBe(true);
        expect(Math.max(...links.map(({ mostBuffered }) => mostBuffered))).toBeLessThanOrEqual(outboxBytes);
      },
    ),
    { numRuns: 40 },
  );
});

describe('a token bucket', () => {
  test('lets its rate pass over time, whoever takes, and a burst after a rest', async () => {
    const clock = new VirtualClock(0);
    const bucket = new TokenBucket({ bytesPerSecond: 1000, burstBytes: 500, clock });
    const passed: [string, number][] = [];
    const take = (who: string, bytes: number) =>
      bucket.take(bytes).then(() => passed.push([who, Math.round(clock.monotonicMs())]));
    void take('a', 500);
    void take('b', 1000);
    void take('c', 1000);
    await clock.run(10_000);
    void take('d', 400);
    void take('e', 200);
    await clock.run(10_000);
    expect(passed).toEqual([
      ['a', 0],
      ['b', 1000],
      ['c', 2000],
      ['d', 10_000],
      ['e', 10_100],
    ]);
  });

  test('gives back what nobody waits for any more', async () => {
    const clock = new VirtualClock(0);
    const bucket = new TokenBucket({ bytesPerSecond: 1000, burstBytes: 100, clock });
    const control = new AbortController();
    void bucket.take(1_000_000, control.signal);
    control.abort();
    let passedMs = -1;
    await clock.run(1);
    void bucket.take(200).then(() => {
      passedMs = clock.monotonicMs();
    });
    await clock.run(1000);
    // At 1 ms there were 100, and 100 more come within 100 ms.
    expect(passedMs).toBe(101);
  });
});
