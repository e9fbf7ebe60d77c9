/** Writers in a closed loop: each sends its next value when the last one was acknowledged. */
import { percentile } from '../table.ts';

export interface Load {
  readonly outstanding: number;
  readonly warmMs: number;
  readonly durationMs: number;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export const valueBytes = 256;

/** @param write one value; resolves when it is acknowledged */
export async function measure(load: Load, write: (writer: number) => Promise<unknown>): Promise<Measured> {
  await loop(load.outstanding, load.warmMs, write);
  const fromMs = performance.now();
  const latencies = await loop(load.outstanding, load.durationMs, write);
  const tookMs = performance.now() - fromMs;
  return {
    perSecond: (latencies.length * 1000) / tookMs,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  };
}

/** Writes so many, as fast as that goes. */
export async function writeMany(
  count: number,
  outstanding: number,
  write: (writer: number) => Promise<unknown>,
): Promise<void> {
  let left = count;
  const writers = Array.from({ length: outstanding }, async (_, writer) => {
    while (left-- > 0) await write(writer);
  });
  await Promise.all(writers);
}

async function loop(
  outstanding: number,
  durationMs: number,
  write: (writer: number) => Promise<unknown>,
): Promise<number[]> {
  const latencies: number[] = [];
  const endMs = performance.now() + durationMs;
  const writers = Array.from({ length: outstanding }, async (_, writer) => {
    for (let nowMs = performance.now(); nowMs < endMs;) {
      await write(writer);
      const thenMs = performance.now();
      latencies.push(thenMs - nowMs);
      nowMs = thenMs;
    }
  });
  await Promise.all(writers);
  return latencies;
}
