/**
 * What is wrong with the members of the lab as a whole: votes that nobody can take over, and what is worth knowing of
 * zones and versions. These look at several nodes; they are asked anew only when a node changed in what they look at,
 * which is rare.
 */
import type { ActorState, LabView, Step } from '#actors/actor.ts';
import { isAway, membersOf, votersOf } from '#actors/node/known.ts';
import { zoneLabel } from '#actors/placement/electors.ts';
import { formatDuration } from '#events/values/duration.ts';
import { replacedAfterMs } from '#actors/placement/voters.ts';
import type { Alert } from './alerts.ts';

type Node = ActorState<'node'>;

export function concernsMembers({ before, after }: Step): boolean {
  if (after?.kind !== 'node') return false;
  const looks = (actor: ActorState | undefined): string => {
    if (!actor || actor.final) return '';
    const { context, state } = actor as Node;
    const { role, incarnation, downLasts, metadata, facts } = context;
    return JSON.stringify([state, role, incarnation, downLasts, metadata.labels[zoneLabel], facts.version]);
  };
  return looks(before) !== looks(after);
}

export function memberAlerts(_: ActorState<'cluster'>, lab: LabView): readonly Alert[] {
  const nodes = membersOf(lab);
  const votes = new Set(votersOf(lab));
  const voters = nodes.filter(({ stream }) => votes.has(stream));
  return [...lostVoters(nodes, voters), ...oneZone(voters), ...unlikeVersions(nodes)];
}

/** A voter that was down for long and is still one: nobody is there who could take its vote. */
function lostVoters(nodes: readonly Node[], voters: readonly Node[]): readonly Alert[] {
  const lost = voters.filter((node) => isAway(node) && node.context.downLasts);
  const hasHeir = nodes.some((node) => {
    return node.state === 'up' && node.context.role !== 'learner' && !voters.includes(node);
  });
  if (lost.length === 0 || hasHeir) return [];
  const who = lost.length === 1 ? `Voter ${namesOf(lost)} has` : `Voters ${namesOf(lost)} have`;
  const left = voters.length - lost.length;
  return [
    {
      rule: 'voter-lost',
      severity: 'critical',
      message:
        `${who} not answered for ${formatDuration(replacedAfterMs)} or longer, and no other node may take ` +
        `${lost.length === 1 ? 'its vote' : 'their votes'}: ${left} of ${voters.length} voters answer.`,
      hint: 'Bring it back, or let another machine join: floatlab node token.',
    },
  ];
}

function oneZone(voters: readonly Node[]): readonly Alert[] {
  const zones = new Set(voters.map(({ context }) => context.metadata.labels[zoneLabel]));
  const [zone] = zones;
  if (voters.length < 2 || zones.size !== 1 || zone === undefined) return [];
  return [
    {
      rule: 'voters-in-one-zone',
      severity: 'info',
      message: `All ${voters.length} voters are in zone ${zone}: if it fails as a whole, the lab decides nothing.`,
      hint: 'Let machines of other zones join; the lab spreads its voters over them by itself.',
    },
  ];
}

/** Versions of which so many nodes are told by name. */
const named = 3;

function unlikeVersions(nodes: readonly Node[]): readonly Alert[] {
  const byVersion = new Map<string, Node[]>();
  for (const node of nodes) {
    const { version } = node.context.facts;
    byVersion.set(version, [...(byVersion.get(version) ?? []), node]);
  }
  if (byVersion.size < 2) return [];
  const each = [...byVersion]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([version, of]) => {
      const more = of.length > named ? ` and ${of.length - named} more` : '';
      return `${version} on ${namesOf(of.slice(0, named))}${more}`;
    });
  return [
    {
      rule: 'versions-differ',
      severity: 'info',
      message: `The nodes run unlike versions of FloatLab: ${each.join('; ')}.`,
      hint: 'An upgrade is done when all run the same one; what is new begins to work then.',
    },
  ];
}

const namesOf = (nodes: readonly Node[]): string =>
  nodes
    .map(({ context }) => context.metadata.name)
    .toSorted()
    .join(', ');
