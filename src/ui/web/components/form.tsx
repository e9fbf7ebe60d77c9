/** A small form: a few fields, and a button that is there once they are right. */
import { Button, Modal } from '@mantine/core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useNoAction } from './action-button.tsx';
import classes from './plan-dialog.module.css';

interface FormProps {
  readonly title: string;
  readonly confirm: string;
  readonly isValid: boolean;
  readonly onClose: () => void;
  /** @returns whether it was done */
  readonly submit: () => Promise<boolean>;
  readonly children: ReactNode;
}

export function Form({ title, confirm, isValid, onClose, submit, children }: FormProps) {
  const [isAsking, setAsking] = useState(false);
  const reason = useNoAction();
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!isValid || reason !== undefined) return;
    setAsking(true);
    const done = await submit();
    setAsking(false);
    if (done) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={title} size={420}>
      <form className={classes['form']} onSubmit={(event) => void send(event)}>
        {children}
        <div className={classes['buttons']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={!isValid || reason !== undefined} loading={isAsking}>
            {confirm}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
