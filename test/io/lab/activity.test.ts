import { describe, expect, test } from 'vitest';
import { asIndex, type StreamId } from '#events/envelope.ts';
import type { ActivityRange } from '#io/lab/port.ts';
import type { RunningLab } from '#io/lab/running.ts';
import { Laboratory } from './laboratory.ts';

/** A lab whose volumes a and b are changed in turn, part of it before a restart. */
async function labWithHistory() {
  const laboratory = new Laboratory();
  let { lab, close } = await laboratory.open();
  const volume = async (name: string): Promise<StreamId> => {
    const { events } = await laboratory.must(lab, 'create-volume', { name, spec: { sizeBytes: 2 ** 26 } });
    return events.find(({ type }) => type === 'volume.created')?.stream ?? 'volume:none';
  };
  const [a, b] = [await volume('a'), await volume('b')];
  for (let n = 1; n <= 10; n++) {
    if (n === 6) {
      await close();
      ({ lab, close } = await laboratory.open());
    }
    for (const name of ['a', 'b']) await laboratory.must(lab, 'change-volume', { name, keep: `${n}h:1h` });
  }
  return { laboratory, lab, close, a, b };
}

const indicesOf = async (lab: RunningLab, range: ActivityRange) =>
  (await lab.activity(range)).map(({ index }) => index);

describe('Activity', () => {
  test('is read newest first, or onwards from an index', async () => {
    const { lab, close } = await labWithHistory();
    const head = lab.index;
    expect(await indicesOf(lab, { limit: 3 })).toEqual([head, head - 1, head - 2]);
    expect(await indicesOf(lab, { before: head - 1, limit: 2 })).toEqual([head - 2, head - 3]);
    expect(await indicesOf(lab, { after: head - 2, limit: 9 })).toEqual([head - 1, head]);
    expect(await indicesOf(lab, { after: 0, limit: 2 })).toEqual([1, 2]);
    expect(await indicesOf(lab, { after: head, limit: 2 })).toEqual([]);
    expect(await indicesOf(lab, { before: 1, limit: 2 })).toEqual([]);
    expect(await indicesOf(lab, { limit: 1000 })).toEqual(Array.from({ length: head }, (_, n) => head - n));
    await close();
  });

  test('of one object is its history and nothing else', async () => {
    const { lab, close, a, b } = await labWithHistory();
    for (const stream of [a, b]) {
      const rows = await lab.activity({ stream, limit: 1000 });
      expect(new Set(rows.map((row) => row.stream))).toEqual(new Set([stream]));
      expect(rows.map(({ version }) => version)).toEqual(Array.from({ length: 11 }, (_, n) => 11 - n));
      const fifth = rows.find(({ version }) => version === 5)?.index ?? 0;
      const versions = async (range: Omit<ActivityRange, 'stream'>) =>
        (await lab.activity({ ...range, stream })).map(({ version }) => version);
      expect(await versions({ after: fifth, limit: 3 })).toEqual([6, 7, 8]);
      expect(await versions({ before: fifth, limit: 3 })).toEqual([4, 3, 2]);
    }
    await close();
  });

  test('finds the index of a time', async () => {
    const { lab, close } = await labWithHistory();
    for (const row of await lab.activity({ limit: 1000 })) {
      const index = await lab.indexAt(row.at);
      expect(index).toBeGreaterThanOrEqual(row.index);
      expect((await lab.activity({ after: index - 1, limit: 1 }))[0]?.at).toBe(row.at);
    }
    expect(await lab.indexAt(0)).toBe(asIndex(0));
    await close();
  });
});
