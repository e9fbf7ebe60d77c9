/** What a writer was told stands in the history of every machine. */
import { expect } from 'vitest';
import type { RealLab } from './lab.ts';
import type { Writer } from './writer.ts';

/** Every value that was acknowledged is there, once and in order. */
export async function nothingIsLost(lab: RealLab, label: string, { acknowledged, attempted }: Writer): Promise<void> {
  expect(acknowledged.length).toBeGreaterThan(0);
  for (const machine of lab.machines) {
    const api = lab.api(machine);
    expect([acknowledged.at(-1), attempted]).toContain((await api.node('n1')).labels[label]);
    const written = (await api.events()).flatMap(({ type, data }) => {
      const labels = type === 'node.labelled' ? (data as { readonly labels?: Record<string, string> }).labels : {};
      const value = labels?.[label];
      return value === undefined ? [] : [value];
    });
    expect([...new Set(written)].filter((value) => acknowledged.includes(value))).toEqual(acknowledged);
  }
}
