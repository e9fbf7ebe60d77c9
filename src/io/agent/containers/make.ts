/**
 * Makes a container under a name that it can have. Compose's own, `<project>-<service>-1`, is what people and other
 * tools look for, but two apps can be called so that they ask for the same one: `photo` with a service `db-web`, and
 * `photo-db` with a service `web`. Who comes second gets the id of its app behind it; nobody is recognized by a name.
 * What was left by an instance that has ended makes room.
 */
import { idOf } from '#events/envelope.ts';
import type { ContainerInfo, ContainerSpec } from '../../devices/docker/port.ts';
import { IoError } from '../../devices/error.ts';
import type { Ports, Run } from '../worker.ts';
import { namesFor } from './find.ts';
import { label, projectOf, type InstanceOrder } from './labels.ts';
import { removeContainer } from './remove.ts';

/** @returns its id @throws IoError NAME_IN_USE when the name belongs to a container that is not FloatLab's */
export async function makeContainer(
  order: InstanceOrder,
  spec: ContainerSpec,
  ports: Ports,
  run: Run,
): Promise<string> {
  const app = idOf(order.input.app);
  const attemptOnce = async (name: string): Promise<string | ContainerInfo> => {
    run.fence();
    try {
      return await ports.docker.create({ ...spec, name }, run);
    } catch (error) {
      if (!(error instanceof IoError) || error.code !== 'NAME_IN_USE') throw error;
      const holder = await ports.docker.inspect(name, run);
      // It has gone in this very moment.
      if (!holder) throw isLeaving(name);
      // An earlier attempt of ours, whose answer was lost.
      return holder.labels[label.instance] === idOf(order.subject) ? holder.id : holder;
    }
  };
  const attempt = async (name: string): Promise<string | ContainerInfo> => {
    const made = await attemptOnce(name);
    if (typeof made === 'string' || !(await run.leftovers?.isContainer(made))) return made;
    run.fence();
    await removeContainer(made, ports.docker, run);
    return attemptOnce(name);
  };
  const made = await attempt(spec.name);
  if (typeof made === 'string') return made;
  const owner = made.labels[label.app];
  if (owner === undefined) throw isForeign(spec.name);
  if (owner === app) throw isOlder(spec.name);
  const [, second] = namesFor(projectOf(order.input), spec.labels[label.service] ?? '', app);
  const other = await attempt(second);
  if (typeof other === 'string') return other;
  throw other.labels[label.app] === undefined ? isForeign(other.name) : isOlder(other.name);
}

const isForeign = (name: string): IoError =>
  new IoError('NAME_IN_USE', {
    op: 'docker create',
    target: name,
    message: `A container named ${name} exists on this machine already, and it is not FloatLab's.`,
    hint: `"docker inspect ${name}" shows whose it is. If it is not needed: "docker rm -f ${name}".`,
  });

const isLeaving = (name: string): IoError =>
  new IoError('BUSY', { op: 'docker create', target: name, message: `The name ${name} has just become free.` });

/** Of this app and another assignment: it is being removed, or this order is the old one. */
const isOlder = (name: string): IoError =>
  new IoError('BUSY', {
    op: 'docker create',
    target: name,
    message: `${name} of another assignment of this app is still there.`,
  });
