/**
 * The containers that agents have made. Labels alone do not tell: whoever makes an image of a container copies them, and
 * then containers of that image have them too. Those are somebody's own, and are called otherwise.
 */
import type { Call } from '../../devices/call.ts';
import type { ContainerInfo, DockerPort, LabelFilter } from '../../devices/docker/port.ts';
import { label } from './labels.ts';

/** So much of the id tells two apps apart. */
const idLength = 8;

/** Compose's own, and the one for whoever finds it taken by another app of FloatLab. */
export function namesFor(project: string, service: string, app: string): readonly [usual: string, second: string] {
  const name = `${project}-${service}-1`;
  return [name, `${name}-${app.slice(0, idLength)}`];
}

/** Whether it is called as an agent calls those that it makes with such labels. */
export function isMadeByAgent({ name, labels }: Pick<ContainerInfo, 'name' | 'labels'>): boolean {
  const { 'com.docker.compose.project': project, [label.service]: service, [label.app]: app } = labels;
  if (project === undefined || service === undefined || app === undefined) return false;
  return namesFor(project, service, app).includes(name);
}

/** Those with these labels, running or not. @throws IoError */
export async function findContainers(
  docker: DockerPort,
  labels: LabelFilter,
  call: Call,
): Promise<readonly ContainerInfo[]> {
  return (await docker.containers(labels, call)).filter(isMadeByAgent);
}
