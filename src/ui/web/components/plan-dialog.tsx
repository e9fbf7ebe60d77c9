/**
 * A command that deserves a second look: shows in words what it will do (its dry run, asked of the lab as it is now),
 * how to undo it, and asks for the name only when data would be lost.
 */
import { Button, Modal, TextInput } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import { rest } from '../live/clients.tsx';
import { troubleOf, useCommand } from '../live/use-command.ts';
import { useNoAction } from './action-button.tsx';
import { Loading } from './page.tsx';
import { TroubleBox } from './trouble.tsx';
import classes from './plan-dialog.module.css';

const againMs = 1500;

interface PlanDialogProps<N extends CommandName> {
  readonly title: string;
  readonly command: N;
  readonly input: CommandInputs[N];
  /** The word on the button. */
  readonly confirm: string;
  readonly danger?: boolean;
  /** Its input is complete; by default it always is. */
  readonly isReady?: boolean;
  /** Something was chosen, by default at once: before that the lab is not asked, and would only refuse. */
  readonly isBegun?: boolean;
  /** Pixels; 480 by default. */
  readonly size?: number;
  /** Must be typed: data would be lost. */
  readonly typeName?: string | undefined;
  /** How to undo it, or that it cannot be undone. */
  readonly undo: ReactNode;
  /** Choices that change the input. */
  readonly children?: ReactNode;
  readonly onClose: () => void;
  readonly onDone?: (answer: CommandAnswer) => void;
}

export function PlanDialog<N extends CommandName>(props: PlanDialogProps<N>) {
  const { title, command, input, confirm, danger = false, typeName, undo, children, onClose, onDone } = props;
  const { isReady = true, isBegun = true, size = 480 } = props;
  const [typed, setTyped] = useState('');
  const { run, isRunning } = useCommand();
  const reason = useNoAction();
  const plan = useQuery({
    queryKey: ['plan', command, input],
    queryFn: ({ signal }) => rest.run(command, input, { dryRun: true, signal }),
    enabled: isBegun,
    retry: false,
    // What is not possible now may be so in a moment: the volume becomes ready, the app is gone.
    refetchInterval: ({ state }) => (state.status === 'error' ? againMs : false),
    gcTime: 0,
    placeholderData: keepPreviousData,
  });
  const isAllowed =
    isReady &&
    isBegun &&
    plan.isSuccess &&
    !plan.isPlaceholderData &&
    reason === undefined &&
    (typeName === undefined || typed === typeName);

  const apply = async (): Promise<void> => {
    if (!isAllowed) return;
    const answer = await run(command, input);
    if (!answer) return;
    onClose();
    onDone?.(answer);
  };

  return (
    <Modal opened onClose={onClose} title={title} size={size}>
      <form
        className={classes['form']}
        onSubmit={(event) => {
          event.preventDefault();
          void apply();
        }}
      >
        {children}
        {isBegun && <Plan plan={plan} />}
        <p className={classes['undo']}>
          <IconArrowBackUp size={16} aria-hidden />
          <span>{undo}</span>
        </p>
        {typeName !== undefined && (
          <TextInput
            label={
              <>
                Data will be lost. Type <code>{typeName}</code> to go on.
              </>
            }
            value={typed}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        <div className={classes['buttons']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" {...(danger ? { color: 'red' } : {})} disabled={!isAllowed} loading={isRunning}>
            {confirm}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** What the lab answered to a dry run. */
interface PlanQuery {
  readonly data: CommandAnswer | undefined;
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly isPlaceholderData: boolean;
}

export function Plan({ plan }: { readonly plan: PlanQuery }) {
  if (plan.error) return <TroubleBox trouble={troubleOf(plan.error)} />;
  if (!plan.data) return <Loading lines={2} />;
  const steps = plan.data.events.filter(({ type }) => !type.startsWith('operation.'));
  const { changes = [] } = plan.data;
  return (
    <div className={classes['plan']} data-old={plan.isPlaceholderData} aria-live="polite">
      <h3>What would happen</h3>
      {steps.length === 0 ? (
        <p className="muted">Nothing: it is so already.</p>
      ) : (
        <ol className={classes['steps']}>
          {steps.map(({ words }, n) => (
            <li key={n}>{words}</li>
          ))}
        </ol>
      )}
      {changes.length > 0 && (
        <>
          <h3>What is different</h3>
          <ul className={classes['steps']}>
            {changes.map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
