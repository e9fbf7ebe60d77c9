/** What a node sends to those that follow it: comes over as it was, or not at all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noMembers } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import { framesOf, packEntries, packSight, type Frame } from '#io/log/raft/following/frames.ts';
import { seal } from '#io/log/raft/record.ts';
import type { Sight } from '#io/log/raft/following/sight.ts';

const sight: Sight = {
  cluster: 'lab',
  generation: 2,
  peer: asPeer('atlas.one'),
  isPeer: true,
  term: 3,
  leader: null,
  configuration: { ...noMembers, voters: [asPeer('atlas.one')], outgoing: [], learners: [], learnersNext: [] },
  committed: 17,
  last: 16,
  floor: 0,
  sealed: { last: 10, sha256: 'ab'.repeat(32) },
  serves: ['vega'],
};

const anyFrame = fc.oneof(
  fc.constant<Frame>({ sight }),
  fc
    .record({
      first: fc.integer({ min: 1, max: 2 ** 40 }),
      term: fc.integer({ min: 1, max: 2 ** 40 }),
      bodies: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }),
    })
    .map(({ first, term, bodies }): Frame => ({
      entries: bodies.map((bytes, at) => ({ index: first + at, term, bytes })),
    })),
);

const packed = (frames: readonly Frame[]): Uint8Array =>
  Buffer.concat(frames.map((frame) => ('sight' in frame ? packSight(frame.sight) : packEntries(frame.entries))));

const plain = (frame: Frame): unknown =>
  'sight' in frame ? frame : { entries: frame.entries.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] })) };

/** @param size of the chunks in which it comes */
async function received(bytes: Uint8Array, size: number): Promise<{ frames: readonly unknown[]; error: unknown }> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const frames: unknown[] = [];
  try {
    for await (const frame of framesOf(chunks())) frames.push(plain(frame));
  } catch (error) {
    return { frames, error };
  }
  return { frames, error: undefined };
}

describe('frames', () => {
  test('come over as they were, in whatever pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyFrame, { maxLength: 6 }), fc.integer({ min: 1, max: 700 }), async (frames, size) => {
        expect(await received(packed(frames), size)).toEqual({ frames: frames.map(plain), error: undefined });
      }),
    );
  });

  test('of which one bit has changed come over up to there, and nothing that is not so', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyFrame, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.nat(7),
        async (frames, at, bit) => {
          const bytes = Uint8Array.from(packed(frames));
          const place = at % bytes.length;
          bytes[place] = (bytes[place] as number) ^ (1 << bit);
          const { frames: found } = await received(bytes, 64);
          expect(found.length).toBeLessThan(frames.length);
          expect(found).toEqual(frames.slice(0, found.length).map(plain));
        },
      ),
    );
  });

  test('with anything else in them are refused', async () => {
    const place = new TextEncoder().encode('what followers are sent');
    // What msgpack has no meaning for, a map that ends too early, a number.
    for (const body of [[0xc1], [0x82, 0x01], [0x05]]) {
      const sealed = seal(place, 1, Uint8Array.from(body));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(sealed.length);
      const { error } = await received(Buffer.concat([length, sealed]), 64);
      expect(error).toMatchObject({ code: 'DAMAGED' });
    }
  });

  test('that claim to be endless are refused before they have come', async () => {
    const { error } = await received(Uint8Array.of(255, 255, 255, 255, 1), 5);
    expect(error).toMatchObject({ code: 'DAMAGED' });
  });
});
