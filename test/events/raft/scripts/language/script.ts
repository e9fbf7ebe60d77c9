/**
 * A script: what is done, and below it what happened, in one file that a person can read.
 *
 *      # One sentence: what this step checks.
 *      command
 *      another command
 *      ----
 *      what happened
 *
 * Blank lines separate the steps; a paragraph of comments alone is prose. What happened is written by the interpreter,
 * never by hand: a script is run, rendered, and compared with itself.
 */

/** Carries out one line. @returns what happened, line by line; throws when it does not understand */
export type Interpreter = (command: string) => readonly string[];

interface Step {
  readonly comments: readonly string[];
  /** None: prose. */
  readonly commands: readonly string[];
}

const rule = '----';

/** The first line of a script: what it is about. */
export const titleOf = (text: string): string => (text.split('\n')[0] ?? '').replace(/^#\s*/, '').replace(/\.$/, '');

/** @returns the script with what happened this time */
export function run(text: string, interpreter: Interpreter): string {
  return `${stepsOf(text)
    .map((step) => performed(step, interpreter).join('\n'))
    .join('\n\n')}\n`;
}

function performed({ comments, commands }: Step, interpreter: Interpreter): readonly string[] {
  if (commands.length === 0) return comments;
  const happened = commands.flatMap((command) => {
    try {
      return interpreter(command);
    } catch (cause) {
      throw new Error(`«${command}»: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  });
  return [...comments, ...commands, rule, ...(happened.length === 0 ? ['ok'] : happened)];
}

function stepsOf(text: string): readonly Step[] {
  const paragraphs = text.split(/\n\n+/).map((paragraph) => paragraph.split('\n').filter((line) => line !== ''));
  return paragraphs.filter((lines) => lines.length > 0).map(stepOf);
}

function stepOf(lines: readonly string[]): Step {
  const end = lines.indexOf(rule);
  const asked = end < 0 ? lines : lines.slice(0, end);
  const comments = asked.filter((line) => line.startsWith('#'));
  const commands = asked.filter((line) => !line.startsWith('#'));
  if (comments.length === 0) throw new Error(`«${lines[0]}» does not say what it checks`);
  return { comments, commands };
}
