/** Reproducible chance: sfc32 (Chris Doty-Humphrey's PractRand), seeded by splitmix32. */
import type { Random } from './port.ts';

export interface SeededRandom extends Random {
  /** Uniform integer in [0, below). */
  below(below: number): number;
  pick<T>(items: readonly T[]): T;
  chance(probability: number): boolean;
  /** An independent stream for one part of a simulation, so that parts do not disturb one another. */
  fork(name: string): SeededRandom;
}

export function seededRandom(seed: number): SeededRandom {
  let mix = seed | 0;
  const split = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let [a, b, c, count] = [split(), split(), split(), 1];
  const next = (): number => {
    const t = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    id: () => Array.from({ length: 20 }, () => '0123456789abcdefghijklmnopqrstuvwxyz'[below(36)]).join(''),
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    chance: (probability) => next() < probability,
    fork: (name) => {
      let hash = seed;
      for (const char of name) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0;
      return seededRandom(hash);
    },
  };
}
