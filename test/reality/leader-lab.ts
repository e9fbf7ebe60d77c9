/** Three real daemons, something that happens to the one that leads, and the words to say how long it was felt. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { describeReal } from '#test/real.ts';
import { Refused } from './api.ts';
import { missingMachines, until } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';
import { Writer } from './writer.ts';

/** Figures of this run, for whoever reads the output. */
export const tell = (text: string): void => void process.stdout.write(`${text}\n`);
type Figures = Readonly<Record<string, number>>;
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

interface LeaderLab {
  /** Known once the first test begins. */
  readonly lab: RealLab;
  newLeaderAfter(
    act: () => void | Promise<void>,
  ): Promise<{ readonly old: Machine; readonly now: Machine; readonly ms: number }>;
  code(asked: Promise<unknown>): Promise<string>;
  inTime(what: string, mostMs: Figures, act: (label: string) => Promise<Figures>): Promise<void>;
  writing(label: string, machines: readonly Machine[]): Promise<Writer>;
  goesOn(writer: Writer, acknowledged: number): Promise<unknown>;
  holds(label: string, writer: Writer): Promise<void>;
  /** Begins to write, and is stopped after the test. */
  writerOf(label: string, machines: readonly Machine[], options?: WriterOptions): Writer;
}

type WriterOptions = ConstructorParameters<typeof Writer>[2];

/** @param missing what else the tests need and this machine has not */
export function describeLeader(title: string, tests: (words: LeaderLab) => void, missing?: string): void {
  describeReal(title, missingMachines() ?? missing, () => {
    let lab: RealLab;
    beforeAll(async () => {
      lab = await RealLab.make(3);
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    /** How long nobody else leads after that, as the others tell. */
    async function newLeaderAfter(
      act: () => void | Promise<void>,
    ): Promise<{ old: Machine; now: Machine; ms: number }> {
      const old = await lab.whole();
      const rest = lab.others(old);
      await act.call(undefined);
      const since = performance.now();
      const now = await until('another leader', 15_000, async () => {
        const found = await lab.leader(rest).catch(() => undefined);
        return found !== undefined && found !== old && found;
      });
      return { old, now, ms: performance.now() - since };
    }

    const code = (asked: Promise<unknown>): Promise<string> =>
      asked.then(
        () => 'done',
        (error: unknown) => (error instanceof Refused ? error.problem.code : String(error)),
      );

    /**
     * A promise in seconds is one of the lab, not of a machine that has other things to do: what took too long is done
     * again, twice at most.
     */
    async function inTime(what: string, mostMs: Figures, act: (label: string) => Promise<Figures>): Promise<void> {
      for (let tried = 1; ; tried++) {
        const took = await act(`${what.replaceAll(' ', '-')}-${tried}`);
        const each = Object.entries(took);
        tell(`${what}: ${each.map(([of, ms]) => `${seconds(ms)} ${of}`).join(', ')}`);
        if (each.every(([of, ms]) => ms < (mostMs[of] ?? Infinity))) return;
        if (tried === 3) expect(took).toEqual(mostMs);
      }
    }

    /** Begins, and is asked to go on once something was acknowledged. */
    async function writing(label: string, machines: readonly Machine[]): Promise<Writer> {
      const writer = writerOf(label, machines);
      await until(`${label} writes`, 20_000, async () => writer.acknowledged.length > 2);
      return writer;
    }
    /** As long as the outage is felt: until something is acknowledged that came after it. */
    const goesOn = (writer: Writer, acknowledged: number): Promise<unknown> =>
      until('writes go on', 20_000, async () => writer.acknowledged.length > acknowledged + 2);

    /** Every machine knows what was acknowledged last, or what came after that. */
    async function holds(label: string, { acknowledged, attempted }: Writer): Promise<void> {
      expect(acknowledged.length).toBeGreaterThan(0);
      for (const machine of lab.machines) {
        const { labels } = await lab.api(machine).node('n1');
        expect([acknowledged.at(-1), attempted]).toContain(labels[label]);
      }
    }

    let writers: Writer[] = [];
    afterEach(async () => {
      await lab.network.heal();
      for (const writer of writers) await writer.stop();
      writers = [];
    });
    function writerOf(label: string, machines: readonly Machine[], options?: WriterOptions): Writer {
      const writer = new Writer(
        label,
        machines.map((machine) => lab.api(machine)),
        options,
      );
      writers.push(writer);
      return writer;
    }

    tests({
      get lab() {
        return lab;
      },
      ...{ newLeaderAfter, code, inTime, writing, goesOn, holds, writerOf },
    });
  });
}
