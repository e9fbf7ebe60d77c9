/**
 * Takes an instance down. It says `stopped` only after it has seen that nothing of the app is left here: a person may
 * rely on it, and one day another node will.
 */
import type { StreamId } from '#events/envelope.ts';
import { Project } from '../containers/project.ts';
import type { Worker } from '../worker.ts';

export const stopInstance: Worker<'stop-instance'> = async (order, ports, run) => {
  const left = await new Project(order, ports, run).removeAll();
  return {
    name: 'report-instance-stopped',
    input: {
      instance: order.subject as StreamId<'instance'>,
      visit: order.visit,
      warnings: left.map((problem) => ({ problem })),
    },
  };
};
