/**
 * Volumes of one app that go to another node together: an app runs only where all of its volumes are, so none of them may
 * be there without the others.
 *
 *   each is pushed while the app runs          those that were ready sooner are pushed once more
 *   all begin at once                          the app stops for all of them
 *   each: demoting, sending, sealing, sealed   on its own
 *   all are decided by one command             until then all stay when one cannot go
 *   each is promoted                           the app starts when the last one is there
 */
import type { AnyDraft } from '#events/envelope.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { draft, startOperation, unchanged } from '../drafting.ts';
import { withMember } from '../node/known.ts';
import { promisedTo } from '../placement/capacity.ts';
import type { Promised } from '../placement/replicas.ts';
import { reject } from '../rejection.ts';
import { refuseApp, refuseTarget, targetOf } from './handover-target.ts';
import { isLost } from './volume.ts';

type Volume = ActorState<'volume'>;
type App = ActorState<'app'>;
type Node = ActorState<'node'>;

/** All that go where this one goes, itself among them; none when it does not go anywhere. */
export function companionsOf(volume: Volume, lab: LabView): readonly Volume[] {
  const { app, handover } = volume.context;
  if (handover === null) return [];
  return app === null ? [volume] : volumesOf(app, lab).filter((one) => one.context.handover?.node === handover.node);
}

const volumesOf = (app: App['stream'], lab: LabView): readonly Volume[] =>
  lab.referrers(app, 'volume').filter(({ context }) => context.app === app);

/** Of `move-app`: all of its volumes that are not there yet. */
export const moveApp = (ask: Ask<Commands['move-app']>, app: App, lab: LabView): Decision =>
  withMember(lab, ask.input.node, (node): Decision => {
    const { name, namespace, replica: keepsReplica } = ask.input;
    const all = volumesOf(app.stream, lab).filter(({ context }) => !isLost(context));
    if (all.length === 0)
      return reject(
        'INVALID',
        `App ${name} has no volumes that could go to another node.`,
        'Name its node under `x-floatlab: placement` in its file, and deploy it again: floatlab up.',
      );
    const going = all.filter(({ context }) => context.node !== node.stream && context.handover?.node !== node.stream);
    if (going.length === 0) return unchanged;
    const refused = going.flatMap((volume) => refuseNow(volume) ?? [])[0] ?? refuseApp(app, node, lab);
    if (refused) return refused;
    const made: AnyDraft[] = [];
    const promised: Promised[] = [];
    for (const volume of going) {
      const target = refuseTarget(volume, node) ?? targetOf(ask, volume, node, lab, { promised });
      if ('rejected' in target) return target;
      const { replica, pool, drafts: news } = target;
      if (news.length > 0) promised.push({ node: node.stream, pool, bytes: promisedTo(volume.context.spec) });
      made.push(
        ...news,
        draft(volume.stream, 'volume.handover-requested', { replica, node: node.stream, pool, keepsReplica }),
      );
    }
    return {
      drafts: [startOperation(ask, 'move-app', app.stream, name, namespace), ...made],
      changes: whatHappens(app, going, node, keepsReplica, lab),
    };
  });

function refuseNow({ state, context }: Volume) {
  if (state === 'ready' && context.handover === null) return undefined;
  const { name } = context.metadata;
  const doing = context.handover === null ? state : 'being moved to another node';
  return reject(
    'NOT_NOW',
    `Volume ${name} is ${doing}.`,
    `Move the app when it is ready: floatlab volume show ${name}.`,
  );
}

/** Sentences for whoever looks at the plan. */
function whatHappens(
  { context: { metadata } }: App,
  going: readonly Volume[],
  node: Node,
  keepsReplica: boolean,
  lab: LabView,
): readonly string[] {
  const to = node.context.metadata.name;
  const names = going.map(({ context }) => context.metadata.name).toSorted();
  const from = [
    ...new Set(going.flatMap(({ context }) => lab.get(context.node ?? 'node:')?.context.metadata.name ?? [])),
  ];
  const what = names.length === 1 ? `Volume ${names.join('')} goes` : `Volumes ${names.join(', ')} go`;
  return [
    `${what} to ${to}: what is not there yet is sent first, while app ${metadata.name} runs.`,
    `Then app ${metadata.name} stands still for what is written meanwhile, and goes on on ${to}, with all of them or, when one cannot go, with none.`,
    'Nothing that was written is lost: the last snapshots are taken when nobody can write any more, and the replicas have them before they take the place.',
    keepsReplica
      ? `What is on ${from.join(' and ')} now becomes replicas.`
      : `What is on ${from.join(' and ')} now is removed after that.`,
  ];
}
