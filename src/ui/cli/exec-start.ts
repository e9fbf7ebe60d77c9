/**
 * A command that could not begin. The engine tells that in the command's own output, with an exit code that depends on
 * its version: the words are held back until it is clear that nothing else follows, and become an error of ours with
 * the exit code that a shell would give. Everything else passes untouched.
 */
import { CliError } from './errors.ts';

type Stream = 'stdout' | 'stderr';
interface Piece {
  readonly stream: Stream;
  readonly bytes: Uint8Array;
}

const beginning = 'OCI runtime exec failed: ';
const mostHeldBytes = 8192;
/** What engines end with for a command that never ran. */
const startCodes: ReadonlySet<number> = new Set([126, 127]);

export class ExecStart {
  #held: Piece[] = [];
  #isOver = false;

  /** @returns what may be shown now */
  pass(stream: Stream, bytes: Uint8Array): readonly Piece[] {
    if (this.#isOver) return [{ stream, bytes }];
    this.#held.push({ stream, bytes });
    const text = this.#text();
    if (text.length < mostHeldBytes && (text.startsWith(beginning) || beginning.startsWith(text))) return [];
    return this.rest();
  }

  /** What was held back and belongs to the command after all. */
  rest(): readonly Piece[] {
    const held = this.#held;
    [this.#held, this.#isOver] = [[], true];
    return held;
  }

  /** @returns why the command did not begin; undefined when it ran */
  failure(exitCode: number, command: string, app: string, service: string): CliError | undefined {
    const text = this.#text();
    if (!startCodes.has(exitCode) || !text.startsWith(beginning)) return undefined;
    const where = `service ${service} of ${app}`;
    if (/not found in \$PATH|no such file or directory/.test(text)) {
      return new CliError('COMMAND_NOT_FOUND', 127, `There is no command ${command} in ${where}.`, hintOf(command));
    }
    if (/permission denied|exec format error|is a directory/.test(text)) {
      const hint = 'Is it a program, and may the user of the container run it?';
      return new CliError('COMMAND_NOT_EXECUTABLE', 126, `${command} in ${where} cannot be run.`, hint);
    }
    const why = text.slice(beginning.length).trim();
    return new CliError('COMMAND_NOT_STARTED', 126, `${command} in ${where} could not be started: ${why}.`);
  }

  #text(): string {
    return Buffer.concat(this.#held.map(({ bytes }) => bytes)).toString('utf8');
  }
}

function hintOf(command: string): string {
  if (command === 'bash') return 'Its image may have a smaller shell: try sh.';
  return command === 'sh'
    ? 'Its image may have no shell at all.'
    : 'Its image has only what was put into it; a path, like /usr/local/bin/x, need not be in PATH.';
}
