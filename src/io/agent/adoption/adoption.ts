/**
 * What of this node could be handed over to the lab, and what would become of it. Everything is looked at when somebody
 * asks; nothing is changed, and nothing of it is in the log.
 */
import {
  planAdoption,
  type AdoptionPlan,
  type FoundContainer,
  type SourceFacts,
} from '#actors/compose/inspected/plan.ts';
import { noDefaults } from '#actors/compose/inspected/inspection.ts';
import type { ProjectsAnswer } from '#io/contract/adoption.ts';
import type { Call } from '../../devices/call.ts';
import type { DockerPort } from '../../devices/docker/port.ts';
import { IoError } from '../../devices/error.ts';
import type { PlacesPort } from '../../devices/places/port.ts';
import type { VolumeCandidate, VolumePort } from '../../devices/volumes/port.ts';
import { composeFileOf, labelsOf } from './compose-file.ts';
import { composeLabel, foreignProjects, rowOf, serviceOf, type Project } from './projects.ts';

export interface AdoptionPorts {
  /** The name of the node. */
  readonly node: string;
  readonly docker: DockerPort;
  readonly volumes: VolumePort;
  readonly places: PlacesPort;
}

export async function projectsOf({ docker }: Pick<AdoptionPorts, 'docker'>, call: Call): Promise<ProjectsAnswer> {
  return { items: (await foreignProjects(docker, call)).map(rowOf) };
}

/** @param name of a project of Compose, or of a plain container @throws IoError MISSING */
export async function adoptionPlanOf(ports: AdoptionPorts, name: string, call: Call): Promise<AdoptionPlan> {
  const { docker, node, places } = ports;
  const all = await foreignProjects(docker, call);
  const project = all.find((one) => one.name === name);
  if (!project) {
    throw new IoError('MISSING', {
      op: 'plan the adoption',
      target: name,
      message: `Nothing called ${name} runs on ${node} beside the lab.`,
      hint: `List what does: floatlab adopt scan --node ${node}`,
    });
  }
  const containers = await examined(docker, project, call);
  const [first] = containers;
  const folder = first && labelsOf(first)[composeLabel.folder];
  const others = await examinedMounts(
    docker,
    all.filter((one) => one !== project),
    call,
  );
  return planAdoption({
    ...{ node, project: project.name, isCompose: project.isCompose },
    folder: folder?.startsWith('/') ? folder : undefined,
    file: await composeFileOf(containers, places, call),
    containers,
    sources: await sourcesOf(ports, containers, others, call),
  });
}

async function examined(docker: DockerPort, project: Project, call: Call): Promise<readonly FoundContainer[]> {
  const found: FoundContainer[] = [];
  for (const container of project.containers) {
    const inspection = await docker.examine(container.id, call);
    // One that was removed meanwhile is simply no longer there.
    if (!inspection) continue;
    const image = (await docker.imageDefaults(inspection.imageId, call)) ?? noDefaults;
    found.push({ service: serviceOf(container), inspection, image });
  }
  return found;
}

/** Sources of mounts, and which projects have them. */
async function examinedMounts(
  docker: DockerPort,
  projects: readonly Project[],
  call: Call,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  for (const { name, containers } of projects)
    for (const { id } of containers)
      for (const { source } of (await docker.examine(id, call))?.mounts ?? [])
        if (source !== '') users.set(source, [...(users.get(source) ?? []), name]);
  return users;
}

/** Of one folder; what takes longer nobody counts. */
const countMs = 5000;

async function sourcesOf(
  ports: AdoptionPorts,
  containers: readonly FoundContainer[],
  others: ReadonlyMap<string, readonly string[]>,
  call: Call,
): Promise<ReadonlyMap<string, SourceFacts>> {
  const { places } = ports;
  const candidates = await candidatesOf(ports.volumes, call);
  const facts = new Map<string, SourceFacts>();
  const all = new Set(containers.flatMap(({ inspection }) => inspection.mounts.map(({ source }) => source)));
  for (const source of all) {
    if (!source.startsWith('/')) continue;
    const place = await places.look(source, call);
    if (!place) {
      facts.set(source, { what: 'missing', fileSystem: '', isShared: false, bytes: undefined, users: [] });
      continue;
    }
    const { what, fileSystem, isShared, path } = place;
    const known = candidates.find((one) => one.path === path || one.path === source);
    const isCounted = what !== 'other' && !isShared;
    const bytes = isCounted
      ? (known?.usedBytes ?? (await places.size(path, { ...call, timeoutMs: Math.min(countMs, call.timeoutMs) })))
      : undefined;
    const users = [...others].flatMap(([path, names]) => (overlap(path, source) ? names : []));
    facts.set(source, {
      ...{ what, fileSystem, isShared, bytes },
      // Sockets and devices of the node are everybody's.
      users: what === 'other' ? [] : [...new Set(users)].toSorted(),
      ...(known && { adoptable: { pool: known.pool, native: known.native } }),
    });
  }
  return facts;
}

const overlap = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);

type Candidate = VolumeCandidate & { readonly pool: string };

/** What could become a volume where it is. A pool that does not answer has none that could. */
async function candidatesOf(volumes: VolumePort, call: Call): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  for (const { name: pool, state } of await volumes.pools(call)) {
    if (state === 'unavailable') continue;
    try {
      const all = await volumes.candidates(pool, call);
      found.push(
        ...all.filter(({ path, why }) => path !== undefined && why === undefined).map((one) => ({ ...one, pool })),
      );
    } catch (error) {
      if (!(error instanceof IoError) || error.code === 'ABORTED') throw error;
    }
  }
  return found;
}
