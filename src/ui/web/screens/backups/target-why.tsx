import { backupTargetMachine } from '#actors/backup-target/machine.ts';
import { Why } from '../../components/why.tsx';
import { useView } from '../../live/use-view.ts';
import { useTarget } from './use-target.ts';

export function TargetWhy() {
  const target = useTarget();
  const { rows } = useView('work');
  if (!target) return null;
  const { id, name, state, since, problem } = target;
  const waits =
    state === 'unchecked'
      ? 'A node that can reach it.'
      : state === 'unreachable'
        ? `Its cause to be mended: ${problem?.message ?? 'it does not answer'}`
        : undefined;
  return (
    <Why
      {...{ id, name, state, since, waits }}
      machine={backupTargetMachine.config}
      work={rows.filter(({ subject }) => subject === id)}
    />
  );
}
