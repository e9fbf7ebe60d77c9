/** Logs and exec of an app's services, on whichever node its instance is. */
import { idOf, type StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import type { LiveLogLine } from '#io/contract/live.ts';
import type { Call } from '../devices/call.ts';
import type { ContainerInfo, DockerPort, ExecSession } from '../devices/docker/port.ts';
import { IoError } from '../devices/error.ts';
import type { AppContainers } from '../lab/port.ts';
import { label } from './containers/labels.ts';

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
    const all = await docker.containers({ [label.instance]: idOf(instance.stream) }, call);
    return {
      docker,
      containers: all.filter(({ labels }) => service === undefined || labels[label.service] === service),
    };
  };

  return {
    logs: async function* (app, options, signal) {
      const { docker, containers } = await locate(app, options.service, {
        signal,
        timeoutMs: 15_000,
        progress: () => {},
      });
      const sources = containers.map(({ id, labels }) => {
        const lines = docker.logs(
          id,
          {
            follow: options.follow,
            ...(options.tail === undefined ? {} : { tail: options.tail }),
            ...(options.sinceMs === undefined ? {} : { sinceMs: options.sinceMs }),
          },
          signal,
        );
        return tagged(labels[label.service] ?? '', lines);
      });
      if (options.follow) yield* interleave(sources);
      else yield* inOrder(sources);
    },

    exec: async (app, service, options, call): Promise<ExecSession> => {
      const { docker, containers } = await locate(app, service, call);
      const container = containers.find(({ state }) => state === 'running');
      if (!container) {
        throw new IoError('MISSING', {
          op: 'exec',
          target: service,
          message: `Service ${service} does not run.`,
          hint: 'Look at its state and its log.',
        });
      }
      return docker.exec(container.id, options, call);
    },
  };
}

async function* tagged(
  service: string,
  lines: AsyncIterable<Omit<LiveLogLine, 'service'>>,
): AsyncGenerator<LiveLogLine> {
  for await (const { at, stream, text } of lines) yield { service, at, stream, text };
}

/** All lines of all services, by time. */
async function* inOrder(sources: readonly AsyncIterable<LiveLogLine>[]): AsyncGenerator<LiveLogLine> {
  const all: LiveLogLine[] = [];
  for (const source of sources) for await (const line of source) all.push(line);
  yield* all.toSorted((a, b) => a.at - b.at);
}

/** Lines of several services as they come. @param sources are ended with it */
export async function* interleave(sources: readonly AsyncGenerator<LiveLogLine>[]): AsyncGenerator<LiveLogLine> {
  const pending = new Map(sources.map((source, n) => [n, step(source, n)]));
  try {
    while (pending.size > 0) {
      const { n, result } = await Promise.race(pending.values());
      const source = sources[n];
      if (result.done === true || !source) {
        pending.delete(n);
      } else {
        pending.set(n, step(source, n));
        yield result.value;
      }
    }
  } finally {
    // Not awaited: a source that waits for its next line ends with the signal.
    for (const source of sources) source.return(undefined).catch(() => {});
  }
}

interface Stepped {
  readonly n: number;
  readonly result: IteratorResult<LiveLogLine>;
}

/** The next line of a source, asked for ahead of the reader: when it fails before the reader comes, it is not lost. */
function step(source: AsyncGenerator<LiveLogLine>, n: number): Promise<Stepped> {
  const next = source.next().then((result) => ({ n, result }));
  next.catch(() => {});
  return next;
}
