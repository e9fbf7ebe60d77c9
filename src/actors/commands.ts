/** Every command of the lab by its schema; REST, command line and forms derive from here. */
import type * as z from 'zod';
import type { CommandDef } from './actor.ts';
import { appCommands } from './app/commands.ts';
import { backupCommands } from './backup/commands.ts';
import { backupTargetCommands } from './backup-target/commands.ts';
import { clusterCommands } from './cluster/commands.ts';
import { instanceCommands } from './instance/commands.ts';
import { namespaceCommands } from './namespace/commands.ts';
import { nodeCommands } from './node/commands.ts';
import { operationCommands } from './operation/commands.ts';
import { poolCommands } from './pool/commands.ts';
import { replicaCommands } from './replica/commands.ts';
import { scheduleCommands } from './schedule/commands.ts';
import { snapshotCommands } from './snapshot/commands.ts';
import { transferCommands } from './transfer/commands.ts';
import { volumeCommands } from './volume/commands.ts';

export const commandSchemas = {
  ...clusterCommands,
  ...namespaceCommands,
  ...nodeCommands,
  ...volumeCommands,
  ...snapshotCommands,
  ...appCommands,
  ...instanceCommands,
  ...scheduleCommands,
  ...operationCommands,
  ...transferCommands,
  ...poolCommands,
  ...replicaCommands,
  ...backupTargetCommands,
  ...backupCommands,
};

export type CommandName = keyof typeof commandSchemas;
/** Inputs after parsing: defaults filled in. */
export type Commands = { [N in CommandName]: z.output<(typeof commandSchemas)[N]> };
/** Inputs as they arrive: defaults may be left out. */
export type CommandInputs = { [N in CommandName]: z.input<(typeof commandSchemas)[N]> };

export type Command = { [N in CommandName]: { readonly name: N; readonly input: Commands[N] } }[CommandName];

/** What a kind's `decide.ts` gives for its commands. */
export type Decisions<N extends CommandName> = { readonly [M in N]: Omit<CommandDef<Commands[M]>, 'schema'> };
