/** What runs on an engine beside the lab: containers that no agent has made, by their projects. */
import type { AdoptableProject } from '#io/contract/adoption.ts';
import type { Call } from '../../devices/call.ts';
import type { ContainerInfo, DockerPort } from '../../devices/docker/port.ts';
import { isMadeByAgent } from '../containers/find.ts';
import { label } from '../containers/labels.ts';

export const composeLabel = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  files: 'com.docker.compose.project.config_files',
  folder: 'com.docker.compose.project.working_dir',
  environment: 'com.docker.compose.project.environment_file',
  oneOff: 'com.docker.compose.oneoff',
} as const;

export interface Project {
  readonly name: string;
  readonly isCompose: boolean;
  /** Sorted by name; those of `docker compose run` are not in it. */
  readonly containers: readonly ContainerInfo[];
}

/** Sorted by name. A container of no project is one by itself. */
export async function foreignProjects(docker: DockerPort, call: Call): Promise<readonly Project[]> {
  const projects = new Map<string, Project & { readonly containers: ContainerInfo[] }>();
  for (const container of await docker.containers({}, call)) {
    const { labels, name: own } = container;
    if (labels[label.app] !== undefined && isMadeByAgent(container)) continue;
    if (labels[composeLabel.oneOff]?.toLowerCase() === 'true') continue;
    const named = labels[composeLabel.project];
    const [isCompose, name] = [named !== undefined, named ?? own];
    const known = projects.get(`${isCompose} ${name}`);
    if (known) known.containers.push(container);
    else projects.set(`${isCompose} ${name}`, { name, isCompose, containers: [container] });
  }
  return [...projects.values()].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.isCompose ? -1 : 1));
}

export const serviceOf = ({ labels, name }: Pick<ContainerInfo, 'labels' | 'name'>): string =>
  labels[composeLabel.service] ?? name;

export const rowOf = ({ name, isCompose, containers }: Project): AdoptableProject => ({
  name,
  isCompose,
  folder: containers[0]?.labels[composeLabel.folder] ?? null,
  containers: containers.map((container) => ({
    id: container.id,
    name: container.name,
    service: serviceOf(container),
    image: container.image,
    state: container.state,
    health: container.health,
    startedAt: container.startedAt ?? null,
    restartPolicy: container.restartPolicy,
  })),
});
