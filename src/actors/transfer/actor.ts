import { idOf } from '#events/envelope.ts';
import type { ActorDef, ActorState, LabView } from '../actor.ts';
import { storedInput } from '../backup/actor.ts';
import { datasetOf, volumeActor } from '../volume/actor.ts';
import type { RestoreInput } from '../work.ts';
import { backupOf, snapshotOf } from './machine.ts';

const datasetWith = ({ context }: ActorState<'transfer'>, lab: LabView) => {
  const volume = lab.get(context.volume);
  return volume && datasetOf(volume);
};

const snapshotName = ({ context }: ActorState<'transfer'>, lab: LabView): string | undefined => {
  const snapshot = snapshotOf(context);
  return snapshot && lab.get(snapshot)?.context.metadata.name;
};

function restoreOf(transfer: ActorState<'transfer'>, lab: LabView): RestoreInput | undefined {
  const { task } = transfer.context;
  const snapshot = snapshotName(transfer, lab);
  if (task.do !== 'restore' || snapshot === undefined) return undefined;
  const { paths, overwrite, to } = task;
  return { id: idOf(transfer.stream), snapshot, paths, overwrite, ...(to === undefined ? {} : { to }) };
}

export const transferActor: ActorDef<'transfer'> = {
  refersTo: (context) => {
    const snapshot = snapshotOf(context);
    const backup = backupOf(context);
    return [context.volume, ...(snapshot === undefined ? [] : [snapshot]), ...(backup === undefined ? [] : [backup])];
  },

  /** Whoever waits for it waits until it is gone. */
  settled: () => undefined,

  /** Where its volume is, under the volume's assignment. */
  assignment: ({ context }, lab) => {
    const volume = lab.get(context.volume);
    return volume && volumeActor.assignment?.(volume, lab);
  },

  inputs: {
    'restore-files': (transfer, lab) => {
      const [dataset, restore] = [datasetWith(transfer, lab), restoreOf(transfer, lab)];
      return dataset && restore && { ...dataset, ...restore };
    },
    'export-files': (transfer, lab) => {
      const [dataset, snapshot] = [datasetWith(transfer, lab), snapshotName(transfer, lab)];
      return dataset && snapshot !== undefined ? { ...dataset, snapshot } : undefined;
    },
    'import-files': (transfer, lab) => {
      const { task } = transfer.context;
      const dataset = datasetWith(transfer, lab);
      if (!dataset || task.do !== 'import') return undefined;
      const work = { ...dataset, replace: task.replace, before: task.before };
      if (!task.backup) return work;
      const backup = lab.get(task.backup.of);
      const stored = backup && storedInput(backup, lab);
      const { path } = task.backup;
      return stored && { ...work, backup: { ...stored, ...(path === undefined ? {} : { path }) } };
    },
    'cancel-transfer': (transfer, lab) => {
      const { task } = transfer.context;
      const dataset = datasetWith(transfer, lab);
      if (!dataset) return undefined;
      if (task.do === 'import') return { ...dataset, task: { do: 'import', before: task.before } };
      const restore = restoreOf(transfer, lab);
      return restore && { ...dataset, task: { do: 'restore', ...restore } };
    },
  },
};
