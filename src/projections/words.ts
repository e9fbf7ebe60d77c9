/** An event as one sentence, in the words that the whole product uses. */
import type { ActorState, LabView, Step } from '#actors/actor.ts';
import type { EventOf } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import { formatSize } from '#events/values/size.ts';
import { refTo } from './refs.ts';

type Words = {
  readonly [T in EventType]: (event: EventOf<T>, name: string, lab: LabView, actor: ActorState) => string;
};

const nameOf = (lab: LabView, stream: Parameters<typeof refTo>[1]): string => refTo(lab, stream)?.name ?? '?';

const words: Words = {
  'cluster.created': (_, name) => `Lab ${name} was created.`,
  'cluster.settings-changed': ({ data }) => `The lab's time zone is now ${data.timeZone}.`,
  'namespace.created': (_, name) => `Namespace ${name} was created.`,
  'namespace.deleted': (_, name) => `Namespace ${name} was deleted.`,
  'node.joined': (_, name) => `Node ${name} joined.`,
  'node.facts-changed': (_, name) => `Facts of node ${name} changed.`,
  'node.went-down': (_, name) => `Node ${name} does not answer.`,
  'node.came-up': (_, name) => `Node ${name} answers again.`,
  'node.cordoned': (_, name) => `Node ${name} was cordoned: it gets nothing new.`,
  'node.uncordoned': (_, name) => `Node ${name} was uncordoned.`,
  'node.removed': (_, name) => `Node ${name} was removed.`,
  'volume.created': ({ data }, name) => `Volume ${name} was created (${formatSize(data.spec.sizeBytes)}).`,
  'volume.delayed': ({ data }, name) => `Volume ${name} waits: ${data.problem.message}`,
  'volume.placed': ({ data }, name, lab) =>
    `Volume ${name} was placed on ${nameOf(lab, data.node)}, pool ${data.pool}.`,
  'volume.provisioned': (_, name) => `Volume ${name} is ready.`,
  'volume.failed': ({ data }, name) => `Volume ${name} failed: ${data.problem.message}`,
  'volume.retried': (_, name) => `Volume ${name} is tried again.`,
  'volume.spec-changed': ({ data }, name) => `Volume ${name} was changed (${formatSize(data.spec.sizeBytes)}).`,
  'volume.attached': ({ data }, name, lab) => `Volume ${name} now belongs to app ${nameOf(lab, data.app)}.`,
  'volume.detached': (_, name) => `Volume ${name} was kept, without an app.`,
  'volume.rollback-requested': ({ data }, name, lab) =>
    `Volume ${name} goes back to snapshot ${nameOf(lab, data.snapshot)}.`,
  'volume.drained': (_, name) => `Nothing uses volume ${name} any more.`,
  'volume.rolled-back': (_, name) => `Volume ${name} was rolled back.`,
  'volume.deletion-requested': (_, name) => `Volume ${name} is being deleted.`,
  'volume.deleted': (_, name) => `Volume ${name} was deleted.`,
  'snapshot.requested': ({ data }, name, lab) =>
    `A ${data.reason} snapshot ${name} of ${nameOf(lab, data.volume)} was asked for.`,
  'snapshot.taken': (_, name, lab, actor) => `Snapshot ${name} of ${volumeOf(actor, lab)} was taken.`,
  'snapshot.failed': ({ data }, name, lab, actor) =>
    `Snapshot ${name} of ${volumeOf(actor, lab)} failed: ${data.problem.message}`,
  'snapshot.removal-requested': ({ data }, name, lab, actor) =>
    `Snapshot ${name} of ${volumeOf(actor, lab)} goes: ${data.because}.`,
  'snapshot.removed': (_, name, lab, actor) => `Snapshot ${name} of ${volumeOf(actor, lab)} was removed.`,
  'app.created': (_, name) => `App ${name} was created.`,
  'app.updated': (_, name) => `App ${name} got a new revision.`,
  'app.start-requested': (_, name) => `App ${name} starts.`,
  'app.started': (_, name) => `App ${name} runs.`,
  'app.degraded': ({ data }, name) => `App ${name} is degraded: ${data.problem.message}`,
  'app.recovered': (_, name) => `App ${name} is well again.`,
  'app.failed': ({ data }, name) => `App ${name} failed: ${data.problem.message}`,
  'app.delayed': ({ data }, name) => `App ${name} waits: ${data.problem.message}`,
  'app.stop-requested': (_, name) => `App ${name} stops.`,
  'app.stopped': (_, name) => `App ${name} is stopped.`,
  'app.paused': ({ data }, name, lab) =>
    data.for === 'restart'
      ? `App ${name} restarts.`
      : `App ${name} pauses while volume ${nameOf(lab, data.for)} is rolled back.`,
  'app.resumed': (_, name) => `App ${name} goes on.`,
  'app.removal-requested': ({ data }, name) =>
    `App ${name} is being removed, its volumes ${data.withVolumes ? 'with it' : 'are kept'}.`,
  'app.removed': (_, name) => `App ${name} was removed.`,
  'instance.assigned': ({ data }, name, lab) =>
    `App ${name} was assigned to ${nameOf(lab, data.node)} (revision ${data.revision}).`,
  'instance.started': (_, name, lab, actor) => `All services of ${name} run on ${nodeOf(actor, lab)}.`,
  'instance.service-changed': ({ data }, name) => `Service ${data.service} of ${name} is ${data.status.state}.`,
  'instance.failed': ({ data }, name, lab, actor) => `${name} failed on ${nodeOf(actor, lab)}: ${data.problem.message}`,
  'instance.stop-requested': ({ data }, name, lab, actor) => `${name} stops on ${nodeOf(actor, lab)}: ${data.because}.`,
  'instance.stopped': (_, name, lab, actor) => `${name} is stopped on ${nodeOf(actor, lab)}.`,
  'schedule.created': ({ data }, name) => `Schedule ${name} was created (${data.spec.cron}).`,
  'schedule.changed': ({ data }, name) => `Schedule ${name} was changed (${data.spec.cron}).`,
  'schedule.fired': ({ data }, name) =>
    data.missed > 0 ? `Schedule ${name} ran, also for ${data.missed} missed runs.` : `Schedule ${name} ran.`,
  'schedule.suspended': (_, name) => `Schedule ${name} was suspended.`,
  'schedule.resumed': (_, name) => `Schedule ${name} goes on.`,
  'schedule.removed': (_, name) => `Schedule ${name} was removed.`,
  'operation.started': ({ data, by }) =>
    `${by.slice(by.indexOf(':') + 1)} asked for ${data.command} of ${data.targetName}.`,
  'operation.succeeded': (_, name, __, actor) => `${commandOf(actor)} is done (${name}).`,
  'operation.failed': ({ data }, _, __, actor) => `${commandOf(actor)} failed: ${data.problem.message}`,
};

const volumeOf = (actor: ActorState, lab: LabView): string =>
  nameOf(lab, (actor as ActorState<'snapshot'>).context.volume);
const nodeOf = (actor: ActorState, lab: LabView): string => nameOf(lab, (actor as ActorState<'instance'>).context.node);

function commandOf(actor: ActorState): string {
  const { command, targetName } = (actor as ActorState<'operation'>).context;
  return `${command} of ${targetName}`;
}

export function wordsFor({ event, before, after }: Step, lab: LabView): string {
  const actor = after ?? before;
  if (!actor) return `${event.type} for something that does not exist.`;
  const say = words[event.type] as (event: Step['event'], name: string, lab: LabView, actor: ActorState) => string;
  return say(event, actor.context.metadata.name, lab, actor);
}
