/**
 * Brings an instance up: every service as soon as what it depends on is ready, in parallel otherwise. Done when all
 * containers run, those with a healthcheck are healthy, and those that only had to run once have done so.
 *
 * As with Compose, a dependency with `required: false` that fails or does not exist holds nobody back: whoever wanted it
 * starts without it, with a warning, and who watches the instance goes on trying.
 */
import type { Bundle } from '#actors/compose/model.ts';
import type { ServiceSpec } from '#events/app.ts';
import type { ServiceStatus } from '#events/instance.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { formatDuration } from '#events/values/duration.ts';
import { sleep } from '../../devices/clock/port.ts';
import type { Clock } from '../../devices/clock/port.ts';
import type { ContainerInfo } from '../../devices/docker/port.ts';
import { asIoError, IoError } from '../../devices/error.ts';
import type { KeptFile } from '../../devices/files/port.ts';
import { mayBeStartingMs } from '../containers/health.ts';
import { endedWithEngine } from '../containers/loss.ts';
import { dispensable } from '../containers/plan.ts';
import { Project } from '../containers/project.ts';
import { statusOf } from '../containers/status.ts';
import type { Worker } from '../worker.ts';

/** A service without a healthcheck counts as started when it has lived this long. */
const settleMs = 500;
const pollMs = 250;
/** A service whose policy restarts it may end this often before it stays up. */
const maxStartRestarts = 5;
const restartBaseMs = 500;
/** So many names are told; the rest is counted. */
const maxNamed = 20;

export const startInstance: Worker<'start-instance'> = async (order, ports, run) => {
  const project = new Project(order, ports, run);
  const bundle = await project.bundle();
  await project.clearOlder();
  await project.mountVolumes();
  await project.ensureNetworks(bundle);
  const kept = await project.ensureFiles(bundle);
  const existing = await project.containers();
  const { services } = order.input.spec;
  const warnings: Warning[] = kept.length > 0 ? [keptFiles(kept, order.input.revision)] : [];
  const coming = new Map<string, Promise<ServiceStatus>>();

  const bring = (name: string): Promise<ServiceStatus> => {
    const begun = coming.get(name);
    if (begun) return begun;
    const spec = services[name];
    if (!spec) return Promise.reject(notInFile(name));
    const status = ready({ name, spec }, bring, (warning) => {
      warnings.push(warning);
      project.say(warning.problem.message);
    }).then(() => up(project, bundle, { name, spec, existing: existing.get(name)?.id }, ports.clock));
    coming.set(name, status);
    return status;
  };

  const names = Object.keys(services).toSorted();
  const settled = await Promise.allSettled(names.map((name) => bring(name)));
  // Whatever failed because nobody wants it any more is not a failure.
  project.checkWanted();
  const canDoWithout = dispensable(services);
  const statuses = settled.map((result, n): [string, ServiceStatus] => {
    const name = names[n] ?? '';
    if (result.status === 'fulfilled') return [name, result.value];
    if (!canDoWithout.has(name)) throw result.reason;
    return [name, statusAfter(asIoError(result.reason, 'start service', name))];
  });
  return {
    name: 'report-instance-started',
    input: {
      instance: order.subject as StreamId<'instance'>,
      visit: order.visit,
      services: Object.fromEntries(statuses),
      warnings: warnings.toSorted((a, b) => (a.problem.message < b.problem.message ? -1 : 1)),
    },
  };
};

interface Warning {
  readonly service?: string;
  readonly problem: Problem;
}

function keptFiles(kept: readonly KeptFile[], revision: number): Warning {
  const named = kept.slice(0, maxNamed).map(({ path, keptAs }) => `${path} (as ${keptAs})`);
  const more = kept.length > maxNamed ? ` and ${kept.length - maxNamed} more` : '';
  return {
    problem: {
      code: 'FILES_KEPT',
      message:
        `The app and revision ${revision} have both changed files. Those of the revision are in place, those of the app are kept: ${named.join(', ')}${more}.`.slice(
          0,
          4000,
        ),
      hint: 'Compare each with the new one in the volume of the app, and remove it.',
    },
  };
}

interface Service {
  readonly name: string;
  readonly spec: ServiceSpec;
}

/** Resolves once everything that the service depends on is there; what is not required is missed, with a warning. */
async function ready(
  { name, spec }: Service,
  bring: (name: string) => Promise<ServiceStatus>,
  warn: (warning: Warning) => void,
): Promise<void> {
  for (const { service, condition, required } of spec.dependsOn) {
    try {
      const { state } = await bring(service);
      if (condition === 'service_completed_successfully' && state !== 'completed') {
        throw new IoError('CONTAINER_FAILED', {
          op: 'wait for',
          target: service,
          message: `Service ${service} did not complete successfully.`,
        });
      }
    } catch (error) {
      if (required) throw error;
      const { problem } = asIoError(error, 'start service', service);
      const message = `${name} starts without ${service}: ${problem.message}`.slice(0, 4000);
      warn({ service, problem: { ...problem, message } });
    }
  }
}

const notInFile = (name: string): IoError =>
  new IoError('MISSING', {
    op: 'start service',
    target: name,
    message: `The compose file has no service ${name}.`,
    hint: 'Add it, or remove it from `depends_on`.',
  });

/** Of a service that did not come up; whoever watches it sees more. */
const statusAfter = ({ code }: IoError): ServiceStatus => ({
  state: code === 'UNHEALTHY' ? 'unhealthy' : 'exited',
  restarts: 0,
});

async function up(
  project: Project,
  bundle: Bundle,
  service: Service & { readonly existing: string | undefined },
  clock: Clock,
): Promise<ServiceStatus> {
  const existing = service.existing === undefined ? undefined : await project.inspect(service.existing);
  const id = await project.ensureContainer(bundle, service.name, existing);
  const isDone = existing?.id === id && (await hasCompleted(project, service, existing));
  if (!isDone) await project.start(id, service.name);
  return settle(project, service, id, clock);
}

/** By itself, and not because the engine stopped it: of what others wait for, the end is what was wanted. */
async function hasCompleted(project: Project, { name, spec }: Service, container: ContainerInfo): Promise<boolean> {
  if (statusOf(container, spec, 0).state !== 'completed') return false;
  return isToEnd(project, name) || !endedWithEngine(container, await project.engineStartedAt());
}

const isToEnd = (project: Project, name: string): boolean =>
  Object.values(project.order.input.spec.services).some(({ dependsOn }) =>
    dependsOn.some(({ service, condition }) => service === name && condition === 'service_completed_successfully'),
  );

/** Waits until the container is what its service promises, or says why it is not. */
async function settle(project: Project, { name, spec }: Service, id: string, clock: Clock): Promise<ServiceStatus> {
  let began = clock.monotonicMs();
  let restarts = 0;
  const waitsForEnd = isToEnd(project, name);
  for (;;) {
    const container = await project.inspect(id);
    const status = statusOf(container, spec, restarts);
    const livedMs = clock.monotonicMs() - began;
    switch (status.state) {
      case 'healthy':
      case 'completed':
        return status;
      case 'running':
        if (!waitsForEnd && livedMs >= settleMs) return status;
        break;
      case 'exited':
        throw ended(project, name, status);
      case 'restarting':
        // It may have come too early for what it needs; an app that never comes up has failed.
        if (restarts === maxStartRestarts) throw ended(project, name, status);
        await sleep(clock, restartBaseMs * 2 ** restarts++, project.signal);
        await project.start(id, name);
        began = clock.monotonicMs();
        break;
      case 'unhealthy':
        throw new IoError('UNHEALTHY', {
          op: 'start service',
          target: name,
          message: `Service ${name} is unhealthy: its healthcheck fails.`,
          hint: `Look at its log: floatlab logs ${project.order.input.appName} ${name}.`,
        });
      case 'starting':
        if (container?.health === 'starting' && livedMs > mayBeStartingMs(container.healthcheck)) {
          throw new IoError('UNHEALTHY', {
            op: 'start service',
            target: name,
            message: `Service ${name} did not become healthy within ${formatDuration(mayBeStartingMs(container.healthcheck))}.`,
            hint: `Look at its log: floatlab logs ${project.order.input.appName} ${name}.`,
          });
        }
        break;
      default:
        status.state satisfies never;
    }
    await sleep(clock, pollMs, project.signal);
    project.checkWanted();
  }
}

/** The log itself is not quoted: what a program prints when it fails may be a password, and events are for ever. */
function ended(project: Project, name: string, { exitCode }: ServiceStatus): IoError {
  return new IoError('CONTAINER_FAILED', {
    op: 'start service',
    target: name,
    message: `Service ${name} ended with exit code ${exitCode ?? '?'}.`,
    hint: `Look at its log: floatlab logs ${project.order.input.appName} ${name}.`,
  });
}
