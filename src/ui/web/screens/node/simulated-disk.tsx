/** Of a simulated machine: its disks can be pulled out and spoiled, to see what the lab makes of it. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { DiskHand } from '#io/contract/routes/simulation.ts';
import { ActionItem } from '../../components/action-button.tsx';
import { notify } from '../../components/toasts.tsx';
import { rest } from '../../live/clients.tsx';
import { troubleOf } from '../../live/use-command.ts';

const key = ['simulated-machines'] as const;

export function SimulatedDisk({ machine, path }: { readonly machine: string; readonly path: string }) {
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: key, queryFn: () => rest.simulatedMachines() });
  const disk = path.slice(path.lastIndexOf('/') + 1);
  const is = data?.find(({ name }) => name === machine)?.disks?.[disk];
  if (is === undefined) return null;
  const hand = async (what: DiskHand, done: string): Promise<void> => {
    try {
      await rest.setDisk(machine, disk, what);
      notify({ tone: what === 'in' ? 'running' : 'attention', title: done });
    } catch (error) {
      notify({ tone: 'failed', ...troubleOf(error) });
    } finally {
      await queries.invalidateQueries({ queryKey: key });
    }
  };
  return is === 'out' ? (
    <ActionItem onClick={() => void hand('in', `${disk} is back in ${machine}.`)}>Put it back</ActionItem>
  ) : (
    <>
      <ActionItem onClick={() => void hand('out', `${disk} is out of ${machine}. The node notices in a while.`)}>
        Pull it out
      </ActionItem>
      <ActionItem onClick={() => void hand('spoiled', `What is on ${disk} is wrong now. A scrub finds it.`)}>
        Spoil what is on it
      </ActionItem>
    </>
  );
}
