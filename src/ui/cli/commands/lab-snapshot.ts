/**
 * The whole lab as a file: saved from a running lab, looked into without one, and brought back on an empty machine.
 *
 * What is in such a file `floatlabd` knows, which is installed beside this program: it inspects and restores.
 */
import { labSnapshotReport, type LabSnapshotReport } from '#io/contract/lab-snapshot.ts';
import { formatSize } from '#events/values/size.ts';
import type { Command } from 'commander';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cli } from '../cli.ts';
import { CliError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import { examples, outputOptions, type LabOptions } from '../options.ts';
import { formatOf, isStructured, printFields, printStructured, type OutputOptions } from '../output/formats.ts';
import { safe } from '../output/safe.ts';
import { counted, momentWords } from '../output/words.ts';
import { refuseExisting, writeWhole } from '../receive.ts';

interface SaveOptions extends LabOptions, OutputOptions {}

interface RestoreOptions {
  readonly data: string;
  readonly recoveryKeyFile?: string;
  readonly name?: string;
  readonly nodeOff?: readonly string[];
  readonly generation?: string;
}

/** Of a lab that cannot be restored as it is. */
const damagedExit = 1;

export function addLabSnapshotCommands(cluster: Command, cli: Cli): void {
  const group = cluster.command('snapshot').description('the whole lab as a file: save, inspect, restore');

  const save = group
    .command('save')
    .description('save the lab: history, files, sealed keys; keep the recovery key apart')
    .argument('<file>', 'a new file');
  save.action((file: string, options: SaveOptions) => saveTo(cli, options, file));
  examples(
    outputOptions(save, 'say nothing on success'),
    'floatlab cluster snapshot save lab.tar',
    'floatlab cluster snapshot save /backup/lab.tar -q',
  );

  const inspect = group
    .command('inspect')
    .description('what is in such a file, and whether it is whole; needs no lab')
    .argument('<file>');
  inspect.action(async (file: string, options: OutputOptions) => {
    const format = formatOf(options);
    const report = await inspected(cli, resolve(cli.world.cwd, file));
    if (!report.isWhole) cli.exitCode = damagedExit;
    if (isStructured(format)) return printStructured(cli.print, format, report);
    if (!options.quiet) printReport(cli, report);
  });
  examples(
    outputOptions(inspect, 'say it by the exit code alone'),
    'floatlab cluster snapshot inspect lab.tar',
    'floatlab cluster snapshot inspect lab.tar -o json',
  );

  const restore = group
    .command('restore')
    .description('bring the lab back on this machine, which has no lab; asks first')
    .argument('<file>')
    .requiredOption('--data <dir>', 'an empty data directory')
    .option('--recovery-key-file <file>', 'holds the recovery key; else it is asked for')
    .option('--name <node>', 'the node whose place this machine takes')
    .option('--node-off <node...>', 'nodes whose machines are off and stay so; else asked')
    .option('--generation <n>', 'when the lab was recovered since: a higher one');
  restore.action((file: string, options: RestoreOptions) => restoreFrom(cli, options, file));
  examples(
    restore,
    'floatlab cluster snapshot restore lab.tar --data /var/lib/floatlab --name atlas',
    'floatlab cluster snapshot restore lab.tar --data /srv/lab --name atlas --node-off atlas vega',
  );
}

async function saveTo(cli: Cli, options: SaveOptions, file: string): Promise<void> {
  const format = formatOf(options);
  const path = resolve(cli.world.cwd, file);
  await refuseExisting(path, file);
  const lab = await cli.lab(options);
  const { interrupt } = cli.world;
  const part = `${path}.part`;
  try {
    const { sizeBytes, bytes } = await lab.rest.saveSnapshot({ signal: interrupt });
    const written = await writeWhole(part, bytes);
    if (sizeBytes !== undefined && written !== sizeBytes) throw cutOff(written, sizeBytes);
    // What was not read back is no backup.
    const report = await inspected(cli, part);
    if (!report.isWhole) throw damaged(report);
    await rename(part, path);
    if (isStructured(format)) return printStructured(cli.print, format, { ...report, file: path });
    if (!options.quiet) printReport(cli, { ...report, file });
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function inspected(cli: Cli, path: string): Promise<LabSnapshotReport> {
  const { code, stdout } = await cli.world.daemon(['--inspect', path], 'take');
  const parsed = labSnapshotReport.safeParse(code === 0 || code === damagedExit ? jsonOf(stdout) : undefined);
  if (parsed.success) return parsed.data;
  // It has said why.
  throw new CliError('NOT_INSPECTED', 1, `${path} was not inspected.`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function restoreFrom(cli: Cli, options: RestoreOptions, file: string): Promise<void> {
  const { data, recoveryKeyFile: keyFile, name, nodeOff = [], generation } = options;
  const path = (given: string): string => resolve(cli.world.cwd, given);
  const args = [
    ...['--restore', path(file), '--data', path(data)],
    ...(keyFile === undefined ? [] : ['--recovery-key-file', path(keyFile)]),
    ...(name === undefined ? [] : ['--name', name]),
    ...nodeOff.flatMap((node) => ['--node-off', node]),
    ...(generation === undefined ? [] : ['--generation', generation]),
  ];
  const { code } = await cli.world.daemon(args, 'show');
  cli.exitCode = code;
}

function printReport(cli: Cli, { file, sizeBytes, isWhole, problems, about, counts }: LabSnapshotReport): void {
  const { ago } = momentsOf(cli, {});
  printFields(cli.print, [
    ['file', `${file}, ${formatSize(sizeBytes)}`],
    ['whole', isWhole ? 'yes: every byte is as it was written' : 'no'],
    ['lab', about ? `${about.name} (${about.lab}), generation ${about.generation}` : null],
    ['until', about ? `event ${about.index}, of ${momentWords(about.at)} (${ago(about.at)})` : null],
    ['saved', about ? `${momentWords(about.savedAt)}, on node ${about.savedBy}, by FloatLab ${about.version}` : null],
    [
      'holds',
      counts
        ? [
            counted(counts.nodes, 'node'),
            counted(counts.apps, 'app'),
            counted(counts.volumes, 'volume'),
            `${counted(counts.blobs, 'file')} of apps`,
          ].join(', ')
        : null,
    ],
    ['hash', about?.hash ?? null],
    [
      'lacks',
      about && about.lacking.length > 0 ? `${counted(about.lacking.length, 'file')} of apps: lost before` : null,
    ],
  ]);
  for (const { part, explain } of problems) cli.print.data(safe(part === '' ? explain : `${part}: ${explain}`));
}

const cutOff = (written: number, sizeBytes: number): CliError =>
  new CliError(
    'CUT_OFF',
    1,
    `The lab sent ${formatSize(written)} of ${formatSize(sizeBytes)}, and no more.`,
    'Try again; nothing was kept of it.',
  );

const damaged = ({ problems: [first] }: LabSnapshotReport): CliError =>
  new CliError(
    'DAMAGED',
    1,
    `What arrived is not whole: ${first?.explain ?? ''}`,
    'Try again; nothing was kept of it.',
  );
