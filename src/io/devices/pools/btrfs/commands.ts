/** The commands of btrfs-progs about devices: arguments in, answers or an IoError out. No decisions here. */
import type { IoError } from '../../error.ts';
import type { Ran, RunCommand } from '../../run.ts';
import { commandError } from '../../volumes/btrfs/errors.ts';
import type { Deadline } from '../../volumes/deadline.ts';

export interface Tools {
  readonly run: RunCommand;
  /** For what goes on in the background. */
  readonly launch: RunCommand;
}

export interface Commands {
  /** Whatever its exit code is. */
  ask(file: string, ...args: readonly string[]): Promise<Ran>;
  /** @returns what it said @throws IoError when it fails */
  must(file: string, ...args: readonly string[]): Promise<string>;
  /** Begins something that goes on after the answer. @throws IoError */
  begin(...args: readonly string[]): Promise<void>;
}

export function commandsFor(tools: Tools, target: string, within: Deadline): Commands {
  const limits = () => ({ signal: within.signal, timeoutMs: within.timeoutMs, target });
  const failure = (file: string, args: readonly string[], ran: Ran): IoError =>
    commandError([file, ...args.slice(0, 2).filter((arg) => /^[a-z]/.test(arg))].join(' '), target, ran);
  return {
    ask: (file, ...args) => tools.run(file, args, limits()),
    async must(file, ...args) {
      const ran = await tools.run(file, args, limits());
      if (ran.exitCode !== 0) throw failure(file, args, ran);
      return ran.stdout;
    },
    async begin(...args) {
      const ran = await tools.launch('btrfs', args, limits());
      if (ran.exitCode !== 0) throw failure('btrfs', args, ran);
    },
  };
}
