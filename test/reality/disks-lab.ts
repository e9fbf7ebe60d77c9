/** Three real daemons whose disks fail, and what they were told before. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { describeReal } from '#test/real.ts';
import { missingMachines } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';
import { Writer } from './writer.ts';

interface DisksLab {
  /** Known once the first test begins. */
  readonly lab: RealLab;
  /** Begins to write, and is stopped after the test. */
  writerOf(label: string, machines?: readonly Machine[]): Writer;
  nothingIsLost(label: string, writer: Writer): Promise<void>;
}

export function describeDisks(title: string, tests: (words: DisksLab) => void): void {
  describeReal(title, missingMachines(), () => {
    let lab: RealLab;
    beforeAll(async () => {
      lab = await RealLab.make(3);
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    let writers: Writer[] = [];
    afterEach(async () => {
      for (const writer of writers) await writer.stop();
      writers = [];
    });

    function writerOf(label: string, machines: readonly Machine[] = lab.machines): Writer {
      const writer = new Writer(
        label,
        machines.map((machine) => lab.api(machine)),
        { tries: 20, withinMs: 8000 },
      );
      writers.push(writer);
      return writer;
    }

    /** Every value that was acknowledged is in the history of every machine, once and in order. */
    async function nothingIsLost(label: string, { acknowledged, attempted }: Writer): Promise<void> {
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

    tests({
      get lab() {
        return lab;
      },
      ...{ writerOf, nothingIsLost },
    });
  });
}
