/** The lab in words: is anything wrong, and is everything kept? */
import type { OverviewRow } from '#projections/views/overview.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples, momentOf, readOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printStructured } from '../output/formats.ts';
import { safe } from '../output/safe.ts';
import { wrap } from '../output/width.ts';
import { counted, listed } from '../output/words.ts';
import { readRows } from '../rows.ts';
import { printAlerts } from './alert.ts';

export function addStatusCommand(program: Command, cli: Cli): void {
  const status = program.command('status').description('how the lab is, in words');
  status.action((options: ReadOptions) => showStatus(cli, options));
  examples(readOptions(status), 'floatlab status', 'floatlab status --at "2026-11-21 14:02"');
}

async function showStatus(cli: Cli, options: ReadOptions): Promise<void> {
  const lab = await cli.lab(options);
  const at = momentOf(options.at, cli.world.now());
  const format = formatOf(options);
  const overview = await lab.rest.show('overview', {}, { at, signal: cli.world.interrupt });
  const everywhere = { filters: { namespace: undefined } };
  const alerts = await readRows(cli, lab, 'alerts', options, everywhere);
  if (isStructured(format)) return printStructured(cli.print, format, { overview, alerts });
  if (options.quiet) return cli.print.data(alerts.length === 0 ? 'well' : counted(alerts.length, 'alert'));
  const volumes = await readRows(cli, lab, 'volumes', options, everywhere);
  for (const sentence of statusSentences(overview, volumes)) {
    for (const line of wrap(safe(sentence), cli.print.width)) cli.print.data(line);
  }
  if (alerts.length === 0) return cli.print.data(cli.print.style.good('No alerts.'));
  cli.print.data('');
  return printAlerts(cli, options, alerts);
}

/** `Lab home: all 14 apps run.` and what else is worth a sentence. */
function statusSentences(overview: OverviewRow, volumes: readonly VolumeRow[]): readonly string[] {
  const { counts, cordoned } = overview;
  const cordonedWords = cordoned > 0 ? `; ${cordoned} ${cordoned === 1 ? 'is' : 'are'} cordoned` : '';
  return [
    `Lab ${overview.name}: ${appWords(counts.app)}.`,
    `${stateWords(counts.node, 'node')}${cordonedWords}.`,
    snapshotWords(volumes),
  ].filter((sentence) => sentence !== '');
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, one) => all + one, 0);

function appWords(counts: Readonly<Record<string, number>>): string {
  const total = sum(counts);
  const { running = 0, ...others } = counts;
  if (total === 0) return 'no apps yet; floatlab up -f compose.yaml brings one up';
  if (running === total) return total === 1 ? 'its one app runs' : `all ${total} apps run`;
  return `${running} of ${counted(total, 'app')} ${running === 1 ? 'runs' : 'run'}; ${listed(byState(others))}`;
}

const byState = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts)
    .toSorted(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([state, count]) => `${count} ${stateVerb(state, count === 1 ? 'is' : 'are')}`);

function stateVerb(state: string, be: 'is' | 'are'): string {
  if (state === 'failed') return 'failed';
  return state === 'removing' ? `${be} being removed` : `${be} ${state}`;
}

function stateWords(counts: Readonly<Record<string, number>>, one: string): string {
  const total = sum(counts);
  const states = Object.keys(counts);
  if (total === 0) return `No ${one}s`;
  if (states.length === 1) return `${counted(total, one)} ${total === 1 ? 'is' : 'are'} ${states[0]}`;
  return `Of ${counted(total, one)} ${listed(byState(counts))}`;
}

const named = 3;

function snapshotWords(volumes: readonly VolumeRow[]): string {
  if (volumes.length === 0) return '';
  const without = volumes.filter(({ snapshots }) => snapshots === 0).map(({ name }) => name);
  if (without.length === 0)
    return volumes.length === 1 ? 'Its one volume has snapshots.' : `All ${volumes.length} volumes have snapshots.`;
  const more = without.length - named;
  const words = more > 1 ? [...without.slice(0, named), `${more} more`] : without;
  return `${counted(volumes.length, 'volume')}; ${listed(words)} ${without.length === 1 ? 'has' : 'have'} no snapshot.`;
}
