/** Backups: copies of volumes outside of the lab. They count once they were read back. */
import type { CommandInputs } from '#actors/commands.ts';
import type { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { agree, agreeToLoss, change, type Words } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { usageError } from '../errors.ts';
import {
  changeOptions,
  examples,
  namespaceOption,
  outputOptions,
  yesOption,
  type ChangeOptions,
  type LabOptions,
  type ReadOptions,
} from '../options.ts';
import { refuseExisting } from '../receive.ts';
import { volumeSizeOf } from '../volume-values.ts';
import { backedUpApp, restoreApp } from './backup-app.ts';
import { addBackupContent } from './backup-content.ts';
import { addBackupLooking } from './backup-look.ts';
import { addBackupTargetCommands } from './backup-target.ts';

export function addBackupCommands(program: Command, cli: Cli): void {
  const group = program.command('backup').description('copies of volumes outside of the lab, and back');
  addBackupTargetCommands(group, cli);
  addBackupLooking(group, cli);
  addBackupContent(group, cli);
  addCreate(group, cli);
  addRestore(group, cli);

  const verify = group
    .command('verify')
    .description('read a backup back, all of it')
    .argument('<backup>')
    .option('--restore', 'restore it into a scratch volume, compare what came back, and remove that again');
  verify.action(async (backup: string, options: ChangeOptions & { readonly restore?: boolean }) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(backup, options);
    const { restore = false } = options;
    await change(
      cli,
      lab,
      options,
      'verify-backup',
      { ...ref, restore },
      {
        done: `Backup ${ref.name} ${restore ? 'came back as it was backed up' : 'was read back and is whole'}.`,
        nothing: `Backup ${ref.name} is being ${restore ? 'restored as a test' : 'read back'} already.`,
      },
    );
  });
  examples(
    namespaceOption(changeOptions(verify)),
    'floatlab backup verify photos-db-2026-11-21-0300-00',
    'floatlab backup verify photos-db-2026-11-21-0300-00 --restore',
  );
  plain(group, cli, 'cancel', 'end a backup that is not written yet', 'cancel-backup', {
    done: 'is canceled.',
    nothing: 'is canceled already.',
  });

  const remove = group
    .command('rm')
    .description('remove a backup from its target; asks first')
    .argument('<backup>')
    .option('--forget', 'the lab forgets it, and what lies in the target stays');
  remove.action(async (backup: string, options: ChangeOptions & { readonly forget?: boolean }) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(backup, options);
    if (!options.yes && !options.dryRun) {
      const { volumeName, target } = await lab.rest.show('backups', { ...ref });
      if (options.forget) await agree(cli, options, `Forget backup ${ref.name}? What lies in ${target.name} stays.`);
      else
        await agreeToLoss(cli, options, ref.name, [
          `A backup of volume ${volumeName} in ${target.name} goes for ever.`,
        ]);
    }
    await change(
      cli,
      lab,
      options,
      'remove-backup',
      { ...ref, forget: options.forget ?? false },
      { done: `Backup ${ref.name} is gone.`, nothing: `Backup ${ref.name} is being removed already.` },
    );
  });
  examples(
    yesOption(namespaceOption(changeOptions(remove))),
    'floatlab backup rm photos-db-2026-11-21-0300-00',
    'floatlab backup rm photos-db-2026-11-21-0300-00 --forget --yes',
  );

  const prune = group
    .command('prune')
    .description('remove from a target what no backup needs any more; the lab does so daily')
    .argument('<target>');
  prune.action(async (target: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const words = { done: `Target ${target} is pruned.`, nothing: `Target ${target} is being pruned already.` };
    await change(cli, lab, options, 'prune-backup-target', { name: target }, words);
  });
  examples(changeOptions(prune), 'floatlab backup prune usb', 'floatlab backup prune usb --detach');

  const kit = group
    .command('kit')
    .description('what restores from the targets of this lab on bare machines, with its recovery key')
    .argument('[file]', 'a new file; without one it is printed');
  kit.action(async (file: string | undefined, options: LabOptions & ReadOptions) => {
    const lab = await cli.lab(options);
    const path = file === undefined ? undefined : resolve(cli.world.cwd, file);
    if (path !== undefined) await refuseExisting(path, file ?? '');
    const content = await lab.rest.backupKit({ signal: cli.world.interrupt });
    if (path === undefined) return cli.print.data(content.trimEnd());
    await writeFile(path, content, { mode: 0o600, flag: 'wx' });
    if (!options.quiet)
      cli.print.talk(
        `The kit is in ${path}. Keep it outside of the lab, and apart from the recovery key. Write it anew when targets change.`,
      );
  });
  examples(outputOptions(kit, 'say nothing on success'), 'floatlab backup kit backup-kit.json', 'floatlab backup kit');
}

interface CreateOptions extends ChangeOptions {
  readonly to: string;
  readonly app?: string;
}

function addCreate(group: Command, cli: Cli): void {
  const create = group
    .command('create')
    .description('back up a volume, or all volumes of an app, and wait until it was read back')
    .argument('[volume]')
    .option('--app <name>', 'all volumes of this app as a set, with its compose file')
    .requiredOption('--to <target>', 'where it goes');
  create.action(async (volume: string | undefined, options: CreateOptions) => {
    const lab = await cli.lab(options);
    if ((volume === undefined) === (options.app === undefined)) throw usageError('Name a volume, or --app.');
    if (options.app !== undefined) return backedUpApp(cli, lab, options, lab.ref(options.app, options));
    const ref = lab.ref(volume ?? '', options);
    const input = { ...ref, to: options.to };
    return change(cli, lab, options, 'create-backup', input, {
      done: `Volume ${ref.name} is backed up to ${options.to}, and the backup was read back.`,
      nothing: `Volume ${ref.name} is backed up already.`,
    });
  });
  examples(
    namespaceOption(changeOptions(create)),
    'floatlab backup create photos-db --to usb',
    'floatlab backup create --app photos --to offsite --detach',
  );
}

interface RestoreOptions extends ChangeOptions {
  readonly as?: string;
  readonly to?: string;
  readonly replace?: boolean;
  readonly file?: string;
  readonly size?: string;
  readonly pool?: string;
  readonly app?: string;
  readonly target?: string;
}

function addRestore(group: Command, cli: Cli): void {
  const restore = group
    .command('restore')
    .description('bring a backup back, as a new volume or in place of one; or a whole app')
    .argument('[backup]')
    .option('--as <volume>', 'a new volume of this name')
    .option('--to <volume>', 'this volume, which has to be empty')
    .option('--replace', 'what that volume holds goes, and is kept as a snapshot')
    .option('--file <path>', 'only this file or folder')
    .option('--size <size>', 'of the new volume; as large as it was when it is left out')
    .option('--pool <pool>', 'for the new volume')
    .option('--app <name>', 'the newest good backups of all volumes of this app, and its compose file')
    .option('--target <name>', 'with --app: out of this target');
  restore.action(async (backup: string | undefined, options: RestoreOptions) => {
    const lab = await cli.lab(options);
    if ((backup === undefined) === (options.app === undefined)) throw usageError('Name a backup, or --app.');
    if (options.app !== undefined) return restoreApp(cli, lab, options, lab.ref(options.app, options));
    return restoreOne(cli, lab, options, backup ?? '');
  });
  examples(
    yesOption(namespaceOption(changeOptions(restore))),
    'floatlab backup restore photos-db-2026-11-21-0300-00 --as photos-db-again',
    'floatlab backup restore --app photos --target usb',
  );
}

async function restoreOne(cli: Cli, lab: Lab, options: RestoreOptions, backup: string): Promise<void> {
  const ref = lab.ref(backup, options);
  const { as, to, replace = false, file: path, size, pool } = options;
  const input: CommandInputs['restore-backup'] = {
    ...ref,
    replace,
    ...(as === undefined ? {} : { as }),
    ...(to === undefined ? {} : { to }),
    ...(path === undefined ? {} : { path: path.replace(/^\/+|\/+$/g, '') }),
    ...(size === undefined ? {} : { sizeBytes: volumeSizeOf(size) }),
    ...(pool === undefined ? {} : { pool }),
  };
  if (to !== undefined && replace && !options.yes && !options.dryRun)
    await agree(cli, options, `Replace what volume ${to} holds? It is kept as a snapshot.`);
  const done = `Backup ${ref.name} is back, in volume ${as ?? to}.`;
  await change(cli, lab, options, 'restore-backup', input, { done, nothing: done });
}

/** @param words how a sentence about the backup ends */
function plain(group: Command, cli: Cli, verb: string, what: string, name: 'cancel-backup', words: Words): void {
  const command = group.command(verb).description(what).argument('<backup>');
  command.action(async (backup: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(backup, options);
    await change(cli, lab, options, name, ref, {
      done: `Backup ${ref.name} ${words.done}`,
      nothing: `Backup ${ref.name} ${words.nothing}`,
    });
  });
  examples(
    namespaceOption(changeOptions(command)),
    `floatlab backup ${verb} photos-db-2026-11-21-0300-00`,
    `floatlab backup ${verb} photos-db-2026-11-21-0300-00 --dry-run`,
  );
}
