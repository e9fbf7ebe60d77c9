/** A lab that begins as one machine, and what a person types and sees there. */
import { afterAll, beforeAll, expect } from 'vitest';
import { describeReal } from '#test/real.ts';
import { missingMachines } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';

interface RecipesLab {
  /** Known once the first test begins. */
  readonly lab: RealLab;
  founder(): Machine;
  lineOf(at: Machine, ...options: readonly string[]): Promise<readonly string[]>;
  /** One more, that belongs to no lab yet. */
  machine(number: number): Promise<Machine>;
  forget(gone: Machine): void;
  stateOf(name: string, at?: Machine): Promise<string | undefined>;
  clusterStatus(at: Machine): Promise<{ readonly code: number; readonly out: string }>;
}

/** All that it has written, on one line. */
export const words = ({ output }: Machine): string => output.replaceAll(/\s+/g, ' ');

export function describeRecipes(title: string, tests: (recipes: RecipesLab) => void): void {
  describeReal(title, missingMachines(), () => {
    let lab: RealLab;
    const founder = (): Machine => lab.machines[0] as Machine;

    beforeAll(async () => {
      lab = await RealLab.make(1);
    });
    afterAll(() => lab[Symbol.asyncDispose]());

    /** What a person would type on the new machine, of the line that a token prints. */
    async function lineOf(at: Machine, ...options: readonly string[]): Promise<readonly string[]> {
      const line = (await lab.tells(at, 'node', 'token', ...options)).trim();
      expect(line).toMatch(/^npm start -- --join flt1-/);
      return line.split(' ').slice(3);
    }

    async function machine(number: number): Promise<Machine> {
      const made = await lab.machine(number);
      lab.machines.push(made);
      return made;
    }
    const forget = (gone: Machine): void => void lab.machines.splice(lab.machines.indexOf(gone), 1);

    const stateOf = async (name: string, at = founder()): Promise<string | undefined> =>
      (await lab.api(at).nodes()).find((row) => row.name === name)?.state;
    /** What a person sees who asks this machine. */
    const clusterStatus = async (at: Machine): Promise<{ readonly code: number; readonly out: string }> => {
      const { code, out } = await lab.cli(at, ['cluster', 'status']);
      return { code, out: out.replaceAll(/\s+/g, ' ') };
    };

    tests({
      get lab() {
        return lab;
      },
      ...{ founder, lineOf, machine, forget, stateOf, clusterStatus },
    });
  });
}
