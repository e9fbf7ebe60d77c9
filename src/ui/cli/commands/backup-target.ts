/** Where backups go: folders, datasets of pools, other labs, and buckets. Keys are read from a file or asked for, and never from argv. */
import type { CommandInputs } from '#actors/commands.ts';
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { mustAsk } from '../ask.ts';
import { agree, change, checkOptions, finish } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { usageError } from '../errors.ts';
import { changeOptions, durationOf, examples, yesOption, type ChangeOptions } from '../options.ts';
import { keepOf, sizeOf, volumeSizeOf } from '../volume-values.ts';
import { lendingOf, linesOf, newToken, sayToken, tokenOf } from './backup-lend.ts';
import { addTargetLooking } from './backup-target-look.ts';
import { poolIn } from './pool-name.ts';

interface PolicyOptions extends ChangeOptions {
  readonly keep?: string;
  readonly verifyEvery?: string;
  readonly testRestoreEvery?: string;
  readonly size?: string;
  readonly limit?: string;
  readonly s3KeysFile?: string;
  readonly quota?: string;
  readonly tokenFile?: string;
}
interface SetOptions extends PolicyOptions {
  readonly appendOnly?: string;
  readonly newToken?: boolean;
}
interface AddOptions extends PolicyOptions {
  readonly path?: string;
  readonly pool?: string;
  readonly node?: string;
  readonly lab?: string;
  readonly vault?: string;
  readonly fingerprint?: string;
  readonly lend?: boolean;
  readonly appendOnly?: boolean;
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
  const group = backup.command('target').description('where backups go: a folder, another pool, or a bucket');
  addAdd(group, cli);
  addTargetLooking(group, cli);

  const set = group.command('set').description('change what a target keeps, checks and may move').argument('<target>');
  policyOptions(set)
    .option('--append-only <yes|no>', 'of one that is lent: whether the other lab may delete nothing')
    .option('--new-token', 'of one that is lent: another token, which is printed; the old one opens nothing any more');
  set.action(async (name: string, options: SetOptions) => {
    const lab = await cli.lab(options);
    const token = options.tokenFile === undefined ? {} : { secrets: await tokenOf(cli, options.tokenFile) };
    const keys = options.s3KeysFile === undefined ? token : { secrets: await keysOf(cli, options.s3KeysFile) };
    const made = options.newToken ? newToken() : undefined;
    const lent = lendingOf(options, made);
    const size = options.size === undefined ? {} : { sizeBytes: volumeSizeOf(options.size) };
    const input = { name, ...policyOf(options), ...size, ...keys, ...(Object.keys(lent).length === 0 ? {} : { lent }) };
    if (Object.keys(input).length === 1)
      throw usageError(
        'Say what changes: --keep, --verify-every, --test-restore-every, --size, --limit, --quota, --append-only or its keys.',
      );
    await change(cli, lab, options, 'change-backup-target', input, {
      done: `Target ${name} is changed.`,
      nothing: `Target ${name} is like that already.`,
    });
    sayToken(cli, options, made);
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
    .description('add a folder, a dataset of a pool or a bucket for backups, and look at it')
    .argument('<target>', 'its name in this lab')
    .option('--path <folder>', 'a folder that is there, outside of the pools: a USB disk, a share')
    .option('--node <name>', 'the node that has the folder; left out: all nodes have it at this path')
    .option('--pool <node/pool>', 'or a dataset in this pool, for volumes of other pools; needs --size')
    .option('--lab <url>', 'or a place that another lab lends: https://…:7400; needs --vault and --fingerprint')
    .option('--vault <name>', 'what that lab calls the target that it lends')
    .option('--fingerprint <sha256>', "of that lab's authority, as floatlab cluster status shows it there")
    .option('--lend', 'another lab uses it, with the token that is printed; needs --quota')
    .option('--append-only', 'lent: its token deletes nothing; used: this lab thins nothing out there')
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
    const keys =
      store.kind === 's3'
        ? { secrets: await keysOf(cli, options.s3KeysFile) }
        : store.kind === 'lab'
          ? { secrets: await tokenOf(cli, options.tokenFile) }
          : {};
    const made = options.lend ? newToken() : undefined;
    if (made && options.quota === undefined)
      throw usageError('A target that is lent needs --quota.', 'For example --quota 500GiB.');
    const { appendOnly = false } = options;
    const lent = made ? { lent: { appendOnly, ...lendingOf(options, made) } } : {};
    await change(
      cli,
      lab,
      options,
      'add-backup-target',
      { name, store, ...keys, ...lent, ...policyOf(options) } as CommandInputs['add-backup-target'],
      {
        done: made
          ? `Target ${name} is there, and lent to whoever has its token.`
          : `Target ${name} is there and can be used. Write the kit anew, and keep it outside of the lab: floatlab backup kit FILE.`,
        nothing: `Target ${name} is there already.`,
      },
    );
    sayToken(cli, options, made);
  });
  examples(
    changeOptions(add),
    'floatlab backup target add usb --path /mnt/usb/backups --node atlas --keep "7d:1d 8w:1w"',
    'floatlab backup target add attic --pool vega/tank --size 500GiB --keep "7d:1d 8w:1w"',
    'floatlab backup target add old --existing --kit backup-kit.json --path /mnt/usb/backups --node atlas',
  );
}

const policyOptions = (command: Command): Command =>
  command
    .option('--keep <policy>', 'which backups of each volume stay: "7d:1d 8w:1w last:3"; none: all')
    .option('--verify-every <duration>', 'read the newest of each volume back so often: 30d; none: once')
    .option('--test-restore-every <duration>', 'restore the newest of each volume as a test so often: 30d; none: never')
    .option('--size <size>', 'in a pool: what all backups there may take')
    .option('--limit <size>', 'what one backup or restore may move in a second: 5MiB; none')
    .option('--quota <size>', 'of one that is lent: what may lie there')
    .option('--token-file <file>', 'holds the token of a place that another lab lends; else it is asked for')
    .option('--s3-keys-file <file>', 'two lines, access key and secret access key; else they are asked for');

function policyOf({ keep, verifyEvery, testRestoreEvery, limit }: PolicyOptions) {
  return {
    ...(keep === undefined ? {} : { keep: keep === 'none' ? ('' as const) : keepOf(keep) }),
    ...(verifyEvery === undefined
      ? {}
      : { verifyEveryMs: verifyEvery === 'none' ? (0 as const) : durationOf(verifyEvery, '--verify-every') }),
    ...(testRestoreEvery === undefined
      ? {}
      : {
          testRestoreEveryMs:
            testRestoreEvery === 'none' ? (0 as const) : durationOf(testRestoreEvery, '--test-restore-every'),
        }),
    ...(limit === undefined ? {} : { limitBytesPerSecond: limit === 'none' ? (0 as const) : sizeOf(limit, '--limit') }),
  };
}

function storeOf(options: AddOptions) {
  const { path, node, pool, size, s3, lab, vault, fingerprint, appendOnly, lend, endpoint, region, virtualHost } =
    options;
  if ([path, pool, s3, lab].filter((place) => place !== undefined).length !== 1)
    throw usageError(
      'Say --path for a folder, --pool for a dataset of a pool, --lab for another lab, or --s3 for a bucket.',
    );
  if (appendOnly && lab === undefined && !lend)
    throw usageError('--append-only is of a target that is lent, or that another lab lends.');
  if (lab !== undefined) {
    if (vault === undefined || fingerprint === undefined)
      throw usageError('A place in another lab needs --vault and --fingerprint.', 'Whoever lends it knows both.');
    const bare = fingerprint
      .toLowerCase()
      .replace(/^sha256:/, '')
      .replaceAll(':', '');
    return { kind: 'lab' as const, endpoint: lab, vault, fingerprint: bare, appendOnly: appendOnly ?? false };
  }
  if (pool !== undefined) {
    if (size === undefined)
      throw usageError(
        'A target in a pool needs --size: what all backups there may take.',
        'For example --size 500GiB.',
      );
    const { node: of, name } = poolIn(pool);
    return { kind: 'pool' as const, node: of, pool: name, sizeBytes: volumeSizeOf(size) };
  }
  if (size !== undefined) throw usageError('--size is of a target in a pool.');
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
