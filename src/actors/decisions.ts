/** Every command with its schema, its scope and its decision: what dispatch knows. */
import type { CommandDef } from './actor.ts';
import { appDecisions } from './app/decide.ts';
import { backupDecisions } from './backup/decide.ts';
import { backupTargetDecisions } from './backup-target/decide.ts';
import { clusterDecisions } from './cluster/decide.ts';
import { commandSchemas, type CommandName, type Commands, type Decisions } from './commands.ts';
import { instanceDecisions } from './instance/decide.ts';
import { namespaceDecisions } from './namespace/decide.ts';
import { nodeDecisions } from './node/decide.ts';
import { operationDecisions } from './operation/decide.ts';
import { poolDecisions } from './pool/decide.ts';
import { replicaDecisions } from './replica/decide.ts';
import { scheduleDecisions } from './schedule/decide.ts';
import { snapshotDecisions } from './snapshot/decide.ts';
import { transferDecisions } from './transfer/decide.ts';
import { volumeDecisions } from './volume/decide.ts';

const decisions: Decisions<CommandName> = {
  ...clusterDecisions,
  ...namespaceDecisions,
  ...nodeDecisions,
  ...volumeDecisions,
  ...snapshotDecisions,
  ...appDecisions,
  ...instanceDecisions,
  ...scheduleDecisions,
  ...operationDecisions,
  ...transferDecisions,
  ...poolDecisions,
  ...replicaDecisions,
  ...backupTargetDecisions,
  ...backupDecisions,
};

export const commandDef = <N extends CommandName>(name: N): CommandDef<Commands[N]> =>
  ({ ...decisions[name], schema: commandSchemas[name] }) as unknown as CommandDef<Commands[N]>;

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commandSchemas, name);
