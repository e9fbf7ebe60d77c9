/**
 * A button that acts on the lab. It cannot be pressed while somebody looks at the past, or while the lab does not
 * answer, and says so; it stays reachable by keyboard, so that the reason can be read by everyone.
 */
import { Button, Menu, type ButtonProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { usePast } from '../live/past.ts';
import { useIsLeaderless } from '../live/use-cluster.ts';
import { useConnection } from '../live/use-status.ts';

/** @returns why nothing can be done now; undefined when it can */
export function useNoAction(): string | undefined {
  const { isPast } = usePast();
  const connection = useConnection();
  const isLeaderless = useIsLeaderless();
  if (isPast) return 'You are looking at the past. Go back to live to act.';
  if (connection === 'connecting' || connection === 'closed') return 'The lab does not answer.';
  if (isLeaderless) return 'No majority of the lab’s voters answers: nothing can be changed now.';
  return undefined;
}

interface ActionProps extends ButtonProps {
  readonly onClick: () => void;
  readonly children: ReactNode;
  /** Why it cannot be done, whatever the time. */
  readonly refused?: string | undefined;
}

export function ActionButton({ onClick, refused, children, ...props }: ActionProps) {
  const reason = useNoAction() ?? refused;
  if (reason === undefined) {
    return (
      <Button variant="default" {...props} onClick={onClick}>
        {children}
      </Button>
    );
  }
  const { loading: _, ...rest } = props;
  return (
    <Button variant="default" {...rest} aria-disabled data-disabled data-tip={reason} aria-description={reason}>
      {children}
    </Button>
  );
}

interface ActionItemProps {
  readonly onClick: () => void;
  readonly icon?: ReactNode;
  readonly danger?: boolean;
  readonly refused?: string | undefined;
  readonly children: ReactNode;
}

export function ActionItem({ onClick, icon, danger = false, refused, children }: ActionItemProps) {
  const reason = useNoAction() ?? refused;
  return (
    <Menu.Item
      leftSection={icon}
      {...(danger ? { color: 'red' } : {})}
      {...(reason === undefined
        ? { onClick }
        : {
            'data-disabled': true,
            'aria-disabled': true,
            'data-tip': reason,
            'aria-description': reason,
            closeMenuOnClick: false,
          })}
    >
      {children}
    </Menu.Item>
  );
}
