/**
 * What a command does in the simulated engine. There is no system below it, so it knows a handful of programs; any
 * other one says its own name, and a container that runs it goes on for ever.
 *
 * `sh -c` understands a list of these, separated by `;`: enough for tests that hold on a real engine as well.
 */
export type Step =
  | { readonly say: string; readonly stream: 'stdout' | 'stderr' }
  | { readonly waitMs: number }
  /** Repeats its input until that ends. */
  | { readonly repeat: true }
  | { readonly exit: number };

/** The one program that no simulated image has. */
export const missingProgram = 'no-such-program';

/** @returns the steps; a program whose last step is no `exit` runs until it is stopped */
export function stepsOf(command: readonly string[], as: 'container' | 'exec'): readonly Step[] {
  const [file = '', option = '', script = ''] = command;
  if (command.length === 0) return [{ say: 'started', stream: 'stdout' }];
  const commands = /^(?:\/bin\/)?sh$/.test(file) && option === '-c' ? words(script) : [command];
  const steps: Step[] = [];
  for (const one of commands) {
    const known = stepsOfKnown(one);
    if (known === undefined && as === 'container') return [...steps, said(one)];
    steps.push(...(known ?? [said(one)]));
    if (steps.some((step) => 'exit' in step)) return steps.slice(0, steps.findIndex((step) => 'exit' in step) + 1);
  }
  return [...steps, { exit: 0 }];
}

const words = (script: string): readonly (readonly string[])[] =>
  script
    .split(';')
    .map((part) => part.trim().split(/\s+/))
    .filter(([first]) => first !== '');

const said = (command: readonly string[]): Step => ({ say: command.join(' '), stream: 'stdout' });

/** @returns what a program that is known does, then goes on with the next */
function stepsOfKnown([file = '', ...args]: readonly string[]): readonly Step[] | undefined {
  switch (file) {
    case 'echo': {
      const toStderr = args.at(-1) === '>&2';
      return [{ say: (toStderr ? args.slice(0, -1) : args).join(' '), stream: toStderr ? 'stderr' : 'stdout' }];
    }
    case 'sleep':
      return [{ waitMs: Number(args[0]) * 1000 }];
    case 'cat':
      return [{ repeat: true }];
    case 'true':
      return [];
    case 'false':
      return [{ exit: 1 }];
    case 'exit':
      return [{ exit: Number(args[0] ?? 0) }];
    default:
      return undefined;
  }
}
