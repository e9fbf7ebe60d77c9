/** `live ▾`: the way into the past, by index, by time, or by how long ago. */
import { Button, Popover, TextInput } from '@mantine/core';
import { IconChevronDown, IconHistory } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { momentIn } from '../format/moment.ts';
import { usePast, useTravel } from '../live/past.ts';
import { useStatus } from '../live/use-status.ts';
import classes from './time-control.module.css';

const minuteMs = 60_000;
const jumps = [
  { label: '10 m ago', ms: 10 * minuteMs },
  { label: '1 h ago', ms: 60 * minuteMs },
  { label: '1 d ago', ms: 1440 * minuteMs },
  { label: '1 w ago', ms: 10_080 * minuteMs },
] as const;

export function TimeControl() {
  const { isPast } = usePast();
  const travel = useTravel();
  const { index } = useStatus();
  const [isOpen, setOpen] = useState(false);
  const [text, setText] = useState('');
  const moment = momentIn(text);

  const go = (at: number | string | undefined): void => {
    setOpen(false);
    setText('');
    travel(at);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (moment !== undefined) go(moment);
  };

  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={300} trapFocus returnFocus>
      <Popover.Target>
        <button
          type="button"
          className={classes['control']}
          data-past={isPast}
          aria-expanded={isOpen}
          aria-label={isPast ? 'You are in the past. Choose another time' : 'Live. Look at the past'}
          onClick={() => setOpen(!isOpen)}
        >
          <IconHistory size={16} stroke={1.6} aria-hidden />
          <span>{isPast ? 'past' : 'live'}</span>
          <IconChevronDown size={14} aria-hidden />
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Time">
        <form className={classes['form']} onSubmit={submit}>
          <p className="muted">See the lab as it was. Nothing can be changed there.</p>
          <div className={classes['jumps']}>
            {jumps.map(({ label, ms }) => (
              <Button
                key={ms}
                variant="default"
                size="compact-xs"
                onClick={() => go(new Date(Date.now() - ms).toISOString())}
              >
                {label}
              </Button>
            ))}
          </div>
          <TextInput
            label="Event or time"
            placeholder={`${Math.max(1, (index ?? 101) - 100)} or 2026-11-21 14:00`}
            value={text}
            spellCheck={false}
            autoComplete="off"
            data-autofocus
            error={
              text !== '' && moment === undefined ? 'Write the number of an event, or a date and a time.' : undefined
            }
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <div className={classes['buttons']}>
            {isPast && (
              <Button variant="default" onClick={() => go(undefined)}>
                Back to live
              </Button>
            )}
            <Button type="submit" disabled={moment === undefined}>
              Go there
            </Button>
          </div>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
