/**
 * An event as one sentence, in the words that the whole product uses: as something that has happened, or as a
 * forecast, for whoever looks at a plan.
 */
import type { ActorState, LabView, Step } from '#actors/actor.ts';
import { counted } from '#actors/counted.ts';
import type { EventOf, StreamId } from '#events/envelope.ts';
import type { ServiceStatus } from '#events/instance.ts';
import type { EventType } from '#events/registry.ts';
import { clockWords } from '#events/values/clock.ts';
import { nodeOfPeer, type NodeRole } from '#events/values/peer.ts';
import { formatSize } from '#events/values/size.ts';
import type { Fill } from '#events/volume.ts';
import { backupWords } from './backup-words.ts';
import { hookTrouble } from './hook-words.ts';
import { askedFor, doing } from './operation-words.ts';
import { poolWords } from './pool-words.ts';
import { refTo } from './refs.ts';
import { replicaWords } from './replica-words.ts';
import { scheduleWords } from './schedule-words.ts';
import { transferWords } from './transfer-words.ts';

export interface About {
  readonly name: string;
  readonly lab: LabView;
  /** As the event left it; of an event that made nothing, as it was. */
  readonly actor: ActorState;
  readonly before: ActorState | undefined;
  /** The verb: what has happened, or what would. */
  v(has: string, would: string): string;
}

type Words = { readonly [T in EventType]: (event: EventOf<T>, about: About) => string };

const nameOf = (lab: LabView, stream: Parameters<typeof refTo>[1]): string => refTo(lab, stream)?.name ?? '?';

const words: Words = {
  ...poolWords,
  ...backupWords,
  ...transferWords,
  ...replicaWords,
  ...scheduleWords,
  'cluster.created': (_, { name, v }) => `Lab ${name} ${v('was', 'would be')} created.`,
  'cluster.settings-changed': ({ data }, { v }) => `The lab's time zone ${v('is now', 'would be')} ${data.timeZone}.`,
  'cluster.token-issued': ({ data }, { v }) => {
    const whom = data.replaces === undefined ? tokenRoles[data.role] : `the successor of node ${data.replaces}`;
    return `A join token ${v('was', 'would be')} made for ${whom}.`;
  },
  'cluster.token-used': ({ data }, { lab, v }) =>
    `A join token ${v('was', 'would be')} used by node ${nameOf(lab, data.node)}.`,
  'cluster.token-revoked': (_, { v }) => `A join token ${v('was', 'would be')} revoked.`,
  'cluster.token-expired': (_, { v }) => `A join token ${v('expired', 'would expire')} unused.`,
  'cluster.registry-opened': ({ data }, { v }) =>
    `Images of ${data.registry} ${v('are', 'would be')} pulled as ${data.username}.`,
  'cluster.registry-closed': ({ data }, { v }) => `The login of ${data.registry} ${v('was', 'would be')} forgotten.`,
  'cluster.bouncer-changed': ({ data }, { v }) =>
    data.rules.length === 0
      ? `Every node without a token ${v('waits', 'would wait')} to be let in.`
      : `The bouncer ${v('follows', 'would follow')} ${counted(data.rules.length, 'rule')} for nodes without a token.`,
  'cluster.members-changed': ({ data }, { lab, v }) => {
    const names = data.voters.map((peer) => lab.get(nodeOfPeer(peer))?.context.metadata.name ?? 'a node that is gone');
    return `The lab ${v('decides', 'would decide')} by ${counted(data.voters.length, 'voter')}: ${names.join(', ')}.`;
  },
  'cluster.fold-switched': ({ data }, { v }) =>
    `From here on events ${v('are', 'would be')} folded by version ${data.version}.`,
  'cluster.recovered': ({ data }, { v }) => {
    const off = data.missingNodes.map(({ name, saidOffBy }) => ` ${saidOffBy} said that node ${name} is off.`).join('');
    return `${data.by} ${v('recovered', 'would recover')} the lab (generation ${data.generation}): ${data.lost.explain}${off}`;
  },
  'namespace.created': (_, { name, v }) => `Namespace ${name} ${v('was', 'would be')} created.`,
  'namespace.deleted': (_, { name, v }) => `Namespace ${name} ${v('was', 'would be')} deleted.`,
  'node.joined': (_, { name, v }) => `Node ${name} ${v('joined', 'would join')}.`,
  'node.asked-to-join': (_, { name, v }) => `Node ${name} ${v('asks', 'would ask')} to join.`,
  'node.approved': (_, { name, v }) => `Node ${name} ${v('may', 'would be allowed to')} join.`,
  'node.refused': ({ data }, { name, v }) =>
    `Node ${name} ${v('was', 'would be')} sent away${data.because === undefined ? '' : `: ${data.because}`}.`,
  'node.rekeyed': (_, { name, v }) => `Node ${name} ${v('proves', 'would prove')} itself by a new key.`,
  'node.replaced': (_, { name, v }) =>
    `Node ${name} ${v('came', 'would come')} back with an empty disk, as a new member of the group.`,
  'node.labelled': ({ data }, { name, v }) => `Node ${name} ${v('has', 'would have')} ${labelWords(data.labels)}.`,
  'node.role-changed': ({ data }, { name, v }) => `Node ${name} ${v('is', 'would be')} now ${nodeRoles[data.role]}.`,
  'node.facts-changed': (_, { name, v }) => `Facts of node ${name} ${v('changed', 'would change')}.`,
  'node.went-down': (_, { name, v }) => `Node ${name} ${v('does not answer', 'would count as down')}.`,
  'node.clock-differed': ({ data }, { name, v }) =>
    `The clock of node ${name} ${v('is', 'would be')} ${clockWords(data.aheadMs)}: no link to it holds.`,
  'node.stopped': (_, { name, v }) => `Node ${name} ${v('was', 'would be')} stopped on purpose.`,
  'node.stayed-down': (_, { name, v }) =>
    `Node ${name} ${v('has', 'would have')} not answered for ten minutes or longer.`,
  'node.came-up': (_, { name, v }) => `Node ${name} ${v('answers', 'would answer')} again.`,
  'node.cordoned': (_, { name, v }) =>
    `Node ${name} ${v('was', 'would be')} cordoned: it ${v('gets', 'would get')} nothing new.`,
  'node.uncordoned': (_, { name, v }) => `Node ${name} ${v('was', 'would be')} uncordoned.`,
  'node.pool-filled': ({ data }, { name, v }) =>
    `Pool ${data.pool} of node ${name} ${v('is', 'would be')} ${percent(data)} full.`,
  'node.pool-eased': ({ data }, { name, v }) =>
    `Pool ${data.pool} of node ${name} ${v('has', 'would have')} room again: it is ${percent(data)} full.`,
  'node.pool-limited': ({ data }, { name, v }) =>
    `Of pool ${data.pool} of node ${name} volumes ${v('get', 'would get')} ${data.fillPercent} %` +
    `${data.reserveBytes === 0 ? '' : `, without ${formatSize(data.reserveBytes)} that are left to others`}.`,
  'node.departure-requested': ({ data }, { name, v }) =>
    data.as === 'left'
      ? `Node ${name} ${v('is leaving', 'would leave')} the lab: its vote and its place in the group go first.`
      : `Node ${name} ${v('is being', 'would be')} removed: its vote and its place in the group go first.`,
  'node.left': (_, { name, v }) => `Node ${name} ${v('left', 'would leave')} the lab.`,
  'node.removed': (_, { name, v }) => `Node ${name} ${v('was', 'would be')} removed.`,
  'volume.created': ({ data }, { name, lab, v }) =>
    data.origin === undefined
      ? data.adopts === undefined
        ? `Volume ${name} ${v('was', 'would be')} created (${formatSize(data.spec.sizeBytes)}).`
        : `Volume ${name} ${v('is', 'would be')} what was ${data.adopts} so far.`
      : `Volume ${name} ${v('begins', 'would begin')} as a clone of ${nameOf(lab, data.origin.volume)}.`,
  'volume.delayed': ({ data }, { name, v }) =>
    `Volume ${name} ${data.lasts ? 'still ' : ''}${v('waits', 'would wait')}: ${data.problem.message}`,
  'volume.placed': ({ data }, { name, lab, v }) =>
    `Volume ${name} ${v('was', 'would be')} placed on ${nameOf(lab, data.node)}, pool ${data.pool}.`,
  'volume.provisioned': (_, { name, v }) => `Volume ${name} ${v('is', 'would be')} ready.`,
  'volume.failed': ({ data }, { name, v }) => `Volume ${name} ${v('failed', 'would fail')}: ${data.problem.message}`,
  'volume.lost': ({ data }, { name, v }) =>
    `Volume ${name} ${v('is', 'would be')} lost for ever: ${data.problem.message}`,
  'volume.retried': (_, { name, v }) => `Volume ${name} ${v('is', 'would be')} tried again.`,
  'volume.spec-changed': ({ data }, { name, v }) =>
    `Volume ${name} ${v('was', 'would be')} changed (${formatSize(data.spec.sizeBytes)}).`,
  'volume.renamed': ({ data }, { before, v }) =>
    `Volume ${(before as ActorState<'volume'>).context.metadata.name} ${v('is', 'would be')} called ${data.name} now.`,
  'volume.relabelled': ({ data }, { name, v }) =>
    `Volume ${name} ${v('has', 'would have')} ${labelWords(data.labels)}.`,
  // The app comes after its volumes: its name may be known only by what the volume was kept for.
  'volume.attached': ({ data }, { name, lab, before, v }) => {
    const app = lab.get(data.app)?.context.metadata.name ?? (before as ActorState<'volume'>).context.formerly?.app;
    return `Volume ${name} ${v('belongs', 'would belong')} to ${app === undefined ? 'an app' : `app ${app}`} again.`;
  },
  'volume.detached': (_, { name, v }) => `Volume ${name} ${v('was', 'would be')} kept, without an app.`,
  'volume.filled': ({ data }, { name, v }) => `Volume ${name} ${v('is', 'would be')} ${percent(data)} full.`,
  'volume.eased': ({ data }, { name, v }) =>
    `Volume ${name} ${v('has', 'would have')} room again: it is ${percent(data)} full.`,
  'volume.rollback-requested': ({ data }, { name, lab, v }) =>
    `Volume ${name} ${v('goes', 'would go')} back to snapshot ${nameOf(lab, data.snapshot)}.`,
  'volume.drained': (_, { name, v }) => `Nothing ${v('uses', 'would use')} volume ${name} any more.`,
  'volume.rolled-back': (_, { name, v }) => `Volume ${name} ${v('was', 'would be')} rolled back.`,
  'volume.rollback-abandoned': ({ data }, { name, v }) =>
    `Volume ${name} ${v('stays', 'would stay')} as it is, and ${v('is', 'would be')} not rolled back: ${data.problem.message}`,
  'volume.rollback-canceled': (_, { name, v }) =>
    `The roll-back of volume ${name} ${v('is', 'would be')} canceled, once its node has seen what became of it.`,
  'volume.snapshots-lost': ({ data }, { name, v }) =>
    `${data.count === 1 ? 'A snapshot' : `${data.count} snapshots`} of volume ${name} ${v(data.count === 1 ? 'was' : 'were', 'would be')} destroyed without FloatLab: ` +
    `${data.names.slice(0, 5).join(', ')}${data.count > 5 ? ', …' : ''}.`,
  'volume.move-requested': ({ data }, { name, v }) =>
    `Volume ${name} ${v('moves', 'would move')} into another dataset of pool ${data.pool}.`,
  'volume.copied': (_, { name, v }) =>
    `Volume ${name} ${v('is', 'would be')} copied; what uses it ${v('stops', 'would stop')} for the rest.`,
  'volume.move-abandoned': ({ data }, { name, v }) =>
    `Volume ${name} ${v('stays', 'would stay')} where it is: ${data.problem.message}`,
  'volume.moved': (_, { name, actor, v }) =>
    `Volume ${name} ${v('has', 'would have')} moved to pool ${(actor as ActorState<'volume'>).context.pool}.`,
  'volume.handover-requested': ({ data }, { name, lab, v }) =>
    `Volume ${name} ${v('moves', 'would move')} to ${nameOf(lab, data.node)}, pool ${data.pool}.`,
  'volume.handover-began': (_, { name, v }) =>
    `Nearly all of volume ${name} ${v('is', 'would be')} there; what uses it ${v('stops', 'would stop')} for the rest.`,
  'volume.demoted': ({ data }, { name, lab, v }) =>
    `Nobody ${v('can', 'would be able to')} write volume ${name} any more; everything ${v('is', 'would be')} in snapshot ${nameOf(lab, data.snapshot)}.`,
  'volume.handover-sent': (_, { name, v }) =>
    `The replica ${v('has', 'would have')} everything that was written to volume ${name}.`,
  'volume.handover-sealed': (_, { name, v }) =>
    `Volume ${name} ${v('waits', 'would wait')} for the other volumes of its app, to go with them.`,
  'volume.promotion-decided': (_, { name, lab, actor, v }) =>
    `Volume ${name} ${v('goes', 'would go')} to ${nameOf(lab, handoverNode(actor))}: that ${v('is', 'would be')} decided.`,
  'volume.handed-over': ({ data }, { name, lab, v }) =>
    `Volume ${name} ${v('is', 'would be')} on ${nameOf(lab, data.node)} now, in pool ${data.pool}.`,
  'volume.handover-abandoned': ({ data }, { name, v }) =>
    `Volume ${name} ${v('stays', 'would stay')} where it is: ${data.problem.message}`,
  'volume.taken-back': (_, { name, v }) => `Volume ${name} ${v('is', 'would be')} open again where it was.`,
  'volume.found-wrong': ({ data }, { name, v }) =>
    data.isGone
      ? `Volume ${name} ${v('is', 'would be')} missing: ${data.problem.message}`
      : `Volume ${name} ${v('is', 'would be')} not as it should be: ${data.problem.message}`,
  'volume.found-well': (_, { name, v }) => `Volume ${name} ${v('was', 'would be')} found well again.`,
  'volume.release-requested': (_, { name, v }) => `Volume ${name} ${v('is being', 'would be')} given back as it is.`,
  'volume.released': (_, { name, v }) =>
    `Volume ${name} ${v('was', 'would be')} given back: it ${v('is', 'would be')} no volume any more.`,
  'volume.discarded': ({ data }, { before, v }) =>
    `Volume ${(before as ActorState<'volume'>).context.metadata.name} ${v('was', 'would be')} deleted; ` +
    `until ${dateWords(data.purgeAt)} it can be recovered as ${data.name}.`,
  'volume.recovered': ({ data }, { v }) => `Volume ${data.name} ${v('was', 'would be')} recovered.`,
  'volume.deletion-requested': ({ data }, { name, v }) =>
    `Volume ${name} ${v('is being', 'would be')} deleted for ever${data.scrub === true ? ', and overwritten' : ''}.`,
  'volume.deleted': (_, { name, v }) => `Volume ${name} ${v('was', 'would be')} deleted.`,
  'snapshot.requested': ({ data }, { name, lab, v }) =>
    `A ${data.reason} snapshot ${name} of ${nameOf(lab, data.volume)} ${v('was', 'would be')} asked for` +
    `${data.set === undefined ? '' : `, one of a set of ${data.set.size}`}.`,
  'snapshot.taken': ({ data: { hooks } }, about) =>
    `${snapshot(about)} ${about.v('was', 'would be')} taken${troubleWords(hookTrouble(hooks))}.`,
  'snapshot.failed': ({ data }, about) =>
    `${snapshot(about)} ${about.v('failed', 'would fail')}: ${data.problem.message}`,
  'snapshot.noted': ({ data: { note } }, about) =>
    note === null
      ? `The note of ${snapshotWords(about)} ${about.v('was', 'would be')} taken away.`
      : `The note of ${snapshotWords(about)} ${about.v('is', 'would be')} now “${note}”.`,
  'snapshot.removal-requested': ({ data }, about) =>
    `${snapshot(about)} ${about.v('goes', 'would go')}: ${data.because}.`,
  'snapshot.removal-refused': ({ data }, about) =>
    `${snapshot(about)} ${about.v('stays', 'would stay')} for now: ${data.problem.message}`,
  'snapshot.removal-withdrawn': (_, about) =>
    `${snapshot(about)} ${about.v('stays', 'would stay')}: nobody wants it gone any more.`,
  'snapshot.removed': (_, about) => `${snapshot(about)} ${about.v('was', 'would be')} removed.`,
  'snapshot.found-gone': ({ data }, about) =>
    `${snapshot(about)} ${about.v('is', 'would be')} gone: ${data.problem.message}`,
  'snapshot.left-behind': ({ data }, about) =>
    `${snapshot({ ...about, actor: about.before ?? about.actor })} ${about.v('stays', 'would stay')} with ${nameOf(about.lab, data.volume)}.`,
  'app.created': (_, { name, v }) => `App ${name} ${v('was', 'would be')} created.`,
  'app.updated': (_, { name, v }) => `App ${name} ${v('got', 'would get')} a new revision.`,
  'app.images-pinned': ({ data }, { name, v }) =>
    `The images of app ${name} ${v('are', 'would be')} known: ${Object.entries(data.images)
      .map(([service, { image, digest, ids }]) => `${service} is ${image} ${shortHash(digest ?? ids[0])}`)
      .join(', ')}.`,
  'app.images-renewed': ({ data }, { name, v }) =>
    `App ${name} ${v('got', 'would get')} new images: ${Object.entries(data.images)
      .map(([service, pin]) => (pin ? `${service} is ${pin.image} ${shortHash(pin.digest)}` : service))
      .join(', ')}.`,
  'app.images-check-requested': (_, { name, v }) =>
    `The registries ${v('are', 'would be')} asked for newer images of app ${name}.`,
  'app.images-checked': ({ data }, { name, v }) =>
    data.unanswered.length === 0
      ? `The registries ${v('said', 'would say')} what they have for app ${name}.`
      : `Not every registry ${v('said', 'would say')} what it has for app ${name}: ${data.unanswered.join(', ')}.`,
  'app.tied': ({ data }, { name, lab, v }) =>
    `App ${name} ${v('has', 'would have')} data outside of its volumes on ${nameOf(lab, data.node)}: it ${v('runs', 'would run')} there and nowhere else.`,
  'app.standby-chosen': ({ data }, { name, lab, v }) =>
    data.nodes.length === 0
      ? `No other node ${v('gets', 'would get')} the images of app ${name}.`
      : `App ${name} may have to run on ${data.nodes.map((node) => nameOf(lab, node)).join(', ')}: its images ${v('go', 'would go')} there.`,
  'app.images-held': ({ data }, { name, lab, v }) =>
    `The images of app ${name} ${v('are', 'would be')} ready on ${nameOf(lab, data.node)}.`,
  'app.start-requested': (_, { name, v }) => `App ${name} ${v('starts', 'would start')}.`,
  'app.started': (_, { name, v }) => `App ${name} ${v('runs', 'would run')}.`,
  'app.degraded': ({ data }, { name, v }) => `App ${name} ${v('is', 'would be')} degraded: ${data.problem.message}`,
  'app.recovered': (_, { name, v }) => `App ${name} ${v('is', 'would be')} well again.`,
  'app.failed': ({ data }, { name, v }) => `App ${name} ${v('failed', 'would fail')}: ${data.problem.message}`,
  'app.delayed': ({ data }, { name, v }) =>
    `App ${name} ${data.lasts ? 'still ' : ''}${v('waits', 'would wait')}: ${data.problem.message}`,
  'app.stop-requested': (_, { name, v }) => `App ${name} ${v('stops', 'would stop')}.`,
  'app.stopped': (_, { name, v }) => `App ${name} ${v('is', 'would be')} stopped.`,
  'app.paused': ({ data }, { name, lab, v }) =>
    data.for === 'restart'
      ? `App ${name} ${v('restarts', 'would restart')}.`
      : `App ${name} ${v('pauses', 'would pause')} while volume ${nameOf(lab, data.for)} ${isMoving(lab, data.for) ? 'moves' : 'is rolled back'}.`,
  'app.resumed': (_, { name, v }) => `App ${name} ${v('goes', 'would go')} on.`,
  'app.removal-requested': ({ data }, { name, v }) =>
    `App ${name} ${v('is being', 'would be')} removed, its volumes ${data.withVolumes ? 'with it' : 'kept'}.`,
  'app.removed': (_, { name, v }) => `App ${name} ${v('was', 'would be')} removed.`,
  'instance.assigned': ({ data }, { name, lab, v }) =>
    `App ${name} ${v('was', 'would be')} assigned to ${nameOf(lab, data.node)} (revision ${data.revision}).`,
  'instance.started': (_, about) => `All services of ${about.name} ${about.v('run', 'would run')} on ${nodeOf(about)}.`,
  'instance.service-changed': ({ data }, { name, before }) => {
    const known = (before as ActorState<'instance'> | undefined)?.context.services[data.service];
    return serviceWords(`Service ${data.service} of ${name}`, known, data.status);
  },
  'instance.warned': ({ data }, about) => `${about.name} on ${nodeOf(about)}: ${data.problem.message}`,
  'instance.halted': (_, about) =>
    `Nothing of ${about.name} runs on ${nodeOf(about)} any more; its containers are kept, with their logs.`,
  'instance.failed': ({ data }, about) =>
    `${about.name} ${about.v('failed', 'would fail')} on ${nodeOf(about)}: ${data.problem.message}`,
  'instance.stop-requested': ({ data }, about) =>
    `${about.name} ${about.v('stops', 'would stop')} on ${nodeOf(about)}: ${data.because}.`,
  'instance.stopped': (_, about) => `${about.name} ${about.v('is', 'would be')} stopped on ${nodeOf(about)}.`,
  'operation.started': ({ data, by }, { v }) =>
    `${by.slice(by.indexOf(':') + 1)} ${v('asked', 'would ask')} to ${askedFor(data.command, data.targetName)}.`,
  'operation.succeeded': (_, { name, actor }) => `${operation(actor)} is done (${name}).`,
  'operation.failed': ({ data }, { actor }) => `${operation(actor)} failed: ${data.problem.message}`,
};

function labelWords(labels: Readonly<Record<string, string>>): string {
  const all = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return all.length === 0 ? 'no labels' : `the labels ${all.join(', ')}`;
}

/** `2026-11-21 14:05 UTC` */
const dateWords = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const nodeRoles: Readonly<Record<NodeRole, string>> = {
  any: 'a node that runs apps and may vote',
  witness: 'a witness: it votes and runs no apps',
  learner: 'a node that runs apps and never votes',
};
const tokenRoles: Readonly<Record<NodeRole, string>> = {
  any: 'one node',
  witness: 'a witness',
  learner: 'a node that never votes',
};

function isMoving(lab: LabView, volume: `volume:${string}`): boolean {
  const { move = null, handover = null } = lab.get(volume)?.context ?? {};
  return move !== null || handover !== null;
}

const handoverNode = (actor: ActorState): StreamId<'node'> =>
  (actor as ActorState<'volume'>).context.handover?.node ?? 'node:';

/** Enough to tell two images apart. */
const shortHash = (hash: string | undefined): string => hash?.slice(hash.indexOf(':') + 1).slice(0, 12) ?? '';

const percent = ({ usedBytes, sizeBytes }: Fill): string =>
  sizeBytes === 0 ? '100 %' : `${Math.floor((100 * usedBytes) / sizeBytes)} %`;

const snapshot = (about: About): string => `S${snapshotWords(about).slice(1)}`;

const snapshotWords = ({ name, lab, actor }: About): string =>
  `snapshot ${name} of ${nameOf(lab, (actor as ActorState<'snapshot'>).context.volume)}`;

const troubleWords = (trouble: string | undefined): string => (trouble === undefined ? '' : `; ${trouble}`);

const nodeOf = ({ lab, actor }: About): string => nameOf(lab, (actor as ActorState<'instance'>).context.node);

function operation(actor: ActorState): string {
  const { command, targetName } = (actor as ActorState<'operation'>).context;
  return doing(command, targetName);
}

/** What became of a service: how it ended is worth more than that it starts. */
function serviceWords(service: string, known: ServiceStatus | undefined, status: ServiceStatus): string {
  const { state, exitCode, lastExitCode, restarts } = status;
  if (state === 'completed') return `${service} has done its work and ended.`;
  if (state === 'exited')
    return exitCode === undefined ? `${service} does not run.` : `${service} ended with exit code ${exitCode}.`;
  if (state === 'restarting')
    return `${service} ends again and again${exitCode === undefined ? '' : ` with exit code ${exitCode}`}.`;
  if (known === undefined || restarts <= known.restarts) return `${service} is ${state}.`;
  return lastExitCode === undefined
    ? `${service} was started again.`
    : `${service} ended with exit code ${lastExitCode}; it is started again.`;
}

/** As something that has happened. */
export const wordsFor = (step: Step, lab: LabView): string => say(step, lab, (has) => has);

/** As something that would happen. */
export const forecastFor = (step: Step, lab: LabView): string => say(step, lab, (_, would) => would);

function say({ event, before, after }: Step, lab: LabView, v: About['v']): string {
  const actor = after ?? before;
  if (!actor) return `${event.type} for something that does not exist.`;
  const speak = words[event.type] as (event: Step['event'], about: About) => string;
  return speak(event, { name: actor.context.metadata.name, lab, actor, before, v });
}
