/**
 * Questions to the person. Only on a terminal: elsewhere nobody would answer, so the run ends and says which option
 * answers instead. Questions go to stderr, because stdout is for data.
 */
import { confirm, isCancel, password, text } from '@clack/prompts';
import type { Readable, Writable } from 'node:stream';
import { printable } from '#actors/compose/locate.ts';
import { interrupted, usageError } from './errors.ts';

export interface Asker {
  /** Whether there is somebody to ask. */
  readonly possible: boolean;
  confirm(question: string): Promise<boolean>;
  text(question: string, initial?: string): Promise<string>;
  secret(question: string): Promise<string>;
}

export function terminalAsker(input: Readable, output: Writable, possible: boolean): Asker {
  const common = { input, output, withGuide: false };
  const answered = <T>(answer: T): Exclude<T, symbol> => {
    if (isCancel(answer)) throw interrupted();
    return answer as Exclude<T, symbol>;
  };
  return {
    possible,
    confirm: async (question) =>
      answered(await confirm({ ...common, message: printable(question), initialValue: false })),
    text: async (question, initial) =>
      answered(
        await text({
          ...common,
          message: printable(question),
          ...(initial === undefined ? {} : { initialValue: initial }),
        }),
      ).trim(),
    secret: async (question) => answered(await password({ ...common, message: printable(question) })),
  };
}

/** @throws usage error off a terminal, with what to say instead */
export function mustAsk(ask: Asker, what: string, instead: string): void {
  if (!ask.possible) throw usageError(`${what}, and nobody can be asked: this is not a terminal.`, instead);
}
