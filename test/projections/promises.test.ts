import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { promisesOf, toleranceOf } from '#projections/promises.ts';

const size = (machines: number, voters: number, witnesses = 0, eligible = machines + witnesses) => ({
  machines,
  witnesses,
  eligible,
  voters,
});

const unmoved =
  'Apps do not move by themselves yet. A volume without a replica has one copy in the lab: it is lost with its machine.';

describe('a lab says what it cannot promise', () => {
  test('of one machine: nothing survives its loss', () => {
    expect(promisesOf(size(1, 1))).toEqual([
      'One machine: what is on it has no second copy in the lab, and its apps stop with it.',
      'A second machine can hold copies; with a third, or a witness, the lab also decides without any one of them.',
    ]);
  });

  test('of two machines: one decides, and nothing moves by itself without it', () => {
    expect(promisesOf(size(2, 1))).toEqual([
      'One of two nodes decides: while it is away nothing in the lab changes, and no app moves by itself.',
      'A witness (any small board) or a third machine makes it three that decide.',
      unmoved,
    ]);
  });

  test('of two machines and a witness, or of three: any one may fail', () => {
    const words = [
      'Three nodes decide: the lab goes on without any one of them, and decides nothing without two.',
      unmoved,
    ];
    expect(promisesOf(size(2, 3, 1))).toEqual(words);
    expect(promisesOf(size(3, 3))).toEqual(words);
    expect(promisesOf(size(4, 3))).toEqual(words);
  });

  test('of five voters: any two may fail', () => {
    expect(promisesOf(size(9, 5))).toEqual([
      'Five nodes decide: the lab goes on without any two of them, and decides nothing without three.',
      unmoved,
    ]);
  });

  test('on its way to more voters: that it is not there yet', () => {
    expect(promisesOf(size(3, 1))).toEqual([
      'One of three nodes decides: while it is away nothing in the lab changes, and no app moves by itself.',
      'Three nodes will decide as soon as the new ones have the whole log.',
      unmoved,
    ]);
  });

  test('with two voters left, or one machine beside its witness', () => {
    expect(promisesOf(size(2, 2))).toEqual([
      'Two nodes decide, and both must answer: nothing changes while one is away.',
      unmoved,
    ]);
    expect(promisesOf(size(1, 1, 1)).at(-1)).toBe(
      'One machine runs apps: without it none of them runs, and its volumes have no second copy.',
    );
  });

  test('of several machines, whatever decides: no app moves, and no volume has a second copy', () => {
    for (let machines = 0; machines <= 9; machines++) {
      const said = promisesOf(size(machines, 3, 1));
      expect([machines, said.includes(unmoved)]).toEqual([machines, machines >= 2]);
    }
  });

  test('whatever its size: in sentences, and it bears as many losses as leave most of the voters', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.nat(4), fc.nat(9), (machines, witnesses, voters) => {
        for (const sentence of promisesOf(size(machines, voters, witnesses)))
          expect(sentence).toMatch(/^[A-Z0-9].*\.$/);
        const borne = toleranceOf(voters);
        if (voters > 0) {
          expect(2 * (voters - borne)).toBeGreaterThan(voters);
          expect(2 * (voters - borne - 1)).toBeLessThanOrEqual(voters);
        }
      }),
    );
  });

  test('of machines without btrfs and zfs: what their volumes lack', () => {
    expect(promisesOf({ ...size(1, 1), plain: 1 }).at(-1)).toContain('as plain folders');
    expect(promisesOf({ ...size(3, 3), plain: 1 }).at(-1)).toMatch(
      /^One of three machines keeps volumes as plain folders/,
    );
    expect(promisesOf({ ...size(3, 3), plain: 0 }).join()).not.toContain('folders');
  });
});
