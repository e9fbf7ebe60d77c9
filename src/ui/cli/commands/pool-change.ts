/** What one does to pools. What is on a disk is asked of its node first, and erased only after a word. */
import { leastFilePoolBytes } from '#actors/pool/layouts.ts';
import { poolLayout, type PoolLayout } from '#events/values/pool.ts';
import { formatSize } from '#events/values/size.ts';
import { Option, type Command } from 'commander';
import { agree, agreeToLoss, change, checkOptions, forecast } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { changeOptions, examples, readOptions, yesOption, type ChangeOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printList, printStructured } from '../output/formats.ts';
import { orDash } from '../output/words.ts';
import { sizeOf } from '../volume-values.ts';
import { poolIn } from './pool-name.ts';

interface DeviceOptions extends ChangeOptions {
  readonly layout?: PoolLayout;
  readonly erase?: boolean;
}
interface CreateOptions extends DeviceOptions {
  readonly size?: string;
  readonly file?: string;
  readonly driver?: 'btrfs' | 'zfs';
}

interface ForgetOptions extends ChangeOptions {
  readonly force?: boolean;
}

const layoutOption = (): Option =>
  new Option('--layout <layout>', 'how disks are put together').choices(poolLayout.options);
const eraseWords = 'what the devices hold is lost';

export function addPoolChanges(group: Command, cli: Cli): void {
  const candidates = group
    .command('candidates')
    .description('the disks of a node: which are free, and what keeps the others')
    .argument('<node>');
  candidates.action(async (node: string, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const disks = await lab.rest.disks(node, { signal: cli.world.interrupt });
    const format = formatOf(options);
    if (isStructured(format)) return printStructured(cli.print, format, disks);
    return printList(cli.print, options, {
      rows: disks,
      name: ({ path }) => path,
      empty: `Node ${node} has no disks.`,
      columns: [
        { header: 'DISK', value: ({ path }) => path },
        { header: 'STATE', value: ({ state }) => state.replace('-', ' ') },
        { header: 'SIZE', value: ({ sizeBytes }) => formatSize(sizeBytes), right: true },
        { header: 'MODEL', value: ({ model }) => orDash(model) },
        { header: 'WHY', value: ({ why }) => orDash(why.join(', ')) },
      ],
    });
  });
  examples(readOptions(candidates), 'floatlab pool candidates atlas', 'floatlab pool candidates atlas -o json');

  const create = group
    .command('create')
    .description('make a pool of disks, or in one file of a given size')
    .argument('<node/pool>')
    .argument('[devices...]', 'disks or partitions, for example /dev/sdb /dev/sdc')
    .addOption(layoutOption())
    .addOption(new Option('--driver <driver>', 'the file system').choices(['btrfs', 'zfs']))
    .option('--size <size>', 'instead of devices: in a file of this size')
    .option('--file <path>', 'where that file is; beside the other data of the node when it is left out')
    .option('--erase', eraseWords);
  create.action(async (pool: string, devices: readonly string[], options: CreateOptions) => {
    const { node, name } = poolIn(pool);
    const { size, file, driver, layout, erase = false } = options;
    const sizeBytes = size === undefined ? undefined : sizeOf(size, '--size', leastFilePoolBytes);
    if ((devices.length === 0) === (sizeBytes === undefined))
      throw usageError('A pool lies on devices, or in a file of a given size.', `Name devices, or --size 20GiB.`);
    const lab = await cli.lab(options);
    if (erase) await agreeToLoss(cli, options, name, [`Everything on ${devices.join(', ')} of ${node} will be lost.`]);
    await change(
      cli,
      lab,
      options,
      'create-pool',
      {
        ...{ node, name, erase },
        ...(layout === undefined ? {} : { layout }),
        ...(driver === undefined ? {} : { driver }),
        ...(devices.length === 0 ? {} : { devices: [...devices] }),
        ...(sizeBytes === undefined ? {} : { sizeBytes }),
        ...(file === undefined ? {} : { file }),
      },
      { done: `Pool ${pool} is ready.`, nothing: `Pool ${pool} is there already.` },
    );
  });
  examples(
    yesOption(changeOptions(create)),
    'floatlab pool create atlas/tank /dev/sdb /dev/sdc --layout mirror',
    'floatlab pool create atlas/scratch --size 20GiB',
  );

  const grow = group
    .command('grow')
    .description('use what its devices have gained, or make its file larger')
    .argument('<node/pool>')
    .option('--size <size>', 'of a pool in a file: its new size');
  grow.action(async (pool: string, options: ChangeOptions & { readonly size?: string }) => {
    const lab = await cli.lab(options);
    const to = options.size === undefined ? {} : { sizeBytes: sizeOf(options.size, '--size', leastFilePoolBytes) };
    const words = { done: `Pool ${pool} has grown.`, nothing: `Pool ${pool} is as large already.` };
    await change(cli, lab, options, 'grow-pool', { ...poolIn(pool), ...to }, words);
  });
  examples(changeOptions(grow), 'floatlab pool grow atlas/tank', 'floatlab pool grow atlas/scratch --size 40GiB');

  const clear = group
    .command('clear')
    .description('forget the errors that it has counted, go on where it stopped, take writes again')
    .argument('<node/pool>');
  clear.action(async (pool: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const words = { done: `Pool ${pool} has no errors counted, and takes writes.`, nothing: `Pool ${pool} is well.` };
    await change(cli, lab, options, 'clear-pool', poolIn(pool), words);
  });
  examples(changeOptions(clear), 'floatlab pool clear atlas/tank', 'floatlab pool clear atlas/tank --dry-run');

  const add = group
    .command('add')
    .description('give a pool more devices')
    .argument('<node/pool>')
    .argument('<devices...>')
    .addOption(layoutOption())
    .option('--erase', eraseWords);
  add.action(async (pool: string, devices: readonly string[], options: DeviceOptions) => {
    const named = poolIn(pool);
    const { layout, erase = false } = options;
    const lab = await cli.lab(options);
    if (erase) await agreeToLoss(cli, options, named.name, [`Everything on ${devices.join(', ')} will be lost.`]);
    await change(
      cli,
      lab,
      options,
      'add-pool-devices',
      { ...named, devices: [...devices], erase, ...(layout === undefined ? {} : { layout }) },
      { done: `Pool ${pool} has ${devices.join(', ')}.`, nothing: `Pool ${pool} has them already.` },
    );
  });
  examples(
    yesOption(changeOptions(add)),
    'floatlab pool add atlas/tank /dev/sdd /dev/sde',
    'floatlab pool add atlas/tank /dev/sdd --dry-run',
  );

  const replace = group
    .command('replace')
    .description('put a new device in the place of another one, whether that still works or is gone')
    .argument('<node/pool>')
    .argument('<device>', 'as the pool calls it, or where it is or was')
    .requiredOption('--by <device>', 'the new one')
    .option('--erase', eraseWords);
  replace.action(
    async (
      pool: string,
      device: string,
      options: ChangeOptions & { readonly by: string; readonly erase?: boolean },
    ) => {
      const named = poolIn(pool);
      const { by, erase = false } = options;
      const lab = await cli.lab(options);
      if (erase) await agreeToLoss(cli, options, named.name, [`Everything on ${by} will be lost.`]);
      await change(
        cli,
        lab,
        options,
        'replace-pool-device',
        { ...named, device, by, erase },
        { done: `Pool ${pool} has ${by} instead of ${device}.`, nothing: `Pool ${pool} has ${by} already.` },
      );
    },
  );
  examples(
    yesOption(changeOptions(replace)),
    'floatlab pool replace atlas/tank /dev/sdb --by /dev/sdd',
    'floatlab pool replace atlas/tank 2 --by /dev/sdd --detach',
  );

  const scrub = group
    .command('scrub')
    .description('read and verify everything in a pool; what is wrong is put right from the other copies')
    .argument('<node/pool>')
    .option('--pause', 'it goes on when it is started again')
    .option('--cancel', 'end it');
  scrub.action(
    async (pool: string, options: ChangeOptions & { readonly pause?: boolean; readonly cancel?: boolean }) => {
      if (options.pause && options.cancel) throw usageError('Say --pause or --cancel, not both.');
      const action = options.pause ? 'pause' : options.cancel ? 'cancel' : 'start';
      const lab = await cli.lab(options);
      await change(cli, lab, options, 'scrub-pool', { ...poolIn(pool), action }, scrubWords(pool)[action]);
    },
  );
  examples(changeOptions(scrub), 'floatlab pool scrub atlas/main', 'floatlab pool scrub atlas/main --pause');

  const adopt = group
    .command('adopt')
    .description('take over what is there already; its data stays')
    .argument('<node/pool>')
    .argument('<where>', 'zfs:tank/floatlab, /mnt/tank on btrfs, or dir:/srv/slow');
  adopt.action(async (pool: string, place: string, options: ChangeOptions) => {
    const [, kind, where = ''] = /^(?:(zfs|dir|btrfs):)?(.+)$/s.exec(place) ?? [];
    const driver = (kind ?? 'btrfs') as 'btrfs' | 'zfs' | 'dir';
    const lab = await cli.lab(options);
    const words = { done: `${place} is pool ${pool}.`, nothing: `${place} is pool ${pool} already.` };
    await change(cli, lab, options, 'adopt-pool', { ...poolIn(pool), driver, where }, words);
  });
  examples(
    changeOptions(adopt),
    'floatlab pool adopt atlas/tank zfs:tank/floatlab',
    'floatlab pool adopt atlas/fast /mnt/fast',
  );

  const forget = group
    .command('forget')
    .description('manage a pool no more; what is in it stays')
    .argument('<node/pool>')
    .option('--force', 'also with the volumes in it, when it is gone for good: they are lost');
  forget.action((pool: string, options: ForgetOptions) => forgetPool(cli, options, pool));
  examples(
    yesOption(changeOptions(forget)),
    'floatlab pool forget atlas/tank',
    'floatlab pool forget atlas/tank --force --dry-run',
  );
}

async function forgetPool(cli: Cli, options: ForgetOptions, pool: string): Promise<void> {
  checkOptions(options);
  const named = poolIn(pool);
  const { force = false } = options;
  const lab = await cli.lab(options);
  const input = { ...named, force };
  if (!options.yes && !options.dryRun) {
    // A refusal comes before the question.
    const { changes = [] } = await forecast(lab, 'forget-pool', input);
    if (changes.length > 0) await agreeToLoss(cli, options, named.name, changes);
    else await agree(cli, options, `Let pool ${pool} go? What is in it stays, and the lab does not use it any more.`);
  }
  const words = { done: `Pool ${pool} is managed no more.`, nothing: `Pool ${pool} is being let go already.` };
  await change(cli, lab, options, 'forget-pool', input, words);
}

const scrubWords = (pool: string) => ({
  start: {
    done: `Pool ${pool} is being scrubbed: floatlab pool show ${pool} tells what it finds.`,
    nothing: `Pool ${pool} is being scrubbed already.`,
  },
  pause: { done: `The scrub of pool ${pool} is paused.`, nothing: `The scrub of pool ${pool} is paused already.` },
  cancel: { done: `The scrub of pool ${pool} is canceled.`, nothing: `Pool ${pool} is not being scrubbed.` },
});
