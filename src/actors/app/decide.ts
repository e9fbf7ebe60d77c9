import type { AnyDraft } from '#events/envelope.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, startOperation, unchanged, withNamed } from '../drafting.ts';
import { detachmentOf } from '../volume/decide.ts';
import { recoverableMs } from '../volume/commands.ts';
import { discardOf } from '../volume/deletion.ts';
import { cancelHandover } from '../volume/handover.ts';
import { moveApp } from '../volume/together.ts';
import type { appCommands } from './commands.ts';
import { liveInstance, wantsToRun } from './actor.ts';
import { deploy, deployReads } from './deploy.ts';
import { editApp, editReads } from './edit.ts';
import { usedOnly } from './external-volumes.ts';
import { askForImages, newImages, reportImages } from './images.ts';
import { refuseTakenPorts } from './ports.ts';
import { tieApp } from './ties.ts';

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'app', namespace }) as const;
const govern = () => ({ verb: 'govern', kind: 'app' }) as const;

export const appDecisions: Decisions<keyof typeof appCommands> = {
  'deploy-app': { scope: write, reads: deployReads, decide: deploy },
  'edit-app': { scope: write, reads: editReads, decide: editApp },

  'tie-app': {
    scope: write,
    decide: (ask, lab) => withNamed(lab, 'app', ask.input, (app) => tieApp(ask, app, lab)),
  },

  'move-app': {
    scope: write,
    decide: (ask, lab) => withNamed(lab, 'app', ask.input, (app) => moveApp(ask, app, lab)),
  },

  'cancel-app-move': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'app', input, (app) => {
        const going = lab.referrers(app.stream, 'volume').find(({ context }) => context.handover !== null);
        return going ? cancelHandover(going, lab) : unchanged;
      }),
  },

  'start-app': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'app', ask.input, (app) =>
        wantsToRun(app.state)
          ? unchanged
          : (takenPorts(app, lab) ??
            drafts(
              startOperation(ask, 'start-app', app.stream, ask.input.name, ask.input.namespace),
              draft(app.stream, 'app.start-requested', {}),
            )),
      ),
  },

  'stop-app': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'app', ask.input, (app) =>
        app.state === 'stopped' || app.state === 'stopping'
          ? unchanged
          : drafts(
              startOperation(ask, 'stop-app', app.stream, ask.input.name, ask.input.namespace),
              draft(app.stream, 'app.stop-requested', {}),
              liveInstance(app.stream, lab) ? [] : draft(app.stream, 'app.stopped', {}),
            ),
      ),
  },

  'restart-app': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(
        lab,
        'app',
        ask.input,
        (app) =>
          takenPorts(app, lab) ??
          drafts(
            startOperation(ask, 'restart-app', app.stream, ask.input.name, ask.input.namespace),
            app.state === 'stopped'
              ? draft(app.stream, 'app.start-requested', {})
              : draft(app.stream, 'app.paused', { for: 'restart' }),
            app.state === 'stopped' || liveInstance(app.stream, lab) ? [] : draft(app.stream, 'app.resumed', {}),
          ),
      ),
  },

  'remove-app': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'app', ask.input, (app) =>
        app.state === 'removing'
          ? unchanged
          : drafts(
              startOperation(ask, 'remove-app', app.stream, ask.input.name, ask.input.namespace),
              draft(app.stream, 'app.removal-requested', { withVolumes: ask.input.withVolumes }),
              liveInstance(app.stream, lab) ? [] : removalOf(app, ask.input.withVolumes, lab, ask.now),
            ),
      ),
  },

  'update-app': {
    scope: write,
    decide: (ask, lab) => withNamed(lab, 'app', ask.input, (app) => newImages(ask, app)),
  },
  'check-app-images': {
    scope: write,
    decide: ({ input }, lab) => withNamed(lab, 'app', input, (app) => askForImages(app)),
  },
  'request-image-check': { scope: govern, decide: ({ input }, lab) => askForImages(lab.get(input.app)) },
  'choose-standby': {
    scope: govern,
    decide: ({ input }) => drafts(draft(input.app, 'app.standby-chosen', { nodes: input.nodes })),
  },
  'report-images-held': {
    scope: ({ node }) => ({ verb: 'report', kind: 'app', node }),
    decide: ({ input: { app, revision, ...held } }, lab) =>
      lab.get(app)?.context.revision === revision ? drafts(draft(app, 'app.images-held', held)) : unchanged,
  },
  'report-app-images': {
    // Any node can ask a registry, wherever the app is.
    scope: () => ({ verb: 'report', kind: 'app' }),
    decide: ({ input }, lab) => reportImages(input, lab.get(input.app)),
  },

  'delay-app': {
    scope: govern,
    decide: ({ input: { app, ...delay } }) => drafts(draft(app, 'app.delayed', delay)),
  },

  /** Its last instance is gone: what was waiting for that happens. */
  'finish-app': {
    scope: govern,
    decide: ({ input, now }, lab) => {
      const app = lab.get(input.app);
      return app ? drafts(afterInstance(app, lab, now)) : unchanged;
    },
  },
};

/** An app that is to run has its ports; any other has to find them free. */
function takenPorts({ stream, state, context }: ActorState<'app'>, lab: LabView): Decision | undefined {
  if (wantsToRun(state)) return undefined;
  const { metadata, spec, volumes } = context;
  return refuseTakenPorts({ stream, namespace: metadata.namespace, spec, volumes: Object.values(volumes) }, lab);
}

/** What follows for an app as soon as nothing of it runs any more. */
export function afterInstance(app: ActorState<'app'>, lab: LabView, now: number): readonly AnyDraft[] {
  switch (app.state) {
    case 'stopping':
      return [draft(app.stream, 'app.stopped', {})];
    case 'removing':
      return removalOf(app, app.context.removesVolumes, lab, now);
    case 'paused':
      return app.context.pausedFor === 'restart' ? [draft(app.stream, 'app.resumed', {})] : [];
    default:
      return [];
  }
}

/** The app goes; its schedules go with it, its volumes only when that was asked for: those can be recovered for a while. */
function removalOf(app: ActorState<'app'>, withVolumes: boolean, lab: LabView, now: number): readonly AnyDraft[] {
  const taken = new Set<string>();
  const volumes = lab.referrers(app.stream, 'volume');
  const foreign = usedOnly(app);
  const own = volumes.filter(({ stream }) => !foreign.has(stream));
  const schedules = lab.referrers(app.stream, 'schedule');
  return [
    ...schedules.map((schedule) => draft(schedule.stream, 'schedule.removed', {})),
    ...volumes.map((volume) => detachmentOf(volume, app)),
    ...(withVolumes ? own.flatMap((volume) => removeWithApp(volume, lab, now, taken)) : []).filter(
      ({ stream }) => !schedules.some((schedule) => schedule.stream === stream),
    ),
    draft(app.stream, 'app.removed', {}),
  ];
}

/** A volume in the middle of something is kept, detached: a person sees it and decides. */
const removeWithApp = (
  volume: ActorState<'volume'>,
  lab: LabView,
  now: number,
  taken: Set<string>,
): readonly AnyDraft[] =>
  ['unplaced', 'creating', 'ready', 'failed'].includes(volume.state)
    ? discardOf(volume, lab, now + recoverableMs, taken)
    : [];
