/** What runs on nodes beside the lab: of this one from its engine, of another one through its link. */
import * as z from 'zod';
import { idOf, type StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import {
  adoptionPlanAnswer,
  projectsAnswer,
  type AdoptionPlanAnswer,
  type ProjectsAnswer,
} from '#io/contract/adoption.ts';
import { adoptionPlanOf, projectsOf, type AdoptionPorts } from '../agent/adoption/adoption.ts';
import type { Call } from '../devices/call.ts';
import { IoError } from '../devices/error.ts';
import { asIoError, whoIs } from './elsewhere.ts';
import type { Others } from './others.ts';
import type { NodeAdoption } from './port.ts';

const op = 'look at what runs beside the lab';

export function nodeAdoption(portsOf: (node: StreamId<'node'>) => AdoptionPorts | undefined): NodeAdoption {
  const ports = (node: StreamId<'node'>): AdoptionPorts => {
    const found = portsOf(node);
    if (!found) throw new IoError('MISSING', { op, target: node, message: `${node} is not here` });
    return found;
  };
  return {
    projects: async (node, call) => projectsOf(ports(node), call),
    plan: async (node, project, call) => plain(await adoptionPlanOf(ports(node), project, call)),
  };
}

/** Mutable lists, as an answer has them. */
const plain = (plan: Awaited<ReturnType<typeof adoptionPlanOf>>): AdoptionPlanAnswer => adoptionPlanAnswer.parse(plan);

export interface RemoteAdoptionParts {
  readonly local: NodeAdoption;
  readonly lab: LabView;
  readonly others: Others;
}

/** What a node counts takes a while. */
const timeoutMs = 60_000;
const question = z.object({ project: z.string().min(1).max(4096) });

export function remoteAdoption({ local, lab, others }: RemoteAdoptionParts): NodeAdoption {
  const self: StreamId<'node'> = `node:${others.self}`;
  const callOf = (signal: AbortSignal): Call => ({ signal, timeoutMs, progress: () => {} });
  others.answer('adoption/projects', async (_, __, signal): Promise<ProjectsAnswer> =>
    local.projects(self, callOf(signal)),
  );
  others.answer('adoption/plan', async (said, _, signal): Promise<AdoptionPlanAnswer> =>
    local.plan(self, question.parse(said).project, callOf(signal)),
  );
  const asked = async <T>(node: StreamId<'node'>, here: () => Promise<T>, there: (id: string) => Promise<T>) => {
    const id = idOf(node);
    if (id === others.self) return here();
    try {
      return await there(id);
    } catch (error) {
      throw asIoError(error, op, whoIs(lab, id));
    }
  };
  return {
    projects: (node, call) =>
      asked(
        node,
        () => local.projects(node, call),
        async (id) => projectsAnswer.parse(await others.ask(id, 'adoption/projects', {}, call.signal)),
      ),
    plan: (node, project, call) =>
      asked(
        node,
        () => local.plan(node, project, call),
        async (id) => adoptionPlanAnswer.parse(await others.ask(id, 'adoption/plan', { project }, call.signal)),
      ),
  };
}
