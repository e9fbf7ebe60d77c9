/** All commands, and one run of them: arguments in, an exit code out. Errors are printed here and nowhere else. */
import { Command, CommanderError } from 'commander';
import { Cli } from './cli.ts';
import { addAdoptCommands } from './commands/adopt.ts';
import { addAlertCommands } from './commands/alert.ts';
import { addAppCommands } from './commands/app.ts';
import { addBackupCommands } from './commands/backup.ts';
import { addClusterCommands } from './commands/cluster.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addComposeCommands } from './commands/compose.ts';
import { addConfigCommands } from './commands/config.ts';
import { addContextCommands } from './commands/context.ts';
import { addDiffCommand } from './commands/diff.ts';
import { addEventCommands } from './commands/event.ts';
import { addExecCommand } from './commands/exec.ts';
import { addHelpCommand } from './commands/help.ts';
import { addLogsCommand } from './commands/logs.ts';
import { addNamespaceCommands } from './commands/namespace.ts';
import { addNodeCommands } from './commands/node.ts';
import { addOperationCommands } from './commands/operation.ts';
import { addPoolCommands } from './commands/pool.ts';
import { addRegistryCommands } from './commands/registry.ts';
import { addReplicaCommands } from './commands/replica.ts';
import { addScheduleCommands } from './commands/schedule.ts';
import { addSessionCommands } from './commands/session.ts';
import { addStatusCommand } from './commands/status.ts';
import { addUpCommand } from './commands/up.ts';
import { addFilesCommands } from './commands/files.ts';
import { addWhyCommand } from './commands/why.ts';
import { addVolumeCommands } from './commands/volume.ts';
import { CliError, interrupted } from './errors.ts';
import { examples, groupExamples } from './options.ts';
import { printError } from './output/problems.ts';
import { usualWidth } from './output/printer.ts';
import { slipIn } from './slips.ts';
import type { World } from './world.ts';

/** @param args without the program's own name */
export async function runCli(args: readonly string[], world: World, version: string): Promise<number> {
  const cli = new Cli(world);
  const program = buildProgram(cli, version);
  try {
    await program.parseAsync(args, { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      const slip = slipIn(program, error, args);
      return slip instanceof CliError ? printError(cli.print, slip) : slip;
    }
    return printError(cli.print, world.interrupt.aborted && isAbort(error) ? interrupted() : error);
  } finally {
    await cli.close();
  }
}

export function buildProgram(cli: Cli, version: string): Command {
  const { stdout, stderr } = cli.world;
  const program: Command = new Command('floatlab')
    .description('Drives a FloatLab: apps from compose files, on machines that look after each other.')
    .version(version, '--version', 'print the version')
    .option('--server <url>', 'the lab; else FLOATLAB_SERVER, else the context')
    .option('--context <name>', 'the context; else FLOATLAB_CONTEXT, else the one in use')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: usualWidth,
      minWidthToWrap: 20,
      subcommandTerm: (command) => command.name(),
      visibleGlobalOptions: (command) =>
        command.parent ? program.options.filter(({ long }) => long !== '--version') : [],
    })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHelpWidth: () => usualWidth,
      getErrHelpWidth: () => usualWidth,
      // Said by `runCli`, in the same form as every other error.
      outputError: () => undefined,
    });
  examples(program, 'floatlab up -f compose.yaml', 'floatlab ps');
  program.addHelpText('after', '\nExit codes: floatlab help exit-codes');
  // Options of the program may stand behind the command too; its action finds them among its own.
  program.hook('preAction', (_, action) => {
    for (const [name, value] of Object.entries(program.opts())) {
      if (action.getOptionValue(name) === undefined) action.setOptionValue(name, value);
    }
  });
  addStatusCommand(program, cli);
  addUpCommand(program, cli);
  addDiffCommand(program, cli);
  addAppCommands(program, cli);
  addLogsCommand(program, cli);
  addExecCommand(program, cli);
  addVolumeCommands(program, cli);
  addFilesCommands(program, cli);
  addReplicaCommands(program, cli);
  addBackupCommands(program, cli);
  addNodeCommands(program, cli);
  addPoolCommands(program, cli);
  addAdoptCommands(program, cli);
  addClusterCommands(program, cli);
  addRegistryCommands(program, cli);
  addNamespaceCommands(program, cli);
  addScheduleCommands(program, cli);
  addEventCommands(program, cli);
  addWhyCommand(program, cli);
  addOperationCommands(program, cli);
  addAlertCommands(program, cli);
  addConfigCommands(program, cli);
  addComposeCommands(program, cli);
  addSessionCommands(program, cli);
  addContextCommands(program, cli);
  addCompletionCommand(program, cli);
  addHelpCommand(program, cli);
  cli.program = program;
  for (const group of program.commands.filter(({ commands }) => commands.length > 0)) groupExamples(group);
  return program;
}

const isAbort = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
