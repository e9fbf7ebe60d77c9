/** Lets this node lead the group: before the machine of the leader is switched off, for example. */
import { IconCrown } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { ActionItem } from '../../components/action-button.tsx';
import { notify } from '../../components/toasts.tsx';
import { rest } from '../../live/clients.tsx';
import { useCluster } from '../../live/use-cluster.ts';
import { troubleOf } from '../../live/use-command.ts';

export function LeadItem({ name }: { readonly name: string }) {
  const queries = useQueryClient();
  const status = useCluster();
  const member = status?.members.find((one) => one.name === name);
  if (!status || status.simulated !== undefined || status.members.length < 2) return null;
  const refused = member?.isLeader
    ? `${name} leads already.`
    : member?.votes === 'voter'
      ? undefined
      : `${name} does not vote: it cannot lead.`;
  const lead = async (): Promise<void> => {
    try {
      await rest.transferLeadership(name);
      notify({ tone: 'running', title: `${name} leads the lab.` });
    } catch (error) {
      notify({ tone: 'failed', ...troubleOf(error) });
    } finally {
      await queries.invalidateQueries({ queryKey: ['cluster-status'] });
    }
  };
  return (
    <ActionItem icon={<IconCrown size={16} />} refused={refused} onClick={() => void lead()}>
      Let it lead
    </ActionItem>
  );
}
