import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { ServiceStatus } from '#events/instance.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { liveInstance } from '../app/actor.ts';
import { afterInstance } from '../app/decide.ts';
import { pinsOf } from '../app/images.ts';
import type { Commands, Decisions } from '../commands.ts';
import { draft, drafts, missing, newMetadata, withVisit } from '../drafting.ts';
import { isDeparting } from '../node/known.ts';
import { externalData, tieRefusal, tiesOf } from '../placement/external.ts';
import { reject } from '../rejection.ts';
import type { instanceCommands } from './commands.ts';

const govern = () => ({ verb: 'govern', kind: 'instance' }) as const;

const reported = ({ instance }: { instance: StreamId<'instance'> }, lab: LabView) =>
  ({ verb: 'report', kind: 'instance', node: lab.get(instance)?.context.node ?? 'node:' }) as const;

const warned = (
  instance: StreamId<'instance'>,
  warnings: Commands['report-instance-started']['warnings'],
): readonly AnyDraft[] => warnings.map((warning) => draft(instance, 'instance.warned', warning));

const isWell = ({ state }: ServiceStatus): boolean => ['running', 'healthy', 'completed', 'starting'].includes(state);

export const instanceDecisions: Decisions<keyof typeof instanceCommands> = {
  /** One instance, never two: while anything of an earlier assignment is not known to have stopped, there is no other. */
  'assign-instance': {
    scope: govern,
    decide: ({ input, id }, lab) => {
      const app = lab.get(input.app);
      if (!app) return missing('app', '', input.app);
      if (app.state !== 'starting' && app.state !== 'updating')
        return reject('NOT_NOW', `${input.app} is ${app.state}.`);
      const holder = liveInstance(input.app, lab);
      if (holder) return reject('NOT_NOW', `${input.app} still has ${holder.stream} on ${holder.context.node}.`);
      const node = lab.get(input.node);
      if (node?.state !== 'up') return reject('NOT_NOW', `${input.node} is not up.`);
      if (isDeparting(node)) return reject('NOT_NOW', `${input.node} leaves the lab.`);
      for (const stream of Object.values(app.context.volumes)) {
        const volume = lab.get(stream);
        if (volume?.state !== 'ready') return reject('NOT_NOW', `${stream} is ${volume?.state ?? 'gone'}.`);
        if (volume.context.node !== input.node) return reject('NOT_NOW', `${stream} is on another node.`);
      }
      const refused = tieRefusal(tiesOf(app, lab), node);
      if (refused !== undefined) return reject('NOT_NOW', `${node.context.metadata.name} ${refused}.`);
      const { name, namespace } = app.context.metadata;
      const { spec, tiedTo } = app.context;
      return drafts(
        // From here on its data is there.
        tiedTo === null && externalData(spec).length > 0 ? draft(app.stream, 'app.tied', { node: node.stream }) : [],
        draft(streamOf('instance', id(0)), 'instance.assigned', {
          metadata: newMetadata(id(0), name, namespace),
          app: input.app,
          revision: app.context.revision,
          node: input.node,
          spec: app.context.spec,
          bundle: app.context.bundle,
          volumes: { ...app.context.volumes },
        }),
      );
    },
  },

  'stop-instance': {
    scope: govern,
    decide: ({ input }) => drafts(draft(input.instance, 'instance.stop-requested', { because: input.because })),
  },

  'report-instance-started': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.instance, input.visit, (instance) => {
        const app = lab.get(instance.context.app);
        const isWanted =
          app?.context.revision === instance.context.revision && ['starting', 'updating'].includes(app.state);
        return drafts(
          warned(input.instance, input.warnings),
          draft(input.instance, 'instance.started', { services: input.services }),
          isWanted ? draft(app.stream, 'app.started', {}) : [],
        );
      }),
  },

  'report-images': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.instance, input.visit, ({ context }) => pinsOf(lab.get(context.app), input.images)),
  },

  'report-instance-failed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.instance, input.visit, (instance) => {
        const app = lab.get(instance.context.app);
        const service = input.service === undefined ? {} : { service: input.service };
        const isWanted =
          app?.context.revision === instance.context.revision &&
          ['starting', 'updating', 'running', 'degraded'].includes(app.state);
        return drafts(
          draft(input.instance, 'instance.failed', { problem: input.problem, ...service }),
          isWanted ? draft(app.stream, 'app.failed', { problem: input.problem, ...service }) : [],
        );
      }),
  },

  'report-instance-halted': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.instance, input.visit, () => drafts(draft(input.instance, 'instance.halted', {}))),
  },

  'report-instance-stopped': {
    scope: reported,
    decide: ({ input, now }, lab) =>
      withVisit(lab, input.instance, input.visit, (instance) => {
        const app = lab.get(instance.context.app);
        return drafts(
          warned(input.instance, input.warnings),
          draft(input.instance, 'instance.stopped', {}),
          app ? afterInstance(app, lab, now) : [],
        );
      }),
  },

  /** Each part by itself: a service that is unwell since the start makes the app degraded although its state is known. */
  'report-service': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.instance, input.visit, (instance) => {
        const known = instance.context.services[input.service];
        const isNews = JSON.stringify(known) !== JSON.stringify(input.status);
        const app = lab.get(instance.context.app);
        const services = { ...instance.context.services, [input.service]: input.status };
        const allWell = Object.values(services).every(isWell);
        const problem = input.problem ?? {
          code: 'SERVICE_UNWELL',
          message: `Service ${input.service} is ${input.status.state}.`,
        };
        return drafts(
          isNews
            ? draft(input.instance, 'instance.service-changed', { service: input.service, status: input.status })
            : [],
          app && !isWell(input.status) && isUntold(app, input.service, problem)
            ? draft(app.stream, 'app.degraded', { service: input.service, problem })
            : [],
          app?.state === 'degraded' && allWell ? draft(app.stream, 'app.recovered', {}) : [],
        );
      }),
  },
};

/** An app that runs is to be told of what is unwell; one that is degraded, of another reason for the same service. */
const isUntold = ({ state, context }: ActorState<'app'>, service: string, { message }: Problem): boolean =>
  state === 'running' ||
  (state === 'degraded' && context.failedService === service && context.problem?.message !== message);
