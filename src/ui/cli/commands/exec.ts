/** Running a command in a container of an app, with this terminal as its own where that is wanted. */
import type { Problem } from '#io/contract/problem.ts';
import { unknownState } from '#projections/unheard.ts';
import { isResting } from '#ui/client/address.ts';
import { ApiError } from '#ui/client/errors.ts';
import type { LiveExec } from '#ui/client/live.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { interrupted, usageError } from '../errors.ts';
import { ExecStart } from '../exec-start.ts';
import { notRunning } from '../not-running.ts';
import { examples, namespaceOption, type LabOptions } from '../options.ts';
import { onInterrupt } from '../world.ts';

interface ExecCommandOptions extends LabOptions {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly namespace?: string;
}

export function addExecCommand(program: Command, cli: Cli): void {
  const exec = program
    .command('exec')
    .description('run a command in a container; ends with its exit code')
    .argument('<app>')
    .argument('<service>')
    .argument('<command...>', 'what to run, after --')
    .option('-i, --interactive', 'hand on what is piped in; on a terminal, what is typed is')
    .option('-t, --tty', 'give it a terminal (the default on one)')
    .option('-T, --no-tty', 'give it none: its output is handed on as it is')
    .addHelpText(
      'after',
      '\nIt ends with the exit code of the command: 127 when there is no such command,\n126 when it cannot be run. 5: nothing of the app runs.',
    );
  exec.action((app: string, service: string, command: string[], options: ExecCommandOptions) =>
    run(cli, options, app, service, command),
  );
  examples(
    namespaceOption(exec),
    'floatlab exec photos web -- sh',
    'floatlab exec photos db -- pg_dump photos > photos.sql',
  );
}

async function run(
  cli: Cli,
  options: ExecCommandOptions,
  app: string,
  service: string,
  command: string[],
): Promise<void> {
  const { stdin, stdout, stderr } = cli.world;
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
  if (options.tty === true && !isTerminal) {
    throw usageError('--tty needs a terminal, and this is none.', 'Leave out -t.');
  }
  const tty = options.tty ?? isTerminal;
  const interactive = options.interactive ?? tty;
  const lab = await cli.lab(options);
  const row = await lab.rest.show('apps', { ...lab.ref(app, options) });
  if (isResting(row) || row.state === unknownState) throw notRunning(row);
  const size = tty && stdout.columns && stdout.rows ? { columns: stdout.columns, rows: stdout.rows } : {};
  const start = new ExecStart();
  const show = (pieces: ReturnType<ExecStart['pass']>): void => {
    for (const { stream, bytes } of pieces) (stream === 'stdout' ? stdout : stderr).write(bytes);
  };
  let leave = (): void => undefined;
  try {
    cli.exitCode = await new Promise<number>((resolve, reject) => {
      const exec = lab.live().exec(
        { app: row.id, service, command, tty, ...size },
        {
          // Only now: a command that cannot begin has read nothing, and the terminal is as it was.
          begun: () => {
            leave = connect(cli, exec, interactive, tty);
          },
          room: () => stdin.resume(),
          output: (stream, bytes) => show(start.pass(stream, bytes)),
          exit: (code) => {
            const failure = start.failure(code, command[0] ?? '', row.name, service);
            if (failure) return reject(failure);
            show(start.rest());
            resolve(code);
          },
          end: (problem: Problem | undefined) => {
            show(start.rest());
            reject(problem ? new ApiError(problem) : interrupted());
          },
        },
      );
      if (!interactive) exec.endInput();
      onInterrupt(cli.world, () => {
        exec.close();
        reject(interrupted());
      });
    });
  } finally {
    leave();
  }
}

/** Keys or what is piped in go to the command, and the size of the terminal. @returns the way out: all is as before */
function connect(cli: Cli, exec: LiveExec, interactive: boolean, tty: boolean): () => void {
  const { stdin, stdout } = cli.world;
  const resize = (): void => {
    if (stdout.columns && stdout.rows) exec.resize(stdout.columns, stdout.rows);
  };
  const take = (chunk: Uint8Array): void => {
    if (!exec.write(chunk)) stdin.pause();
  };
  const end = (): void => exec.endInput();
  if (tty) {
    stdout.on?.('resize', resize);
    resize();
  }
  if (interactive) {
    // Ctrl-C and the like are keys of the program over there.
    if (tty) stdin.setRawMode?.(true);
    stdin.on('data', take).on('end', end);
  }
  return () => {
    stdout.off?.('resize', resize);
    if (!interactive) return;
    stdin.off('data', take).off('end', end).pause();
    if (tty) stdin.setRawMode?.(false);
  };
}
