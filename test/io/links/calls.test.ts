import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { packCall, packSeveral, parseCall, splitSeveral, type CallFrame } from '#io/links/call-frames.ts';
import { Calls, Methods, type CallError } from '#io/links/calls.ts';
import { IoError } from '#io/devices/error.ts';
import { fakePair, settle, type FakeLink } from './fake-link.ts';
import { recordedLog, SmallLab } from './small-lab.ts';

const never = new AbortController().signal;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const { log, lines } = recordedLog();

let pair: [FakeLink, FakeLink];
let methods: Methods;
let calls: Calls;
let theirs: Calls;
const begin = (options: { maxConcurrent?: number; outboxBytes?: number } = {}): void => {
  const { outboxBytes, ...rest } = options;
  pair = fakePair(outboxBytes);
  methods = new Methods();
  methods.handle('echo', (body) => Promise.resolve(body));
  methods.handle(
    'slow',
    (_body, _peer, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          given.push('up');
          reject(new Error('given up'));
        });
      }),
  );
  calls = new Calls({ link: pair[0], methods: new Methods(), log, ...rest });
  theirs = new Calls({ link: pair[1], methods, log, ...rest });
};
let given: string[] = [];
beforeEach(() => {
  given = [];
  lines.length = 0;
  begin();
});
const failure = (call: Promise<unknown>): Promise<CallError> =>
  call.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: CallError) => error,
  );

describe('a call', () => {
  test('brings the answer of the other end', async () => {
    const call = calls.call('echo', Buffer.from('hello'), never);
    await settle(pair);
    expect(text(await call)).toBe('hello');
  });

  test('goes in both directions over one link', async () => {
    const both = new Methods();
    both.handle('who', (_body, peer) => Promise.resolve(Buffer.from(`you are ${peer.node}`)));
    pair = fakePair();
    const [a, b] = [new Calls({ link: pair[0], methods: both, log }), new Calls({ link: pair[1], methods: both, log })];
    const asked = [a.call('who', Buffer.alloc(0), never), b.call('who', Buffer.alloc(0), never)];
    await settle(pair);
    expect((await Promise.all(asked)).map(text)).toEqual(['you are atlas', 'you are bolt']);
  });

  test('brings the error of the other end, with its code and hint', async () => {
    methods.handle('full', () =>
      Promise.reject(
        new IoError('NO_SPACE', { op: 'x', target: 'y', message: 'the pool is full', hint: 'Free some.' }),
      ),
    );
    methods.handle('broken', () => {
      throw new TypeError('oops');
    });
    const [full, broken] = [calls.call('full', Buffer.alloc(0), never), calls.call('broken', Buffer.alloc(0), never)];
    const failures = Promise.all([failure(full), failure(broken)]);
    await settle(pair);
    const [first, second] = await failures;
    expect([first?.code, first?.message, first?.hint]).toEqual(['NO_SPACE', 'the pool is full', 'Free some.']);
    expect([second?.code, second?.message]).toEqual(['FAILED', 'oops']);
    // What nobody foresaw is told where it happened.
    expect(lines.map(({ method, msg }) => [method, msg])).toEqual([['broken', 'a call failed']]);
  });

  test('of a method that the other end does not know says so', async () => {
    const error = failure(calls.call('new/thing', Buffer.alloc(0), never));
    await settle(pair);
    expect(await error).toMatchObject({ code: 'UNKNOWN_METHOD', hint: expect.stringContaining('upgrade') });
  });

  test('that nobody waits for any more is given up at the other end', async () => {
    const control = new AbortController();
    const error = failure(calls.call('slow', Buffer.alloc(0), control.signal));
    await settle(pair);
    control.abort();
    expect((await error).code).toBe('ABORTED');
    await settle(pair);
    expect(given).toEqual(['up']);
    expect((await failure(calls.call('echo', Buffer.alloc(0), control.signal))).code).toBe('ABORTED');
    expect(pair[0].isOpen).toBe(true);
  });

  test('under way when the link ends may have been carried out or not', async () => {
    const error = failure(calls.call('slow', Buffer.alloc(0), never));
    await settle(pair);
    pair[1].close('STOPPING', 'this node is stopping');
    expect(await error).toMatchObject({ code: 'LINK_LOST', message: expect.stringContaining('nobody knows') });
    expect(given).toEqual(['up']);
    expect((await failure(calls.call('echo', Buffer.alloc(0), never))).code).toBe('NO_LINK');
  });

  test('beyond what is handled at once is refused, and was not carried out', async () => {
    begin({ maxConcurrent: 2 });
    const control = new AbortController();
    const first = [1, 2].map(() => failure(calls.call('slow', Buffer.alloc(0), control.signal)));
    const third = failure(calls.call('echo', Buffer.alloc(0), never));
    await settle(pair);
    expect((await third).code).toBe('BUSY');
    control.abort();
    await Promise.all(first);
    await settle(pair);
    const fourth = calls.call('echo', Buffer.from('now'), never);
    await settle(pair);
    expect(text(await fourth)).toBe('now');
  });

  test('or an answer that no frame can hold is an error, and harms nothing', async () => {
    const lab = await SmallLab.create();
    try {
      const { here, there } = await lab.pair(await lab.node('atlas'), await lab.node('bolt'), 'requests');
      methods.handle('flood', () => Promise.resolve(Buffer.alloc(5_000_000)));
      const real = new Calls({ link: here, methods, log });
      expect(new Calls({ link: there, methods, log }).peer.node).toBe('atlas');
      expect((await failure(real.call('echo', Buffer.alloc(5_000_000), never))).code).toBe('TOO_LARGE');
      expect((await failure(real.call('flood', Buffer.alloc(0), never))).code).toBe('TOO_LARGE');
      expect(text(await real.call('echo', Buffer.from('fine'), never))).toBe('fine');
      // More at once than the outbox holds: they wait for room.
      const large = await Promise.all(
        Array.from({ length: 12 }, (_, i) => real.call('echo', Buffer.alloc(3_000_000, i), never)),
      );
      expect(large.map((body) => [body.length, body[0], body.at(-1)])).toEqual(
        Array.from({ length: 12 }, (_, i) => [3_000_000, i, i]),
      );
    } finally {
      await lab.close();
    }
  });
});

describe('a node that breaks the protocol loses its link', () => {
  const cancel = packCall({ t: 'cancel', id: 1 });
  const offences: [string, Buffer][] = [
    ['with garbage', Buffer.from([9, 9, 9])],
    ['with an unknown kind of frame', Buffer.concat([Buffer.from([7]), Buffer.alloc(6)])],
    ['with a method that cannot be one', packCall({ t: 'call', id: 1, method: 'DROP TABLE', body: Buffer.alloc(0) })],
    ['with several calls of which the last is cut short', packSeveral([cancel, cancel]).subarray(0, -1)],
    ['with an answer that nobody asked for', packCall({ t: 'result', id: 77, body: Buffer.alloc(0) })],
    [
      'with an error that makes no sense',
      Buffer.concat([packCall({ t: 'cancel', id: 1 }).fill(3, 0, 1), Buffer.from('{')]),
    ],
  ];
  test.each(offences)('%s', async (_what, frame) => {
    const lost = failure(theirs.call('echo', Buffer.alloc(0), never));
    pair[1].hear(frame);
    expect(await pair[1].closed).toMatchObject({ code: 'BAD_FRAME' });
    expect((await lost).code).toBe('LINK_LOST');
  });

  test('with the same number twice', async () => {
    const frame = packCall({ t: 'call', id: 1, method: 'slow', body: Buffer.alloc(0) });
    pair[1].hear(frame);
    expect(pair[1].isOpen).toBe(true);
    pair[1].hear(frame);
    expect(pair[1].end).toMatchObject({ code: 'BAD_FRAME' });
  });
});

test('what is said in one turn is one frame, in order, unless that would be a large one', async () => {
  const heard: string[] = [];
  methods.handle('note', async (body) => {
    heard.push(text(body));
    return body;
  });
  const small = Array.from({ length: 50 }, (_, n) => calls.call('note', Buffer.from(`${n}`), never));
  await new Promise((resolve) => setImmediate(resolve));
  expect(pair[0].outbox).toHaveLength(1);
  await settle(pair);
  expect((await Promise.all(small)).map(text)).toEqual(heard);
  expect(heard).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`));
  const large = Array.from({ length: 4 }, () => calls.call('note', Buffer.alloc(30_000), never));
  await new Promise((resolve) => setImmediate(resolve));
  expect(pair[0].outbox).toHaveLength(2);
  await settle(pair);
  await Promise.all(large);
});

test('several frames in one are split as they were put together, and garbage never throws', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 7, maxLength: 50 }), { minLength: 1, maxLength: 10 }), (parts) => {
      // A frame of ours begins with its kind.
      const frames = parts.map((part) => Buffer.from(part).fill(2, 0, 1));
      const whole = packSeveral(frames);
      expect(splitSeveral(whole)).toEqual(frames);
      if (frames.length > 1) expect(splitSeveral(whole.subarray(0, -1))).toBeUndefined();
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void splitSeveral(Buffer.from([5, ...bytes]))));
});

test('frames read as they were written, and garbage is never a frame that throws', () => {
  const id = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  const body = fc.uint8Array({ maxLength: 300 });
  const frame: fc.Arbitrary<CallFrame> = fc.oneof(
    fc.record({ t: fc.constant('call' as const), id, method: fc.stringMatching(/^[a-z][a-z0-9/.-]{0,63}$/), body }),
    fc.record({ t: fc.constant('result' as const), id, body }),
    fc.record({ t: fc.constant('cancel' as const), id }),
    fc.record({
      t: fc.constant('error' as const),
      id,
      trouble: fc.record({ code: fc.stringMatching(/^[A-Z][A-Z0-9_]{0,9}$/), message: fc.string(), hint: fc.string() }),
    }),
  );
  const plain = (it: CallFrame | undefined) =>
    it && 'body' in it ? { ...it, body: Buffer.from(it.body).toString('hex') } : { ...it };
  fc.assert(
    fc.property(frame, (it) => {
      expect(plain(parseCall(packCall(it)))).toEqual(plain(it));
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const read = parseCall(Buffer.from(bytes));
      if (read) expect(packCall(read).subarray(0, 7)).toEqual(Buffer.from(bytes).subarray(0, 7));
    }),
  );
});

test('whatever the order of calls, answers, cancels and a full outbox, each call gets its own answer once', async () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        size: fc.integer({ min: 0, max: 30 }),
        from: fc.nat(1),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(20) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver' as const), end: fc.nat(1) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(20) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, endsEarly) => {
      const links = fakePair(100);
      const held: (() => void)[] = [];
      const gate = new Methods();
      let handled = 0;
      gate.handle('echo', async (body, _peer, signal) => {
        handled += 1;
        const copy = Buffer.from(body);
        await new Promise<void>((resolve) => {
          held.push(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        return copy;
      });
      // A half empty outbox takes any frame.
      const ends = links.map((link) => new Calls({ link, methods: gate, log, maxFrameBytes: 50 }));
      const made: { control: AbortController; sent: string; result: Promise<string> }[] = [];
      for (const it of steps) {
        if (it.do === 'call') {
          const control = new AbortController();
          const sent = `${made.length}:${'x'.repeat(it.size)}`;
          const result = ends[it.from]!.call('echo', Buffer.from(sent), control.signal).then(
            text,
            (e: CallError) => e.code,
          );
          made.push({ control, sent, result });
        } else if (it.do === 'cancel') made[it.which]?.control.abort();
        else if (it.do === 'deliver') links[it.end]?.deliver();
        else held.splice(it.which % (held.length + 1), 1)[0]?.();
        await Promise.resolve();
      }
      if (endsEarly) links[0].close('LOST', 'a cut');
      for (let rounds = 0; rounds < 40 && !endsEarly; rounds++) {
        await settle(links);
        for (const go of held.splice(0)) go();
      }
      const results = await Promise.all(made.map(({ result }) => result));
      for (const [i, { control, sent }] of made.entries()) {
        const allowed = [
          sent,
          ...(control.signal.aborted ? ['ABORTED'] : []),
          ...(endsEarly ? ['LINK_LOST', 'NO_LINK'] : []),
        ];
        expect(allowed).toContain(results[i]);
      }
      expect(handled).toBeLessThanOrEqual(made.length);
      expect(links.map(({ end }) => end?.code)).toEqual(endsEarly ? ['LOST', 'LOST'] : [undefined, undefined]);
      for (const link of links) expect(link.mostBuffered).toBeLessThanOrEqual(100);
    }),
    { numRuns: 150 },
  );
});
