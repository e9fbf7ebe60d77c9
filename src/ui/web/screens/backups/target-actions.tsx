/** What can be done with a target: look at it, read its newest backups back, change what it keeps, prune it, forget it. */
import { Menu } from '@mantine/core';
import { IconAdjustments, IconEraser, IconEye, IconShieldCheck, IconUnlink } from '@tabler/icons-react';
import { useState } from 'react';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { ActionItem } from '../../components/action-button.tsx';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { RowMenu } from '../../components/row-menu.tsx';
import { targetStateWords } from '../../format/backup-words.ts';
import { useCommand } from '../../live/use-command.ts';
import { ChangeTarget } from './change-target.tsx';
import { VerifyTarget } from './verify-target.tsx';

type Asked = 'change' | 'verify' | 'prune' | 'remove';

interface Props {
  readonly target: BackupTargetRow;
  /** Beside the title of its page, not in a row. */
  readonly isOnPage?: boolean;
  readonly onGone?: () => void;
}

export function TargetActions({ target, isOnPage = false, onGone }: Props) {
  const { run } = useCommand();
  const [asked, setAsked] = useState<Asked>();
  const close = (): void => setAsked(undefined);
  const { name } = target;
  const isBusy = target.state === 'checking' || target.state === 'pruning';
  const busy = isBusy ? `It is ${targetStateWords(target)}.` : undefined;
  const foreign = target.isForeign ? 'It belongs to another lab, and is only read here.' : undefined;
  const away = target.state === 'unreachable' ? 'It cannot be used: look at it again first.' : undefined;
  return (
    <>
      <RowMenu name={name} isOnPage={isOnPage}>
        <ActionItem
          icon={<IconEye size={16} />}
          refused={busy}
          onClick={() => void run('test-backup-target', { name })}
        >
          Look at it again
        </ActionItem>
        <ActionItem icon={<IconShieldCheck size={16} />} refused={away} onClick={() => setAsked('verify')}>
          Read the newest back…
        </ActionItem>
        <ActionItem icon={<IconAdjustments size={16} />} onClick={() => setAsked('change')}>
          Change…
        </ActionItem>
        <ActionItem icon={<IconEraser size={16} />} refused={foreign ?? busy ?? away} onClick={() => setAsked('prune')}>
          Prune…
        </ActionItem>
        <Menu.Divider />
        <ActionItem danger icon={<IconUnlink size={16} />} onClick={() => setAsked('remove')}>
          Forget…
        </ActionItem>
      </RowMenu>
      {asked === 'change' && <ChangeTarget target={target} onClose={close} />}
      {asked === 'verify' && <VerifyTarget target={target} onClose={close} />}
      {asked === 'prune' && (
        <PlanDialog
          title={`Prune ${name}`}
          command="prune-backup-target"
          input={{ name }}
          confirm="Prune"
          undo="What goes is what no backup needs any more. The lab does so once a day by itself; it reads and rewrites some of what is there."
          onClose={close}
        />
      )}
      {asked === 'remove' && (
        <PlanDialog
          title={`Forget ${name}`}
          command="remove-backup-target"
          input={{ name }}
          confirm="Forget it"
          danger
          undo="What lies there stays as it is. Add the target again, and its backups are found."
          onClose={close}
          {...(onGone === undefined ? {} : { onDone: onGone })}
        />
      )}
    </>
  );
}
