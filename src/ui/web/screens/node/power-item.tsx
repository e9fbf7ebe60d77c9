/** Of a simulated machine: its power can be taken away, to see what the lab makes of it. */
import { IconPower } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ActionItem } from '../../components/action-button.tsx';
import { notify } from '../../components/toasts.tsx';
import { rest } from '../../live/clients.tsx';
import { troubleOf } from '../../live/use-command.ts';

const key = ['simulated-machines'] as const;

export function PowerItem({ name }: { readonly name: string }) {
  const queries = useQueryClient();
  const { data, isPending } = useQuery({ queryKey: key, queryFn: () => rest.simulatedMachines() });
  const isOff = data?.find((machine) => machine.name === name)?.power === 'off';

  const toggle = async (): Promise<void> => {
    try {
      await rest.setPower(name, isOff ? 'on' : 'off');
      const title = isOff ? `${name} starts.` : `${name} has no power. The lab notices in a while.`;
      notify({ tone: isOff ? 'running' : 'off', title });
    } catch (error) {
      notify({ tone: 'failed', ...troubleOf(error) });
    } finally {
      await queries.invalidateQueries({ queryKey: key });
    }
  };

  return (
    <ActionItem
      icon={<IconPower size={16} />}
      refused={isPending ? 'Asking the simulation.' : undefined}
      onClick={() => void toggle()}
    >
      {isOff ? 'Give it power' : 'Take its power away'}
    </ActionItem>
  );
}
