/** The lab in words: is anything wrong, and is everything kept? */
import { unknownState } from '#projections/unheard.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { OverviewRow } from '#projections/views/overview.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { Leaderless } from '../leaderless.ts';
import { noQuorumExit } from '../exit-codes.ts';
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

const unheardOf = { filters: { namespace: undefined, state: unknownState } };

async function showStatus(cli: Cli, options: ReadOptions): Promise<void> {
  const whyLeaderless = cli.saysLeaderless();
  const lab = await cli.lab(options);
  const at = momentOf(options.at, cli.world.now());
  const format = formatOf(options);
  const overview = await lab.rest.show('overview', {}, { at, signal: cli.world.interrupt });
  const everywhere = { filters: { namespace: undefined } };
  const alerts = await readRows(cli, lab, 'alerts', options, everywhere);
  const leaderless = await whyLeaderless();
  if (leaderless) cli.exitCode = noQuorumExit;
  if (leaderless && (isStructured(format) || options.quiet)) cli.print.labelled('warning: ', oldWords(leaderless));
  if (isStructured(format)) return printStructured(cli.print, format, { overview, alerts });
  if (options.quiet) return cli.print.data(quietWords(alerts.length, leaderless));
  const volumes = await readRows(cli, lab, 'volumes', options, everywhere);
  const isOut = ['down', 'stopped'].some((state) => (overview.counts.node[state] ?? 0) > 0);
  const unknown = isOut ? await readRows(cli, lab, 'apps', options, unheardOf) : [];
  if (leaderless) {
    for (const line of wrap(safe(cli.advise(oldWords(leaderless))), cli.print.width)) cli.print.data(line);
    cli.print.data('');
  }
  for (const sentence of statusSentences(overview, unknown, volumes)) {
    for (const line of wrap(safe(sentence), cli.print.width)) cli.print.data(line);
  }
  if (alerts.length === 0) {
    return cli.print.data(leaderless ? 'It knew of no alerts.' : cli.print.style.good('No alerts.'));
  }
  cli.print.data('');
  return printAlerts(cli, options, alerts);
}

const oldWords = ({ what, hint }: Leaderless): string => `${what} The rest is what it knew last. ${hint}`;

function quietWords(alerts: number, leaderless: Leaderless | undefined): string {
  if (leaderless) return 'no leader';
  return alerts === 0 ? 'well' : counted(alerts, 'alert');
}

/** `Lab home: all 14 apps run.` and what else is worth a sentence. */
function statusSentences(
  overview: OverviewRow,
  unknown: readonly AppRow[],
  volumes: readonly VolumeRow[],
): readonly string[] {
  const { counts, cordoned } = overview;
  const cordonedWords = cordoned > 0 ? `; ${cordoned} ${cordoned === 1 ? 'is' : 'are'} cordoned` : '';
  return [
    `Lab ${overview.name}: ${appWords(shownCounts(counts.app, unknown))}.`,
    `${stateWords(counts.node, 'node')}${cordonedWords}.`,
    snapshotWords(volumes),
  ].filter((sentence) => sentence !== '');
}

/** As they are shown: of an app on a node that is down nobody knows whether it runs. */
function shownCounts(counts: Counts, unknown: readonly AppRow[]): Counts {
  if (unknown.length === 0) return counts;
  const shown: Record<string, number> = { ...counts, [unknownState]: unknown.length };
  for (const { decided } of unknown) {
    const left = (shown[decided] ?? 0) - 1;
    if (left > 0) shown[decided] = left;
    else delete shown[decided];
  }
  return shown;
}

type Counts = Readonly<Record<string, number>>;

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
  if (state === unknownState) return be === 'is' ? 'is on a node that is down' : 'are on nodes that are down';
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
