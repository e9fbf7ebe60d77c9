/** Messages of consensus as bytes: all of them come back as they were, and nothing else gets in. */
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import type { Configuration } from '#events/raft/configuration.ts';
import { asPeer, type Entry } from '#events/raft/entry.ts';
import type { Message, MessageType } from '#events/raft/message.ts';
import { BadFrame, frameOf, MessagePacker, parcelsOf } from '#io/log/raft/member/message-codec.ts';
import type { Parcel } from '#io/log/raft/member/transport.ts';

const [from, to] = [asPeer('atlas.a'), asPeer('bolt.b')];

const number = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 48 - 1 }));
const peer = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}\.[a-z0-9]{1,4}$/).map(asPeer);
const peers = fc.array(peer, { maxLength: 4 });
const position = fc.record({ index: number, term: number });
const bytes = fc.uint8Array({ maxLength: 60 });
const name = fc.string({ maxLength: 40 });

const body = fc.oneof(
  fc.record({ type: fc.constant('data' as const), data: bytes }),
  fc.record({ type: fc.constant('empty' as const), data: fc.constant(new Uint8Array(0)) }),
  fc.record({
    type: fc.constant('change' as const),
    data: bytes,
    change: fc.record({
      transition: fc.constantFrom('auto' as const, 'explicit' as const),
      steps: fc.array(fc.record({ do: fc.constantFrom('add-voter' as const, 'remove' as const), peer }), {
        maxLength: 3,
      }),
    }),
  }),
);
const append = fc
  .record({ prevIndex: fc.nat(2 ** 40), prevTerm: number, commit: number, bodies: fc.array(body, { maxLength: 4 }) })
  .map(({ prevIndex, prevTerm, commit, bodies }) => {
    const entries = bodies.map((one, at): Entry => ({ ...one, index: prevIndex + 1 + at, term: prevTerm }) as Entry);
    return { prevIndex, prevTerm, commit, entries };
  });
const ballot = fc.record({ lastIndex: number, lastTerm: number, committed: position, transfer: fc.boolean() });
const answer = fc.record({ granted: fc.boolean(), committed: position, suspect: fc.boolean() });
const configuration: fc.Arbitrary<Configuration> = fc.record({
  voters: peers,
  outgoing: peers,
  learners: peers,
  learnersNext: peers,
  autoLeave: fc.boolean(),
});
const meta = fc.record({ index: number, term: number, configuration });
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const why = fc.constantFrom('no-leader', 'too-many', 'leader-changed', 'unanswered' as const);

/** The compiler wants every type of message. */
const fields: Record<MessageType, fc.Arbitrary<object>> = {
  'pre-vote': ballot,
  'pre-vote-response': answer,
  vote: ballot,
  'vote-response': answer,
  append,
  'append-response': fc.record({ index: number, hint: optional(position), suspect: fc.boolean() }),
  heartbeat: fc.record({ commit: number, commitTerm: optional(number), token: number }),
  'heartbeat-response': fc.record({ token: number, lastIndex: number, lastTerm: number }),
  snapshot: fc.record({ snapshot: meta }),
  'timeout-now': fc.constant({}),
  read: fc.record({ request: name }),
  'read-response': fc.record({ request: name, index: number }),
  'read-refusal': fc.record({ request: name, why }),
};
const types = Object.keys(fields) as MessageType[];

const messageOf = (type: MessageType): fc.Arbitrary<Message> =>
  fc.tuple(number, fields[type]).map(([term, rest]) => ({ type, from, to, term, ...rest }) as Message);

const file = fc.record({ file: name, sizeBytes: number, sha256: fc.stringMatching(/^[0-9a-f]{64}$/) });
const parcel: fc.Arbitrary<Parcel> = fc.oneof(
  ...types.map((type) => messageOf(type).map((message) => ({ message }))),
  fc.tuple(messageOf('snapshot'), file).map(([message, about]) => {
    if (message.type !== 'snapshot') throw new Error('not a snapshot');
    return { message, pointer: { meta: message.snapshot, ...about } };
  }),
);

const packed = (parcels: readonly Parcel[]): Uint8Array => {
  const packer = new MessagePacker();
  return frameOf(parcels.map((one) => packer.pack(one)));
};

/** Buffers and plain arrays of bytes are the same here. */
const plain = (parcels: readonly Parcel[]): unknown =>
  JSON.parse(
    JSON.stringify(parcels, (_, value: unknown) =>
      value instanceof Uint8Array || (value as { type?: string } | null)?.type === 'Buffer'
        ? Buffer.from((value as { data?: number[] }).data ?? (value as Uint8Array)).toString('hex')
        : value,
    ),
  );

describe('a message of consensus', () => {
  test.each(types)('%s arrives as it was sent', (type) => {
    fc.assert(
      fc.property(messageOf(type), (message) => {
        expect(plain(parcelsOf(packed([{ message }]), from, to))).toEqual(plain([{ message }]));
      }),
      { numRuns: 50 },
    );
  });

  test('comes in a frame with others, in their order', () => {
    fc.assert(
      fc.property(fc.array(parcel, { maxLength: 8 }), (parcels) => {
        expect(plain(parcelsOf(packed(parcels), from, to))).toEqual(plain(parcels));
      }),
    );
  });

  test('is from whom the link says, whoever packed it', () => {
    const message: Message = { type: 'timeout-now', from: asPeer('somebody.x'), to: asPeer('else.y'), term: 7 };
    expect(parcelsOf(packed([{ message }]), from, to)).toEqual([{ message: { ...message, from, to } }]);
  });

  test('has entries in memory of their own, which outlive its frame', () => {
    const data = Buffer.from('what was agreed on');
    const entries: Entry[] = [{ type: 'data', index: 4, term: 2, data }];
    const frame = packed([
      { message: { type: 'append', from, to, term: 2, prevIndex: 3, prevTerm: 2, commit: 3, entries } },
    ]);
    const [arrived] = parcelsOf(frame, from, to);
    frame.fill(0);
    const { message } = arrived as Parcel;
    expect(message.type === 'append' && Buffer.from(message.entries[0]?.data ?? []).toString()).toBe(data.toString());
  });
});

test('an append is packed once for all who get it, and anew when anything of it is another', () => {
  const entries: Entry[] = [{ type: 'data', index: 4, term: 2, data: Buffer.from('one') }];
  const append = { type: 'append', from, to, term: 2, prevIndex: 3, prevTerm: 2, commit: 3, entries } as const;
  const packer = new MessagePacker();
  const first = packer.pack({ message: append });
  expect(packer.pack({ message: { ...append, to: asPeer('else.y'), entries: [...entries] } })).toBe(first);
  expect(packer.pack({ message: { ...append, commit: 4 } })).not.toEqual(first);
  const again = packer.pack({ message: append });
  expect(again).toEqual(first);
  packer.forget();
  expect(packer.pack({ message: append })).not.toBe(again);
});

describe('a hostile frame', () => {
  /** @throws anything but BadFrame */
  const read = (frame: Uint8Array): 'read' | 'refused' => {
    try {
      parcelsOf(frame, from, to);
      return 'read';
    } catch (error) {
      if (error instanceof BadFrame) return 'refused';
      throw error;
    }
  };

  test('of any bytes is refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (frame) => void read(frame)),
      { numRuns: 2000 },
    );
  });

  test('that is a true one with some bytes changed, cut off or added is read or refused', () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.array(parcel, { minLength: 1, maxLength: 3 }),
        fc.array(change, { maxLength: 3 }),
        fc.nat(),
        (parcels, changes, cut) => {
          const frame = packed(parcels).slice();
          for (const { at, to: byte } of changes) frame[at % frame.length] = byte;
          read(frame);
          read(frame.subarray(0, cut % frame.length));
          read(Buffer.concat([frame, Buffer.from([cut & 0xff])]));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('whose message says more than it should is refused', () => {
    const packer = new Packr({ useRecords: false });
    // The tenth type: to campaign at once.
    expect(read(frameOf([packer.pack([9, 1])]))).toBe('read');
    expect(read(frameOf([packer.pack([9, 1, 2])]))).toBe('refused');
    expect(read(frameOf([packer.pack([9])]))).toBe('refused');
  });

  test('with entries that do not follow one another is refused', () => {
    const entry = (index: number): Entry => ({ type: 'data', index, term: 1, data: new Uint8Array(3) });
    const message = { type: 'append', from, to, term: 1, prevIndex: 3, prevTerm: 1, commit: 0 } as const;
    expect(read(packed([{ message: { ...message, entries: [entry(4), entry(5)] } }]))).toBe('read');
    expect(read(packed([{ message: { ...message, entries: [entry(4), entry(6)] } }]))).toBe('refused');
    expect(read(packed([{ message: { ...message, entries: [entry(5)] } }]))).toBe('refused');
  });
});
