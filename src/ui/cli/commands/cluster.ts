/** The nodes as a group that agrees: who leads, who votes, and what that promises. */
import { formatDuration } from '#events/values/duration.ts';
import type { ClusterMember, ClusterStatus } from '#io/contract/cluster.ts';
import { quorumOf } from '#ui/client/quorum.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { noQuorumExit } from '../exit-codes.ts';
import { examples, outputOptions, type LabOptions } from '../options.ts';
import {
  formatOf,
  isStructured,
  printFields,
  printList,
  printStructured,
  type OutputOptions,
} from '../output/formats.ts';
import { safe } from '../output/safe.ts';
import { paintState } from '../output/style.ts';
import type { Column } from '../output/table.ts';
import { wrap } from '../output/width.ts';
import { orDash } from '../output/words.ts';
import { addBouncerCommands } from './bouncer.ts';
import { addLabSnapshotCommands } from './lab-snapshot.ts';
import { addRecoverCommand } from './recover.ts';

interface ClusterOptions extends LabOptions, OutputOptions {}

export function addClusterCommands(program: Command, cli: Cli): void {
  const group = program.command('cluster').description('how the nodes agree: leader, votes, who may join');

  const status = group
    .command('status')
    .description('who leads, who votes, how far each is; ends with 8 without a majority');
  status.action((options: ClusterOptions) => showStatus(cli, options));
  examples(
    outputOptions(status, 'print the name of the leader alone'),
    'floatlab cluster status',
    'floatlab cluster status -o json',
  );

  const peers = group.command('peers').description('list the members of the group');
  peers.action(async (options: ClusterOptions) => {
    const lab = await cli.lab(options);
    const { members } = await lab.rest.clusterStatus({ signal: cli.world.interrupt });
    printMembers(cli, options, members);
  });
  examples(outputOptions(peers), 'floatlab cluster peers', 'floatlab cluster peers -q');

  const transfer = group.command('transfer').description('let another voter lead').argument('<node>');
  transfer.action(async (node: string, options: ClusterOptions) => {
    const format = formatOf(options);
    const lab = await cli.lab(options);
    const { name } = lab.ref(node, {});
    const answer = await lab.rest.transferLeadership(name, { signal: cli.world.interrupt });
    if (isStructured(format)) return printStructured(cli.print, format, answer);
    if (!options.quiet) cli.print.talk(answer.unchanged ? `Node ${name} leads already.` : `Node ${name} leads now.`);
  });
  examples(
    outputOptions(transfer, 'say nothing on success'),
    'floatlab cluster transfer vega',
    'floatlab cluster transfer vega -q',
  );

  addLabSnapshotCommands(group, cli);
  addRecoverCommand(group, cli);
  addBouncerCommands(group, cli);
}

async function showStatus(cli: Cli, options: ClusterOptions): Promise<void> {
  const format = formatOf(options);
  const lab = await cli.lab(options);
  const status = await lab.rest.clusterStatus({ signal: cli.world.interrupt });
  const isLed = status.simulated === undefined ? status.leader !== undefined : true;
  if (!status.hasQuorum || !isLed) cli.exitCode = noQuorumExit;
  const leader = status.members.find(({ isLeader }) => isLeader)?.name ?? status.leader;
  if (isStructured(format)) return printStructured(cli.print, format, status);
  if (options.quiet) return leader === undefined ? undefined : cli.print.data(safe(leader));
  printFields(cli.print, [
    ['leader', leader === undefined ? nobodyWords(status) : `${leader}, in term ${status.term}`],
    ['quorum', status.simulated === undefined ? quorumWords(status) : null],
    ['log', `entry ${status.committed} is committed, event ${status.index} is known here`],
    ['authority', status.authority ?? null],
    ['generation', status.generation > 1 ? `${status.generation}: the lab was recovered` : null],
    ['changing', status.isChanging ? 'who votes is just being changed' : null],
    ['why', status.outcast?.message ?? null],
    ['hint', status.outcast === undefined ? null : cli.advise(status.outcast.hint)],
    ['this node', status.isSuspect ? 'lost a part of its log: it does not vote until it is whole again' : null],
  ]);
  cli.print.data('');
  printMembers(cli, { ...options, quiet: false }, status.members);
  const sentences = [...(status.simulated === undefined ? [] : [status.simulated]), ...status.promises];
  if (sentences.length > 0) cli.print.data('');
  for (const sentence of sentences) {
    for (const line of wrap(safe(sentence), cli.print.width)) cli.print.data(line);
  }
}

/** Of an outcast that nobody sent away. */
const clockCodes: readonly string[] = ['CLOCK_WRONG', 'CLOCKS_DIFFER'];

/** A node that the others do not let in may be the only one without a leader. */
function nobodyWords({ outcast, simulated }: ClusterStatus): string {
  if (simulated !== undefined) return 'nobody: one process decides for all simulated nodes';
  if (outcast === undefined) return 'nobody: nothing in the lab can be changed now';
  const why = clockCodes.includes(outcast.code) ? 'clocks keep it from the others' : 'the others do not let it in';
  return `nobody, as far as this node knows: ${why}`;
}

function quorumWords(status: ClusterStatus): string {
  const { answering, voters } = quorumOf(status);
  const many = voters === 1 ? 'the one voter' : `${answering} of ${voters} voters`;
  // They may well decide, without this node.
  if (status.outcast !== undefined) return 'not known here';
  if (!status.hasQuorum) return 'no majority of the voters answers';
  return `${many} ${answering === 1 ? 'answers' : 'answer'}`;
}

function printMembers(cli: Cli, options: OutputOptions, members: readonly ClusterMember[]): void {
  const columns: readonly Column<ClusterMember>[] = [
    { header: 'NODE', value: ({ name, node }) => name || node },
    { header: 'VOTE', value: voteWords },
    {
      header: 'STATE',
      value: stateWords,
      paint: (text, { isReachable, isStopped, clockAheadMs }) => {
        const isDown = isReachable === false || clockAheadMs !== undefined;
        return paintState(cli.print.style, text, isStopped === true ? 'stopped' : isDown ? 'down' : 'up');
      },
    },
    { header: 'BEHIND', value: behindWords },
    ...(members.some(({ lease }) => lease) ? [{ header: 'LEASE', value: leaseWords }] : []),
    { header: 'INCARNATION', value: ({ incarnation }) => orDash(incarnation), wide: true },
    { header: 'ID', value: ({ node }) => node, wide: true },
  ];
  printList(cli.print, options, {
    rows: members,
    name: ({ name, node }) => name || node,
    empty: 'No members: the lab is just starting.',
    columns,
  });
}

/** Who is none of the group follows one of them. */
function voteWords({ votes, isLeader, follows }: ClusterMember): string {
  if (isLeader) return 'leader';
  if (votes === 'none') return '–';
  if (votes !== 'follower') return votes;
  return follows === undefined ? 'follows nobody' : `follows ${follows}`;
}

function stateWords({ isReachable, isSelf, isStopped, clockAheadMs }: ClusterMember): string {
  if (clockAheadMs !== undefined) return `clock ${aheadWords(clockAheadMs)}`;
  if (isStopped === true) return 'stopped';
  if (isSelf) return 'answers';
  return isReachable === undefined ? '–' : isReachable ? 'answers' : 'silent';
}

const aheadWords = (ms: number): string => `${formatDuration(Math.abs(ms))} ${ms < 0 ? 'behind' : 'ahead'}`;

function leaseWords({ lease }: ClusterMember): string {
  if (!lease || lease.state === 'none') return '–';
  const seconds = Math.ceil((lease.leftMs ?? 0) / 1000);
  if (lease.state === 'held') return `${seconds} s`;
  return lease.state === 'ending' ? `over in ${seconds} s` : lease.state;
}

function behindWords({ behind, isFetching, isLeader }: ClusterMember): string {
  if (isFetching) return 'fetches a snapshot';
  if (isLeader || behind === undefined) return '–';
  return behind === 0 ? 'nothing' : `${behind} ${behind === 1 ? 'entry' : 'entries'}`;
}
