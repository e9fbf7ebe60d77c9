/**
 * The nodes as a group: how it is, and another leader for it.
 *
 * A lab whose nodes share one log (a simulated one) has no group, and says so: nobody leads there, and nobody votes.
 */
import { allows } from '#actors/access/scope.ts';
import type { ClusterMember, ClusterStatus } from '#io/contract/cluster.ts';
import { transferBody, type TransferAnswer } from '#io/contract/routes/cluster.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import { sleep } from '../../devices/clock/port.ts';
import type { ClusterPort, LabPort } from '../../lab/port.ts';
import { noQuorum } from '../../lab/commands.ts';
import { LogError } from '../../log/port.ts';
import { checked, readJson } from '../body.ts';
import { deadline } from '../deadline.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail } from '../problems.ts';
import { readQuery } from '../query.ts';
import { notFound } from './view.ts';

export function clusterStatus(parts: Parts, c: RouteContext): Response {
  mayOnCluster(c, 'read');
  readQuery(c, []);
  c.header('cache-control', 'no-store');
  return c.json(statusOfCluster(parts));
}

function statusOfCluster({ cluster, lab }: Pick<Parts, 'cluster' | 'lab'>): ClusterStatus {
  if (!cluster) return statusWithoutGroup(lab);
  const status = cluster.status();
  return status.leader === undefined ? status : withHearsay(status, lab);
}

/** Only the leader hears of everybody; what it noted of the nodes every node knows. */
function withHearsay(status: ClusterStatus, lab: LabPort): ClusterStatus {
  const states = new Map(lab.rows('nodes').map(([, row]) => [row.name, row.state]));
  const members = status.members.map((member) => {
    const noted = states.get(member.name);
    return member.isReachable === undefined && !member.isSelf && noted !== undefined
      ? { ...member, isReachable: noted === 'up' }
      : member;
  });
  return { ...status, members };
}

/** @throws ProblemError FORBIDDEN */
export function mayOnCluster(c: RouteContext, verb: 'read' | 'write'): void {
  const { principal } = sessionOf(c);
  if (!allows(principal, { verb, kind: 'cluster' })) throw fail('FORBIDDEN', `${principal} may not do this.`);
}

function statusWithoutGroup(lab: LabPort): ClusterStatus {
  const overview = lab.rows('overview')[0]?.[1];
  const nodes = lab.rows('nodes').flatMap(([, row]) => (row.state === 'waiting' ? [] : [row]));
  return {
    simulated: simulatedWords(nodes.length),
    lab: overview?.uuid ?? '',
    generation: overview?.generation ?? 1,
    term: 0,
    leader: undefined,
    hasQuorum: lab.hasLeader,
    isChanging: false,
    isSuspect: false,
    committed: lab.index,
    index: lab.index,
    members: nodes.toSorted(byName).map(memberOf),
    promises: [],
  };
}

const simulatedWords = (nodes: number): string =>
  `One process decides for ${nodes === 1 ? 'the one simulated node' : `all ${nodes} simulated nodes`}, over one log: ` +
  'leaders, votes and majorities are not simulated here. A node that is off takes its apps and volumes with it, and no vote.';

const memberOf = (row: NodeRow): ClusterMember => ({
  node: idOf(row),
  name: row.name,
  incarnation: row.incarnation ?? '',
  votes: 'none',
  isLeader: false,
  isSelf: false,
  isReachable: row.state === 'up',
  behind: row.state === 'up' ? 0 : undefined,
  isFetching: false,
});

const idOf = ({ id }: NodeRow): string => id.slice('node:'.length);
const byName = (a: NodeRow, b: NodeRow): number => (a.name < b.name ? -1 : 1);

/** A leader that hands over stops deciding for as long; longer means that the other one cannot. */
const transferMs = 10_000;
const lookAgainMs = 50;

export async function transferLeadership(parts: Parts, c: RouteContext): Promise<Response> {
  mayOnCluster(c, 'write');
  readQuery(c, []);
  const { node: name } = checked(transferBody, await readJson(c));
  const before = statusOfCluster(parts);
  if (before.simulated !== undefined) throw nothingToHandOver(parts, name);
  const member = candidate(parts, before, name);
  c.header('cache-control', 'no-store');
  if (member.isLeader) return c.json({ leader: name, unchanged: true } satisfies TransferAnswer);
  if (parts.cluster) await handOver(parts, parts.cluster, member);
  return c.json({ leader: name, unchanged: false } satisfies TransferAnswer);
}

function nothingToHandOver({ lab }: Parts, name: string): Error {
  if (!lab.rows('nodes').some(([, row]) => row.name === name)) return notFound('node', name);
  return fail('NOT_NOW', 'The nodes of this lab share one log: there is no leadership to hand over.', {
    hint: 'In a simulated lab one process decides for all nodes. See: floatlab cluster status',
  });
}

/** The member that is meant, if it could lead. @throws ProblemError NOT_FOUND, NOT_NOW, NOT_A_VOTER, NO_LEADER */
function candidate({ lab }: Parts, status: ClusterStatus, name: string): ClusterMember {
  const row = lab.rows('nodes').find(([, one]) => one.name === name)?.[1];
  const member = status.members.find((one) => one.name === name);
  if (!row && !member) throw notFound('node', name);
  if (row?.state === 'waiting') {
    throw fail('NOT_NOW', `Node ${name} waits to be let in.`, { hint: `floatlab node approve ${name} lets it in.` });
  }
  if (member?.isLeader) return member;
  if (member?.votes !== 'voter') {
    const why = row?.role === 'learner' ? 'its role is learner' : 'it follows the log and has no vote';
    const hint =
      row?.role === 'learner'
        ? `floatlab node role ${name} any lets it vote; the lab gives it a vote when that helps.`
        : 'floatlab cluster status shows who votes.';
    throw fail('NOT_A_VOTER', `Node ${name} cannot lead: ${why}.`, { hint });
  }
  if (status.leader === undefined) throw noQuorum();
  const better = row?.role === 'witness' ? betterThanWitness(lab, status) : undefined;
  if (better !== undefined) {
    throw fail(
      'NOT_NOW',
      `Node ${name} is a witness: it would hand leadership on at once, to a voter that runs apps.`,
      {
        hint: `A witness leads only while no such voter answers. Let one of those lead: floatlab cluster transfer ${better}.`,
      },
    );
  }
  if (member.isStopped === true) {
    throw fail('NOT_NOW', `Node ${name} was stopped on purpose: it cannot lead.`, {
      hint: 'Start it again (npm start on that machine), or choose another one: floatlab cluster status.',
    });
  }
  if (member.isReachable === false) {
    throw fail('NOT_NOW', `Node ${name} does not answer: it cannot lead.`, {
      hint: 'Look at the machine, or choose another one: floatlab cluster status.',
    });
  }
  return member;
}

/** A voter that runs apps and is not known to be silent. Leadership goes to such a one by itself. */
function betterThanWitness(lab: LabPort, { members }: ClusterStatus): string | undefined {
  const witnesses = new Set(lab.rows('nodes').flatMap(([, { name, role }]) => (role === 'witness' ? [name] : [])));
  return members.find(
    ({ name, votes, isReachable }) => votes === 'voter' && isReachable !== false && !witnesses.has(name),
  )?.name;
}

/** @throws ProblemError TIMED_OUT; LogError NO_QUORUM */
async function handOver(parts: Parts, cluster: ClusterPort, { node, name }: ClusterMember): Promise<void> {
  const { clock, stopping } = parts;
  const limit = deadline(clock, transferMs, stopping);
  try {
    await cluster.transfer(node, limit.signal);
    while (cluster.status().leader !== node) {
      limit.signal.throwIfAborted();
      await sleep(clock, lookAgainMs, limit.signal);
    }
  } catch (error) {
    if (error instanceof LogError && error.code === 'NOT_LEADER') throw noQuorum();
    if (!limit.signal.aborted) throw error;
    const leader = cluster.status().members.find(({ isLeader }) => isLeader)?.name;
    const who = leader === undefined ? 'nobody leads' : `${leader} leads`;
    throw fail('TIMED_OUT', `Node ${name} was asked to lead and did not within ${transferMs / 1000} s; ${who}.`, {
      hint: 'It may be too far behind, or not reach the others: floatlab cluster status.',
    });
  } finally {
    limit.done();
  }
}
