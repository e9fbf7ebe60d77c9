/**
 * An app as it was: which steps bring it back from a set of its backups, in which order, and what each of them means. The lab
 * has no command for all of it, so the page that asks takes one step after the other. Pure.
 */
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import type { BackedUpFiles } from '#io/contract/backups.ts';
import { isResting } from '#ui/client/address.ts';
import type { BackedUpSet } from './backup-words.ts';

export interface RestoreStep {
  readonly command: CommandName;
  readonly input: CommandInputs[CommandName];
  readonly words: string;
}

interface Lab {
  readonly apps: readonly AppRow[];
  readonly volumes: readonly VolumeRow[];
}

/** @param files of the set; undefined: not read yet, which is needed for an app that is gone only */
export function stepsToRestore(
  { app: name, namespace, backups }: Pick<BackedUpSet, 'app' | 'namespace' | 'backups'>,
  { apps, volumes }: Lab,
  files: BackedUpFiles | undefined,
): readonly RestoreStep[] {
  const app = apps.find((row) => row.namespace === namespace && row.name === name);
  const isOn = app !== undefined && !isResting(app);
  const target = { namespace, name };
  const restores = backups.map((row): RestoreStep => {
    const present = volumes.find(
      (one) =>
        one.namespace === namespace &&
        one.discarded === null &&
        (one.id === row.volume?.id || one.name === row.volumeName),
    );
    const backup = { namespace: row.namespace, name: row.name };
    return present
      ? {
          command: 'restore-backup',
          input: { ...backup, to: present.name, replace: true },
          words: `Volume ${present.name} is put back as it was. What it holds now is kept as a snapshot.`,
        }
      : {
          command: 'restore-backup',
          input: { ...backup, as: row.volumeName },
          words: `Volume ${row.volumeName} is made anew from its backup.`,
        };
  });
  return [
    ...(isOn ? [{ command: 'stop-app' as const, input: target, words: `App ${name} is stopped.` }] : []),
    ...restores,
    ...(app === undefined
      ? [
          {
            command: 'deploy-app' as const,
            input: { ...target, compose: files?.compose ?? '', files: { ...files?.files } },
            words: `App ${name} is deployed with the compose file of its backup.`,
          },
        ]
      : []),
    ...(isOn ? [{ command: 'start-app' as const, input: target, words: `App ${name} is started again.` }] : []),
  ];
}
