/**
 * How a node goes: it leaves with empty hands, is removed while it is down, or is removed with everything that was on
 * it. Of what a forced removal ends nobody is asked: its machine is taken for lost, and a person has said so.
 *
 *   asked for ─▶ departing ─ its vote, then its place in the consensus group, given up by the leader ─▶ left, removed
 *
 * In that order: the other nodes cut their links to whoever is out of the lab. If its vote still counted then, it could
 * be the one that is missing to the majority by which the group would go on without it.
 */
import type { AnyDraft } from '#events/envelope.ts';
import { nodeOfPeer } from '#events/values/peer.ts';
import type { ActorState, Ask, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { homeOf } from '../backup-target/known.ts';
import type { Decisions } from '../commands.ts';
import { counted } from '../counted.ts';
import { draft, drafts, startOperation, systemNamespace, unchanged } from '../drafting.ts';
import { poolsGoneWith } from '../pool/ending.ts';
import { orphansOf, replicasLostWith } from '../replica/ending.ts';
import { reject, type Rejection } from '../rejection.ts';
import { transfersGoneWith } from '../transfer/under-way.ts';
import { withoutOrigin } from '../volume/clones.ts';
import { abandonedHandover, refuseDecided } from '../volume/handover.ts';
import { appsOf, bereave, namesOf } from '../volume/loss.ts';
import { handoverStates } from '../volume/volume.ts';
import { isAway, isDeparting, membersOf, withMember } from './known.ts';
import { refuseLostVote } from './votes.ts';

type Node = ActorState<'node'>;

export const removalDecisions: Decisions<'leave-node' | 'remove-node' | 'finish-departure'> = {
  'leave-node': {
    scope: ({ name }, lab) => ({
      verb: 'write',
      kind: 'node',
      self: lab.byName('node', systemNamespace, name)?.stream ?? 'node:',
    }),
    decide: (ask, lab) =>
      withMember(lab, ask.input.name, (node) => {
        const { input } = ask;
        if (isDeparting(node)) return unchanged;
        if (membersOf(lab).every((other) => other.stream === node.stream || isDeparting(other))) {
          return reject(
            'LAST_VOTER',
            `Node ${input.name} is the whole lab.`,
            'Another node joins first (floatlab node token), or the lab ends by removing its data directory.',
          );
        }
        return (
          refuseHolding(node, lab, 'Move or remove them first.') ??
          refuseKeeping(node, lab, '') ??
          refuseLostVote(node, lab) ??
          drafts(departure(ask, 'leave-node', node, 'left', lab))
        );
      }),
  },

  'remove-node': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: (ask, lab) =>
      withMember(lab, ask.input.name, (node) => {
        const { input } = ask;
        if (isDeparting(node)) return unchanged;
        if (!isAway(node)) {
          return reject(
            'NOT_NOW',
            `Node ${input.name} is up.`,
            `It leaves by itself: floatlab node leave ${input.name}. Or stop its daemon first; a node that answers is not ` +
              'removed.',
          );
        }
        const refused = refuseLostVote(node, lab);
        if (refused) return refused;
        const ends = departure(ask, 'remove-node', node, 'removed', lab);
        if (input.force) return refuseDecided(lab.referrers(node.stream, 'volume'), lab) ?? lossOf(node, ends, lab);
        const hint =
          `Remove or move them first: their data would be lost. If the machine is lost with its disks: ` +
          `floatlab node rm ${input.name} --force.`;
        const anyway = ` If the machine is lost with its disks: floatlab node rm ${input.name} --force.`;
        return refuseHolding(node, lab, hint) ?? refuseKeeping(node, lab, anyway) ?? drafts(ends);
      }),
  },

  /** The leader says it, once the group has agreed to be without the node. */
  'finish-departure': {
    scope: () => ({ verb: 'govern', kind: 'node' }),
    decide: ({ input }, lab) => {
      const node = lab.get(input.node);
      if (!node || !isDeparting(node)) return unchanged;
      const { voters = [], learners = [] } = lab.get(clusterStream)?.context.members ?? {};
      if ([...voters, ...learners].some((peer) => nodeOfPeer(peer) === input.node)) {
        return reject('NOT_NOW', `Node ${node.context.metadata.name} is still in the consensus group.`);
      }
      return drafts(
        replicasLostWith(node.stream, lab),
        poolsGoneWith(node, lab),
        draft(node.stream, `node.${node.context.departing ?? 'left'}`, {}),
      );
    },
  },
};

/** Where there is no group, or nobody else in it, it is out at once; else it goes on its way, which the person may wait for. */
function departure(
  ask: Ask<unknown>,
  command: 'leave-node' | 'remove-node',
  node: Node,
  as: 'left' | 'removed',
  lab: LabView,
): readonly AnyDraft[] {
  const {
    stream,
    context: { metadata },
  } = node;
  if (!lab.get(clusterStream)?.context.members || membersOf(lab).length === 1)
    return [...replicasLostWith(stream, lab), ...poolsGoneWith(node, lab), draft(stream, `node.${as}`, {})];
  return [
    startOperation(ask, command, stream, metadata.name, systemNamespace),
    draft(stream, 'node.departure-requested', { as }),
  ];
}

function refuseHolding(node: Node, lab: LabView, hint: string): { readonly rejected: Rejection } | undefined {
  const volumes = lab.referrers(node.stream, 'volume');
  const instances = lab.referrers(node.stream, 'instance');
  const first = volumes[0] ?? instances[0];
  if (!first) return undefined;
  return reject(
    'NOT_EMPTY',
    `Node ${node.context.metadata.name} still holds ${heldWords(volumes.length, instances.length)}, ` +
      `for example ${first.kind} ${first.context.metadata.name}.`,
    hint,
  );
}

/** Backups that are on it alone. */
const targetsOn = (node: Node, lab: LabView): readonly ActorState<'backup-target'>[] =>
  lab.list('backup-target').filter((target) => homeOf(target) === node.stream);

function refuseKeeping(node: Node, lab: LabView, anyway: string): { readonly rejected: Rejection } | undefined {
  const [first] = targetsOn(node, lab);
  if (!first) return undefined;
  const { name } = first.context.metadata;
  const backups = lab.referrers(first.stream, 'backup').length;
  return reject(
    'NOT_EMPTY',
    `Node ${node.context.metadata.name} holds backup target ${name}${backups === 0 ? '' : `, with ${counted(backups, 'backup')}`}.`,
    `Back up to another target, then let the lab forget this one: floatlab backup target rm ${name} (what lies there ` +
      `stays, and is found again by a node that has it).${anyway}`,
  );
}

const heldWords = (volumes: number, instances: number): string =>
  [
    ...(volumes > 0 ? [counted(volumes, 'volume')] : []),
    ...(instances > 0 ? [counted(instances, 'instance')] : []),
  ].join(' and ');

/**
 * Instances end, volumes with their snapshots and schedules are gone, and apps that lost a volume fail, rather than begin
 * again with nothing; the other apps are placed elsewhere.
 */
function lossOf(node: Node, ends: readonly AnyDraft[], lab: LabView) {
  const { name } = node.context.metadata;
  const volumes = lab.referrers(node.stream, 'volume');
  const instances = lab.referrers(node.stream, 'instance');
  const because = `node ${name} was removed`;
  const bereft = appsOf(volumes, lab);
  const targets = targetsOn(node, lab);
  const moving = instances
    .map(({ context }) => lab.get(context.app))
    .filter((app) => app !== undefined && !bereft.has(app.stream) && ['running', 'degraded'].includes(app.state))
    .filter((app) => app !== undefined);
  return {
    drafts: [
      ...instances.flatMap((instance) => endOf(instance, because)),
      ...volumes.flatMap((volume) => goneWith(volume, name, lab)),
      ...[...bereft.values()].flatMap(({ app, volume }) => bereave(app, lost(volume, name))),
      ...moving.flatMap(({ stream }) => [
        draft(stream, 'app.paused', { for: 'restart' }),
        draft(stream, 'app.resumed', {}),
      ]),
      ...ends,
    ],
    changes: [
      ...(volumes.length === 0
        ? []
        : [`${counted(volumes.length, 'volume')} would be lost, with all snapshots: ${namesOf(volumes)}.`]),
      ...(bereft.size === 0
        ? []
        : [`Without their volumes apps would fail: ${namesOf([...bereft.values()].map(({ app }) => app))}.`]),
      ...(targets.length === 0
        ? []
        : [`Nobody would reach the backups in ${namesOf(targets)} any more, unless another node gets their disks.`]),
      ...(moving.length === 0 ? [] : [`Apps would start on other nodes: ${namesOf(moving)}.`]),
      `Switch the machine off first: FloatLab does not reach it, and what still runs there goes on.`,
    ],
  };
}

const endOf = ({ stream, state }: ActorState<'instance'>, because: string): readonly AnyDraft[] => [
  ...(state === 'stopping' ? [] : [draft(stream, 'instance.stop-requested', { because })]),
  draft(stream, 'instance.stopped', {}),
];

const lost = (volume: ActorState<'volume'>, node: string) => ({
  code: 'VOLUME_LOST',
  message: `Volume ${volume.context.metadata.name} was lost with node ${node}.`,
  hint: 'Deploy the app again to begin with an empty one (floatlab up).',
});

/** A volume in the middle of something comes to its end by the way that its machine has. */
function goneWith(volume: ActorState<'volume'>, node: string, lab: LabView): readonly AnyDraft[] {
  const { stream } = volume;
  const { handover } = volume.context;
  // Its machine's way out of a hand-over comes first; where it could not be written any more, it is being taken back then.
  const isHalfway = handoverStates.includes(volume.state);
  const state = isHalfway ? 'taking-back' : volume.state === 'draining' && handover !== null ? 'ready' : volume.state;
  const isGivenUp = handover !== null && volume.state !== 'taking-back';
  const failed = draft(stream, 'volume.failed', { problem: lost(volume, node) });
  const moves = volume.context.move !== null;
  const isBusy =
    !moves && ['adopting', 'changing', 'draining', 'rolling-back', 'releasing', 'taking-back'].includes(state);
  return [
    ...(isGivenUp ? abandonedHandover(volume, lost(volume, node), lab) : []),
    ...(state === 'draining' && !moves ? [draft(stream, 'volume.drained', {})] : []),
    ...(isBusy ? [failed] : []),
    ...(state === 'importing' ? [draft(stream, 'volume.import-failed', { problem: lost(volume, node) })] : []),
    ...(moves ? [draft(stream, 'volume.move-abandoned', { problem: lost(volume, node) })] : []),
    ...withoutOrigin(stream, lost(volume, node), lab),
    ...(state === 'deleting' ? [] : [draft(stream, 'volume.deletion-requested', {})]),
    ...transfersGoneWith(stream, lost(volume, node), lab),
    ...orphansOf(stream, lost(volume, node), lab),
    ...lab.referrers(stream, 'snapshot').map((snapshot) => draft(snapshot.stream, 'snapshot.removed', {})),
    ...lab.referrers(stream, 'schedule').map((schedule) => draft(schedule.stream, 'schedule.removed', {})),
    draft(stream, 'volume.deleted', {}),
  ];
}
