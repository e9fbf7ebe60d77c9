import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import type { Answer, Renewal } from '#events/lease/message.ts';
import { isLeaseFrame, isRenewalFrame, packAnswer, packRenewal, unpackLease } from '#io/lease/frame.ts';
import { BadFrame, frameOf } from '#io/log/raft/member/message-codec.ts';

const number = fc.maxSafeNat();
const said = { term: number, atMs: number, run: number, sequence: number };
const anyRenewal: fc.Arbitrary<Renewal> = fc.record({
  run: number,
  sequence: number,
  echo: fc.option(fc.record({ term: number, atMs: number }), { nil: undefined }),
  wantsMs: fc.nat(3_600_000),
});
const anyAnswer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ type: fc.constant('grant' as const), ...said, lengthMs: fc.nat(3_600_000), commitIndex: number }),
  fc.record({ type: fc.constant('denial' as const), ...said, why: fc.constantFrom('unheard' as const, 'refused') }),
);
const packr = new Packr({ useRecords: false });
const framed = (...fields: readonly unknown[]): Uint8Array => packr.pack(fields);

describe('a frame about leases', () => {
  test('says at the other end what it was made of', () => {
    fc.assert(
      fc.property(anyRenewal, anyAnswer, (renewal, answer) => {
        expect(unpackLease(packRenewal(renewal))).toEqual({ type: 'renewal', renewal });
        expect(unpackLease(packAnswer(answer))).toEqual({ type: 'answer', answer });
      }),
    );
  });

  test('is told from messages of consensus, and what is asked from what is answered', () => {
    fc.assert(
      fc.property(anyRenewal, anyAnswer, (renewal, answer) => {
        for (const frame of [packRenewal(renewal), packAnswer(answer)]) expect(isLeaseFrame(frame)).toBe(true);
        expect(isRenewalFrame(packRenewal(renewal))).toBe(true);
        expect(isRenewalFrame(packAnswer(answer))).toBe(false);
      }),
    );
    expect(isLeaseFrame(frameOf([]))).toBe(false);
    expect(isLeaseFrame(frameOf([packRenewal({ run: 1, sequence: 1, echo: undefined, wantsMs: 0 })]))).toBe(false);
  });

  test('takes less than fifty bytes', () => {
    const most = { run: 2 ** 32 - 1, sequence: 2 ** 31, echo: { term: 2 ** 31, atMs: 2 ** 40 }, wantsMs: 0 };
    expect(packRenewal(most).length).toBeLessThan(50);
  });

  test('with anything else in it is refused', () => {
    const wrong = [
      framed(),
      framed(9, 1, 1, null, null, 0),
      framed(1, 1, 1, null, null),
      framed(1, 1, 1, null, null, 0, 0),
      framed(1, 1, 1, 5, null, 0),
      framed(1, 1, 1, null, 5, 0),
      framed(1, -1, 1, null, null, 0),
      framed(1, 1.5, 1, null, null, 0),
      framed(1, 1, '1', null, null, 0),
      framed(1, 1, 1, null, null, 3_600_001),
      framed(2, 1, 1, 1, 1, 3_600_001, 1),
      framed(2, 1, 1, 1, 1, 10_000, Number.NaN),
      framed(3, 1, 1, 1, 1, 2),
      packr.pack({ run: 1 }),
      Uint8Array.of(0x96, 1),
      Uint8Array.of(),
    ];
    for (const frame of wrong) expect(() => unpackLease(frame), Buffer.from(frame).toString('hex')).toThrow(BadFrame);
  });

  test('of garbage is refused, and breaks nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          unpackLease(Uint8Array.of(0x96, ...bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(BadFrame);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
