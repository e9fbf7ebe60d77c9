/**
 * Stops what a failed instance left running: a service that nobody watches is worse than one that is off. Containers
 * stay, because their logs are where a person looks next; whatever follows (a retry, a new revision, a removal) begins
 * by stopping the instance, which removes them.
 */
import type { StreamId } from '#events/envelope.ts';
import { Project } from '../containers/project.ts';
import type { Worker } from '../worker.ts';

export const haltInstance: Worker<'halt-instance'> = async (order, ports, run) => {
  await new Project(order, ports, run).halt();
  return {
    name: 'report-instance-halted',
    input: { instance: order.subject as StreamId<'instance'>, visit: order.visit },
  };
};
