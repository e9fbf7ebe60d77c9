/**
 * What somebody has written and not sent yet is not lost by a slip: going to another screen asks first, and so does the
 * browser when its tab is closed.
 */
import { Button, Modal } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { useRef, useState, type ReactNode } from 'react';
import classes from './plan-dialog.module.css';

interface LeaveGuard {
  /** Must be shown: the question stands in it. */
  readonly dialog: ReactNode;
  /** Leaves by a button of the screen itself: asks first, too. */
  readonly leave: (act: () => void) => void;
  /** It was sent: nothing is lost any more. */
  readonly free: () => void;
}

/** @param unsent what would be lost; undefined when nothing would */
export function useLeaveGuard(unsent: string | undefined): LeaveGuard {
  // What may be lost is the text as it stands now: what is written after that is asked about again.
  const given = useRef<string>(undefined);
  const [pending, setPending] = useState<{ readonly act: () => void }>();
  const isHeld = (): boolean => unsent !== undefined && unsent !== given.current;
  const blocker = useBlocker({
    // A filter or a moment in the address is no other screen: what is written stays there.
    shouldBlockFn: ({ current, next }) => isHeld() && current.pathname !== next.pathname,
    enableBeforeUnload: isHeld,
    withResolver: true,
  });
  const free = (): void => {
    given.current = unsent;
  };
  const stay = (): void => {
    setPending(undefined);
    if (blocker.status === 'blocked') blocker.reset();
  };
  const go = (): void => {
    // The question is answered for this way only.
    if (blocker.status === 'blocked') return blocker.proceed();
    free();
    setPending(undefined);
    pending?.act();
  };
  const isAsking = pending !== undefined || blocker.status === 'blocked';
  return {
    dialog: isAsking && (
      <Modal opened onClose={stay} title="Leave without deploying?" size={420}>
        <div className={classes['form']}>
          <p>What you wrote is deployed nowhere. It is lost when you leave.</p>
          <div className={classes['buttons']}>
            <Button variant="default" data-autofocus onClick={stay}>
              Stay
            </Button>
            <Button color="red" onClick={go}>
              Leave
            </Button>
          </div>
        </div>
      </Modal>
    ),
    leave: (act) => {
      if (isHeld()) setPending({ act });
      else act();
    },
    free,
  };
}
