/** Where backups go: folders and buckets. Keys are read from a file or asked for, and never from argv. */
import type { CommandInputs } from '#actors/commands.ts';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { formatSize } from '#events/values/size.ts';
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { mustAsk } from '../ask.ts';
import { agree, change, checkOptions, finish } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import {
  changeOptions,
  durationOf,
  examples,
  momentOf,
  readOptions,
  yesOption,
  type ChangeOptions,
  type ReadOptions,
} from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { momentWords, shortDuration } from '../output/words.ts';
import { byName, readRows } from '../rows.ts';
import { keepOf, sizeOf } from '../volume-values.ts';

interface PolicyOptions extends ChangeOptions {
  readonly keep?: string;
  readonly verifyEvery?: string;
  readonly limit?: string;
  readonly s3KeysFile?: string;
}
interface AddOptions extends PolicyOptions {
  readonly path?: string;
  readonly node?: string;
  readonly s3?: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly virtualHost?: boolean;
  readonly existing?: boolean;
  readonly kit?: string;
  readonly kitTarget?: string;
  readonly recoveryKeyFile?: string;
}

export function addBackupTargetCommands(backup: Command, cli: Cli): void {
  const group = backup.command('target').description('where backups go: a folder outside of the lab, or a bucket');
  addAdd(group, cli);
  addLooking(group, cli);

  const set = group.command('set').description('change what a target keeps, checks and may move').argument('<target>');
  policyOptions(set);
  set.action(async (name: string, options: PolicyOptions) => {
    const lab = await cli.lab(options);
    const keys = options.s3KeysFile === undefined ? {} : { secrets: await keysOf(cli, options.s3KeysFile) };
    const input = { name, ...policyOf(options), ...keys };
    if (Object.keys(input).length === 1)
      throw usageError('Say what changes: --keep, --verify-every, --limit or --s3-keys-file.');
    await change(cli, lab, options, 'change-backup-target', input, {
      done: `Target ${name} is changed.`,
      nothing: `Target ${name} is like that already.`,
    });
  });
  examples(
    changeOptions(set),
    'floatlab backup target set usb --keep "7d:1d 8w:1w 12mo:1mo"',
    'floatlab backup target set offsite --limit 5MiB --verify-every 30d',
  );

  const test = group
    .command('test')
    .description('look at a target and at what is in it; backups that the lab did not know are listed from then on')
    .argument('<target>');
  test.action(async (name: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const words = { done: `Target ${name} is there and can be used.`, nothing: `Target ${name} is being looked at.` };
    await change(cli, lab, options, 'test-backup-target', { name }, words);
  });
  examples(changeOptions(test), 'floatlab backup target test usb', 'floatlab backup target test offsite -q');

  const remove = group
    .command('rm')
    .description('forget a target with its backups; what lies there stays; asks first')
    .argument('<target>');
  remove.action(async (name: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    if (!options.yes && !options.dryRun) {
      const { backups } = await lab.rest.show('backup-targets', { name });
      await agree(cli, options, `Forget target ${name} with its ${backups} backups? What lies there stays.`);
    }
    const words = { done: `Target ${name} is forgotten; what lies there stays.`, nothing: `Target ${name} is gone.` };
    await change(cli, lab, options, 'remove-backup-target', { name }, words);
  });
  examples(yesOption(changeOptions(remove)), 'floatlab backup target rm usb', 'floatlab backup target rm usb --yes');
}

function addAdd(group: Command, cli: Cli): void {
  const add = group
    .command('add')
    .description('add a folder or a bucket for backups, and look at it')
    .argument('<target>', 'its name in this lab')
    .option('--path <folder>', 'a folder that is there, outside of the pools: a USB disk, a share')
    .option('--node <name>', 'the node that has the folder; left out: all nodes have it at this path')
    .option('--s3 <bucket/prefix>', 'or a bucket, and a folder in it')
    .option('--endpoint <url>', 'of the bucket: https://s3.example.net')
    .option('--region <name>', 'of the bucket')
    .option('--virtual-host', 'the name of the bucket is part of the host name')
    .option('--existing', 'it belongs to another lab: it is read, and nothing is written there; needs --kit')
    .option('--kit <file>', 'that floatlab backup kit wrote there')
    .option('--kit-target <name>', 'which target of the kit; the only one when it is left out')
    .option('--recovery-key-file <file>', 'holds the recovery key of that lab; else it is asked for');
  policyOptions(add);
  add.action(async (name: string, options: AddOptions) => {
    const lab = await cli.lab(options);
    if (options.existing || options.kit !== undefined) return attach(cli, lab, name, options);
    const store = storeOf(options);
    const keys = store.kind === 's3' ? { secrets: await keysOf(cli, options.s3KeysFile) } : {};
    await change(
      cli,
      lab,
      options,
      'add-backup-target',
      { name, store, ...keys, ...policyOf(options) } as CommandInputs['add-backup-target'],
      {
        done: `Target ${name} is there and can be used. Write the kit anew, and keep it outside of the lab: floatlab backup kit FILE.`,
        nothing: `Target ${name} is there already.`,
      },
    );
  });
  examples(
    changeOptions(add),
    'floatlab backup target add usb --path /mnt/usb/backups --node atlas --keep "7d:1d 8w:1w"',
    'floatlab backup target add old --existing --kit backup-kit.json --path /mnt/usb/backups --node atlas',
  );
}

const policyOptions = (command: Command): Command =>
  command
    .option('--keep <policy>', 'which backups of each volume stay: "7d:1d 8w:1w last:3"; none: all')
    .option('--verify-every <duration>', 'read the newest of each volume back so often: 30d; none: once')
    .option('--limit <size>', 'what one backup or restore may move in a second: 5MiB; none')
    .option('--s3-keys-file <file>', 'two lines, access key and secret access key; else they are asked for');

function policyOf({ keep, verifyEvery, limit }: PolicyOptions) {
  return {
    ...(keep === undefined ? {} : { keep: keep === 'none' ? ('' as const) : keepOf(keep) }),
    ...(verifyEvery === undefined
      ? {}
      : { verifyEveryMs: verifyEvery === 'none' ? (0 as const) : durationOf(verifyEvery, '--verify-every') }),
    ...(limit === undefined ? {} : { limitBytesPerSecond: limit === 'none' ? (0 as const) : sizeOf(limit, '--limit') }),
  };
}

function storeOf({ path, node, s3, endpoint, region, virtualHost }: AddOptions) {
  if ((path === undefined) === (s3 === undefined)) throw usageError('Say --path for a folder, or --s3 for a bucket.');
  if (path !== undefined) return { kind: 'directory' as const, path, ...(node === undefined ? {} : { node }) };
  const [bucket = '', ...rest] = (s3 ?? '').replace(/^s3:\/\//, '').split('/');
  if (endpoint === undefined)
    throw usageError('A bucket needs --endpoint.', 'For example --endpoint https://s3.eu-central-1.amazonaws.com.');
  return {
    kind: 's3' as const,
    bucket,
    prefix: rest.filter(Boolean).join('/'),
    endpoint,
    ...(region === undefined ? {} : { region }),
    style: virtualHost ? ('virtual' as const) : ('path' as const),
  };
}

async function keysOf(cli: Cli, file: string | undefined) {
  const given = file === undefined ? await askedKeys(cli) : await linesOf(cli, file, '--s3-keys-file');
  const [accessKeyId = '', secretAccessKey = '', sessionToken] = given;
  if (accessKeyId === '' || secretAccessKey === '')
    throw usageError('The keys of the bucket are incomplete.', 'Two lines: the access key, the secret access key.');
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

async function askedKeys({ world: { ask } }: Cli): Promise<readonly string[]> {
  mustAsk(ask, 'The keys of the bucket are asked for', 'Put them into a file: --s3-keys-file FILE.');
  return [await ask.text('Access key'), await ask.secret('Secret access key')];
}

async function linesOf(cli: Cli, file: string, option: string): Promise<readonly string[]> {
  const text = await readFile(resolve(cli.world.cwd, file), 'utf8').catch((error: unknown) => {
    throw usageError(`${option} ${file} cannot be read: ${(error as Error).message}`);
  });
  return text.split(/\r?\n/).map((line) => line.trim());
}

async function attach(cli: Cli, lab: Lab, name: string, options: AddOptions): Promise<void> {
  checkOptions(options);
  const { kit, kitTarget: target, node, path, recoveryKeyFile } = options;
  if (kit === undefined)
    throw usageError(
      'A target of another lab is opened by its kit.',
      'Name the file that floatlab backup kit wrote there: --kit FILE.',
    );
  if (options.dryRun) throw usageError('What is in a kit is known once it is opened: --existing has no --dry-run.');
  const content = await readFile(resolve(cli.world.cwd, kit), 'utf8').catch((error: unknown) => {
    throw usageError(`--kit ${kit} cannot be read: ${(error as Error).message}`);
  });
  const recoveryKey = await recoveryKeyOf(cli, recoveryKeyFile);
  const startedAt = cli.world.now();
  const answer = await lab.rest.attachBackupTarget({
    ...{ kit: content, recoveryKey, as: name },
    ...(target === undefined ? {} : { target }),
    ...(node === undefined ? {} : { node }),
    ...(path === undefined ? {} : { path }),
  });
  const done = `Target ${name} is attached: floatlab backup ls shows what is in it.`;
  await finish(cli, lab, options, answer, { done, nothing: done }, startedAt);
}

async function recoveryKeyOf(cli: Cli, file: string | undefined): Promise<string> {
  if (file !== undefined) return (await linesOf(cli, file, '--recovery-key-file')).join(' ').trim();
  const { ask } = cli.world;
  mustAsk(ask, 'The recovery key of that lab is asked for', 'Put it into a file: --recovery-key-file FILE.');
  return ask.secret('Recovery key of the lab that made the backups');
}

function addLooking(group: Command, cli: Cli): void {
  const list = group.command('ls').alias('list').description('list the targets');
  list.action(async (options: ReadOptions) => {
    const lab = await cli.lab(options);
    const rows = (await readRows(cli, lab, 'backup-targets', options)).toSorted(byName);
    const { ago } = momentsOf(cli, options);
    printList<BackupTargetRow>(cli.print, options, {
      rows,
      name: ({ name }) => name,
      empty: 'No backup targets. floatlab backup target add usb --path /mnt/usb --node atlas adds one.',
      columns: [
        { header: 'TARGET', value: ({ name }) => name },
        {
          header: 'STATE',
          value: ({ state }) => state,
          paint: (text, { state }) => paintState(cli.print.style, text, state),
        },
        { header: 'WHERE', value: ({ where }) => where },
        { header: 'BACKUPS', value: ({ backups }) => String(backups), right: true },
        { header: 'KEEP', value: ({ keep }) => keep ?? 'all' },
        { header: 'SEEN', value: ({ checkedAt }) => (checkedAt === null ? 'never' : ago(checkedAt)), wide: true },
        { header: 'PRUNED', value: ({ prunedAt }) => (prunedAt === null ? 'never' : ago(prunedAt)), wide: true },
      ],
    });
  });
  examples(readOptions(list), 'floatlab backup target ls', 'floatlab backup target ls -o wide');

  const show = group.command('show').description('show a target').argument('<target>');
  show.action(async (name: string, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const at = momentOf(options.at, cli.world.now());
    const row = await lab.rest.show('backup-targets', { name }, { at });
    const format = formatOf(options);
    if (options.quiet) return cli.print.data(row.name);
    if (isStructured(format)) return printStructured(cli.print, format, row);
    const { ago } = momentsOf(cli, options);
    const when = (ms: number | null): string | null => (ms === null ? null : `${momentWords(ms)}, ${ago(ms)}`);
    return printFields(cli.print, [
      ['target', row.name],
      ['state', row.state],
      ['where', row.where],
      ['belongs to', row.isForeign ? 'another lab: it is only read' : null],
      ['backups', String(row.backups)],
      ['keep', row.keep ?? 'all of them'],
      [
        'read back',
        row.verifyEveryMs === null
          ? 'once, when written'
          : `the newest of each volume, every ${shortDuration(row.verifyEveryMs)}`,
      ],
      ['limit', row.limitBytesPerSecond === null ? null : `${formatSize(row.limitBytesPerSecond)} in a second`],
      ['seen', when(row.checkedAt)],
      ['pruned', when(row.prunedAt) ?? 'never'],
      ['problem', row.problem?.message ?? null],
      ['what to do', row.problem?.hint ?? null],
      ['next attempt', when(row.retryAt)],
    ]);
  });
  examples(readOptions(show), 'floatlab backup target show usb', 'floatlab backup target show usb -o yaml');
}
