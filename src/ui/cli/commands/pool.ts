/** The pools of the nodes: what they are made of, how well they are, and what one does to them. */
import { formatSize } from '#events/values/size.ts';
import type { PoolRow } from '#projections/views/pools.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { copiesWords, isAway } from '#ui/client/protection-words.ts';
import type { Command } from 'commander';
import type { Cli, Lab } from '../cli.ts';
import { momentsOf } from '../moments.ts';
import { examples, momentOf, readOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { counted, listed, orDash } from '../output/words.ts';
import { byName, readRows } from '../rows.ts';
import { addPoolChanges } from './pool-change.ts';
import { poolIn, titleOf } from './pool-name.ts';

/** `mirror of 2`, `a plain folder` */
function madeOf({ driver, layout, devices }: PoolRow): string {
  if (driver === 'dir') return 'a plain folder';
  const disks = devices.filter(({ role }) => role === 'data').length;
  return layout === null ? `${disks} devices` : disks === 0 ? layout : `${layout} of ${disks}`;
}

function scrubWords({ scrub, lastScrubAt, driver }: PoolRow, ago: (at: number) => string): string {
  if (driver === 'dir') return '–';
  if (scrub?.state === 'running' || scrub?.state === 'paused') return scrub.state;
  return lastScrubAt === null ? 'never' : ago(lastScrubAt);
}

export function addPoolCommands(program: Command, cli: Cli): void {
  const group = program.command('pool').description('look at pools and their disks; make, mend, scrub and adopt pools');

  const list = group.command('ls').alias('list').description('list the pools of all nodes').argument('[node]');
  list.action(async (node: string | undefined, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const rows = (await readRows(cli, lab, 'pools', options)).filter(
      (row) => node === undefined || row.node.name === node,
    );
    const { ago } = momentsOf(cli, options);
    printList<PoolRow>(cli.print, options, {
      rows: rows.toSorted((a, b) => titleOf(a).localeCompare(titleOf(b), 'en', { numeric: true })),
      name: titleOf,
      empty: 'No pools: no node has told of one yet.',
      columns: [
        { header: 'POOL', value: titleOf },
        {
          header: 'STATE',
          value: ({ state }) => state,
          paint: (text, { state }) => paintState(cli.print.style, text, state),
        },
        { header: 'KIND', value: ({ driver }) => driver },
        { header: 'MADE OF', value: madeOf },
        { header: 'SIZE', value: ({ sizeBytes }) => formatSize(sizeBytes), right: true },
        { header: 'RESERVED', value: ({ reservedBytes }) => formatSize(reservedBytes), right: true },
        { header: 'VOLUMES', value: ({ volumes }) => String(volumes), right: true },
        { header: 'SCRUBBED', value: (row) => scrubWords(row, ago) },
        { header: 'PROBLEM', value: ({ problem, problems }) => orDash(problems[0]?.text ?? problem?.message) },
        { header: 'WHERE', value: ({ where }) => orDash(where), wide: true },
      ],
    });
  });
  examples(readOptions(list), 'floatlab pool ls', 'floatlab pool ls atlas -o wide');

  const show = group.command('show').description('show a pool, its devices and what is wrong').argument('<node/pool>');
  show.action(async (pool: string, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const { node, name } = poolIn(pool);
    const at = momentOf(options.at, cli.world.now());
    const row = await lab.rest.showPool(node, name, { at, signal: cli.world.interrupt });
    const format = formatOf(options);
    if (options.quiet) return cli.print.data(titleOf(row));
    if (isStructured(format)) return printStructured(cli.print, format, row);
    const { since, ago } = momentsOf(cli, options);
    const { scrub } = row;
    const lost = isAway(row) ? await volumesIn(cli, lab, row, options) : [];
    return printFields(cli.print, [
      ['pool', titleOf(row)],
      ['state', `${row.state}, since ${since(row.since)}`],
      ...lost.map((volume): [string, string] => ['held', `${volume.name}: ${copiesWords(volume, ago)}`]),
      ['problem', row.problem && row.problem.message],
      ['hint', row.problem?.hint && cli.advise(row.problem.hint)],
      ...row.problems.flatMap(({ text, repair }): [string, string][] => [
        ['wrong', text],
        ['hint', repair],
      ]),
      ['kind', `${row.driver}, ${madeOf(row)}, ${originWords[row.origin]}`],
      ['where', row.where],
      [
        'size',
        `${formatSize(row.sizeBytes)}, of which ${formatSize(row.promisableBytes)} may be promised; ${formatSize(row.reservedBytes)} are, to ${counted(row.volumes, 'volume')}`,
      ],
      [
        'devices',
        listed(
          row.devices.map(({ name: device, state, sizeBytes, was }) => {
            const about = [
              state,
              ...(was === undefined ? [] : [`was ${was}`]),
              ...(sizeBytes === undefined ? [] : [formatSize(sizeBytes)]),
            ];
            return `${device} (${about.join(', ')})`;
          }),
        ),
      ],
      [
        'scrub',
        row.driver === 'dir'
          ? null
          : scrub === null
            ? 'never'
            : `${scrub.state}${scrub.endedAt === undefined ? '' : `, ${ago(scrub.endedAt)}`}${scrub.errors === undefined ? '' : `, ${scrub.errors} errors that could not be put right`}`,
      ],
      ['can', row.can && canWords(row.can)],
    ]);
  });
  examples(readOptions(show), 'floatlab pool show atlas/main', 'floatlab pool show atlas/main -o json');

  addPoolChanges(group, cli);
}

const originWords: Readonly<Record<PoolRow['origin'], string>> = {
  usual: 'as every node has one',
  given: 'named with --pool',
  made: 'made through the lab',
  adopted: 'adopted',
};

function canWords(can: NonNullable<PoolRow['can']>): string {
  const words = [
    ...(can.quota ? ['hold volumes to their sizes'] : []),
    ...(can.copyOnWrite ? ['snapshots that share'] : ['snapshots as copies']),
    ...(can.together ? ['consistent sets'] : []),
    ...(can.scrubbedDestroy ? ['scrubbed deletion'] : []),
    ...(can.compression.length > 1
      ? [`compression (${can.compression.filter((one) => one !== 'off').join(', ')})`]
      : []),
  ];
  return words.join(', ');
}

/** What is in it, of a pool of which nothing can be reached. */
async function volumesIn(cli: Cli, lab: Lab, pool: PoolRow, options: ReadOptions): Promise<readonly VolumeRow[]> {
  const rows = await readRows(cli, lab, 'volumes', options, { filters: { node: pool.node.name } });
  return rows.filter((row) => row.pool === pool.name).toSorted(byName);
}
