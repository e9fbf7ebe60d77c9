/** While one looks at the past: which moment it is, a slider over all events, and the way back. */
import { Button } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { exact, roughly } from '../format/time.ts';
import { usePast, useTravel } from '../live/past.ts';
import { useZone } from '../live/now.tsx';
import { useStatus } from '../live/use-status.ts';
import { troubleOf } from '../live/use-command.ts';
import classes from './past-bar.module.css';

const settleMs = 150;

export function PastBar() {
  const { at, time, resolving, error } = usePast();
  const travel = useTravel();
  const zone = useZone();
  const { index: head } = useStatus();
  const [dragged, setDragged] = useState<number>();
  useEffect(() => {
    if (dragged === undefined) return;
    const timer = setTimeout(() => {
      travel(dragged);
      setDragged(undefined);
    }, settleMs);
    return () => clearTimeout(timer);
  }, [dragged, travel]);

  const shown = dragged ?? at;
  const last = Math.max(head ?? 1, shown ?? 1);
  return (
    <div className={classes['bar']} role="region" aria-label="The past">
      <div className={classes['words']}>
        {error ? (
          <strong>{troubleOf(error).title}</strong>
        ) : resolving || shown === undefined ? (
          <span>Looking for that moment…</span>
        ) : (
          <>
            <strong>The lab after event {shown.toLocaleString('en')}</strong>
            {time !== undefined && dragged === undefined && (
              <span className={classes['when']}>
                {exact(time, zone)}, {roughly(Date.now() - time)} ago
              </span>
            )}
          </>
        )}
      </div>
      {shown !== undefined && (
        <div className={classes['slider']}>
          <button type="button" aria-label="One event back" disabled={shown <= 1} onClick={() => travel(shown - 1)}>
            <IconChevronLeft size={16} />
          </button>
          <input
            type="range"
            aria-label="Event"
            min={1}
            max={last}
            value={shown}
            onChange={(event) => setDragged(Number(event.target.value))}
          />
          <button type="button" aria-label="One event on" disabled={shown >= last} onClick={() => travel(shown + 1)}>
            <IconChevronRight size={16} />
          </button>
        </div>
      )}
      <Button size="compact-sm" onClick={() => travel(undefined)}>
        Back to live
      </Button>
    </div>
  );
}
