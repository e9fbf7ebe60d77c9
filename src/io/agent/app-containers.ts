/** Logs and exec of an app's services, on whichever node its instance is. */
import { idOf, type StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import type { LiveLogLine } from '#io/contract/live.ts';
import type { Call } from '../devices/call.ts';
import type { ContainerInfo, DockerPort, ExecSession, LogLine } from '../devices/docker/port.ts';
import { IoError } from '../devices/error.ts';
import type { AppContainers } from '../lab/port.ts';
import { findContainers } from './containers/find.ts';
import { label } from './containers/labels.ts';
import { mergeLines } from './merge-lines.ts';

interface Located {
  readonly docker: DockerPort;
  readonly containers: readonly ContainerInfo[];
}

export function appContainers(
  lab: LabView,
  dockerOf: (node: StreamId<'node'>) => DockerPort | undefined,
): AppContainers {
  const locate = async (app: StreamId<'app'>, service: string | undefined, call: Call): Promise<Located> => {
    const actor = lab.get(app);
    if (!actor) throw new IoError('MISSING', { op: 'find containers', target: app, message: `There is no ${app}.` });
    const name = actor.context.metadata.name;
    if (service !== undefined && !actor.context.spec.services[service]) {
      const known = Object.keys(actor.context.spec.services).join(', ');
      throw new IoError('MISSING', {
        op: 'find containers',
        target: name,
        message: `App ${name} has no service ${service}.`,
        hint: `It has ${known}.`,
      });
    }
    const instance = lab.referrers(app, 'instance')[0];
    const docker = instance && dockerOf(instance.context.node);
    if (!instance || !docker) {
      throw new IoError('MISSING', {
        op: 'find containers',
        target: name,
        message: `App ${name} does not run.`,
        hint: `Start it: floatlab app start ${name}.`,
      });
    }
    const all = await findContainers(docker, { [label.instance]: idOf(instance.stream) }, call);
    return {
      docker,
      containers: all.filter(({ labels }) => service === undefined || labels[label.service] === service),
    };
  };

  return {
    logs: async function* (app, { service, ...options }, signal) {
      const stop = new AbortController();
      const ends = AbortSignal.any([signal, stop.signal]);
      try {
        const { docker, containers } = await locate(app, service, {
          signal,
          timeoutMs: 15_000,
          progress: () => {},
        });
        yield* mergeLines(
          containers.map(({ id, labels }) => (caughtUp) => {
            return tagged(labels[label.service] ?? '', docker.logs(id, { ...options, caughtUp }, ends));
          }),
        );
      } finally {
        // A service that is quiet would wait on for its next line.
        stop.abort();
      }
    },

    exec: async (app, service, options, call): Promise<ExecSession> => {
      const { docker, containers } = await locate(app, service, call);
      const container = containers.find(({ state }) => state === 'running');
      if (!container) {
        throw new IoError('CONTAINER_FAILED', {
          op: 'exec',
          target: service,
          message: `Service ${service} does not run now.`,
          hint: 'Look at its state and its log.',
        });
      }
      return docker.exec(container.id, options, call);
    },
  };
}

async function* tagged(service: string, lines: AsyncIterable<LogLine>): AsyncGenerator<LiveLogLine> {
  for await (const { at, stream, text } of lines) yield { service, at, stream, text };
}
