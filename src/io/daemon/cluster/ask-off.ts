/**
 * The one thing that a machine cannot find out when it goes on alone: that the others are off. A machine that runs on
 * would run its apps a second time, so a person has to say it, machine by machine.
 */
import type { missingNode } from '#events/cluster.ts';
import type * as z from 'zod';
import { IoError } from '../../devices/error.ts';

export interface Word {
  /** Names of nodes whose machines somebody has said to be off. */
  readonly nodesOff: readonly string[];
  /** Whose word it is. */
  readonly by: string;
  /** @returns whether the person says yes; undefined where nobody can be asked */
  confirm(question: string): Promise<boolean | undefined>;
}

/** @param op for messages: `recover`, `restore` @throws IoError INVALID when nobody says so */
export async function askWhoIsOff(
  op: string,
  names: readonly string[],
  { nodesOff, by, confirm }: Word,
): Promise<z.infer<typeof missingNode>[]> {
  const unknown = nodesOff.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw refusal(op, `the lab has no other node ${unknown}`, 'Look at the names in --node-off.');
  const missing: z.infer<typeof missingNode>[] = [];
  for (const name of names) {
    const isSaid =
      nodesOff.includes(name) || (await confirm(`Is the machine of node ${name} switched off, and does it stay so?`));
    if (isSaid !== true) {
      throw refusal(
        op,
        `nobody says that node ${name} is off: its apps could run twice`,
        `Switch its machine off, then say so: --node-off ${name}`,
      );
    }
    missing.push({ name, saidOffBy: by });
  }
  return missing;
}

const refusal = (op: string, message: string, hint: string): IoError =>
  new IoError('INVALID', { op, target: 'this node', message, hint });
