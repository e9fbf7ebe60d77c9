/**
 * Takes an instance down. It says `stopped` only after it has seen that nothing of the app is left here: a person may
 * rely on it, and one day another node will.
 */
import type { StreamId } from '#events/envelope.ts';
import { IoError } from '../../devices/error.ts';
import { startOrder } from '../containers/plan.ts';
import { Project } from '../containers/project.ts';
import type { Worker } from '../worker.ts';

export const stopInstance: Worker<'stop-instance'> = async (order, ports, run) => {
  const project = new Project(order, ports, run);
  await project.removeAll(startOrder(order.input.spec.services));
  const left = await project.containers();
  if (left.size > 0) {
    const names = [...left.values()].map(({ name }) => name).join(', ');
    throw new IoError('BUSY', { op: order.work, target: order.subject, message: `${names} is still there.` });
  }
  return {
    name: 'report-instance-stopped',
    input: { instance: order.subject as StreamId<'instance'>, visit: order.visit },
  };
};
