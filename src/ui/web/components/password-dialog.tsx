/** Changing one's password. Every other session of this person ends. */
import { Button, Modal, PasswordInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { useSessionActions } from '../live/session.tsx';
import { troubleOf, type Trouble } from '../live/use-command.ts';
import { notify } from './toasts.tsx';
import { TroubleBox } from './trouble.tsx';
import classes from './plan-dialog.module.css';

const minLength = 10;

export function PasswordDialog({ onClose }: { readonly onClose: () => void }) {
  const { changePassword } = useSessionActions();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [trouble, setTrouble] = useState<Trouble>();
  const [isAsking, setAsking] = useState(false);
  const tooShort = next !== '' && next.length < minLength;

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (next.length < minLength) return;
    setAsking(true);
    try {
      await changePassword(current, next);
      notify({ tone: 'running', title: 'Your password was changed. Other sessions of yours have ended.' });
      onClose();
    } catch (error) {
      setTrouble(troubleOf(error));
      setAsking(false);
    }
  };

  const toggle = { 'aria-label': 'Show the password' };
  return (
    <Modal opened onClose={onClose} title="Change password" size={400}>
      <form className={classes['form']} onSubmit={(event) => void submit(event)}>
        <PasswordInput
          label="Current password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          data-autofocus
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          visibilityToggleButtonProps={toggle}
        />
        <PasswordInput
          label="New password"
          description={`At least ${minLength} characters. A sentence is easy to remember.`}
          autoComplete="new-password"
          required
          withAsterisk={false}
          value={next}
          onChange={(event) => setNext(event.currentTarget.value)}
          error={tooShort ? `${minLength - next.length} more characters` : undefined}
          visibilityToggleButtonProps={toggle}
        />
        {trouble && <TroubleBox trouble={trouble} />}
        <div className={classes['buttons']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isAsking}>
            Change password
          </Button>
        </div>
      </form>
    </Modal>
  );
}
