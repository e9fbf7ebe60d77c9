/**
 * Things that happened, newest first: a sentence, who, why, when; on demand everything that the log holds about it.
 * Used by the overview (short), by the history of an object, and by the activity screen.
 */
import { IconChevronRight } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { evidenceLines } from '#projections/evidence-words.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import { exact } from '../format/time.ts';
import { operationName, operationOf, shortWhy } from '../format/why.ts';
import { useZone } from '../live/now.tsx';
import { toneOfEvent } from '../format/event-tone.ts';
import { ObjectLink } from './links.tsx';
import { CopyButton } from './page.tsx';
import { Glyph } from './state.tsx';
import { Time } from './time.tsx';
import { useGlow } from './use-glow.ts';
import { WhoDid } from './who.tsx';
import classes from './activity-list.module.css';

interface ItemProps {
  readonly row: ActivityRow;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  /** It came while somebody looked. */
  readonly fresh?: boolean;
}

export function ActivityItem({ row, isOpen, onToggle, fresh = false }: ItemProps) {
  const ref = useGlow<HTMLDivElement>(row.index, fresh);
  const why = shortWhy(row);
  const operation = operationOf(row);
  return (
    <div ref={ref} className={classes['item']} data-open={isOpen}>
      <div className={classes['line']}>
        <button
          type="button"
          className={classes['toggle']}
          aria-expanded={isOpen}
          aria-label={`Details of event ${row.index}`}
          onClick={onToggle}
        >
          <IconChevronRight size={14} aria-hidden />
        </button>
        <Glyph tone={toneOfEvent(row.type)} />
        <span className={classes['words']} onClick={onToggle}>
          {row.words}
        </span>
        <span className={classes['who']}>
          <WhoDid by={row.by} />
        </span>
        <span className={classes['why']}>
          {operation === undefined ? (
            why
          ) : (
            <Link
              to="/activity"
              search={{ of: row.correlation }}
              className="link"
              data-tip="Everything that this operation led to"
            >
              {operationName(operation)}
            </Link>
          )}
        </span>
        <span className={classes['when']}>
          <Time at={row.at} />
        </span>
      </div>
      {isOpen && <Details row={row} />}
    </div>
  );
}

function Details({ row }: { readonly row: ActivityRow }) {
  const zone = useZone();
  const data = JSON.stringify(row.data, null, 2);
  return (
    <div className={classes['details']}>
      <dl className={classes['facts']}>
        <dt>When</dt>
        <dd>
          {exact(row.at, zone)} · event {row.index} ·{' '}
          <Link to="." search={(before) => ({ ...before, at: row.index })} className="link">
            see the lab then
          </Link>
        </dd>
        <dt>What</dt>
        <dd>
          <code>{row.type}</code> of {row.kind} <ObjectLink kind={row.kind} namespace={row.namespace} name={row.name} />
          , its {ordinal(row.version)} event
        </dd>
        <dt>Who</dt>
        <dd>
          <code>{row.by}</code>
        </dd>
        <dt>Why</dt>
        <dd>
          {row.cause === row.command ? (
            'asked for directly'
          ) : (
            <>
              because of <code>{row.cause}</code>
            </>
          )}{' '}
          ·{' '}
          <Link to="/activity" search={{ of: row.correlation }} className="link">
            everything that belongs to{' '}
            {row.correlation.startsWith('operation:') ? operationName(row.correlation) : 'it'}
          </Link>
        </dd>
        {row.because !== null && (
          <>
            <dt>Seen</dt>
            <dd>
              {evidenceLines(row.because).map(([key, value]) => (
                <div key={key} className={classes['evidence']}>
                  <span className="muted">{key}</span> <code>{value}</code>
                </div>
              ))}
            </dd>
          </>
        )}
      </dl>
      {data !== '{}' && (
        <div className={classes['data']}>
          <pre tabIndex={0} role="region" aria-label={`Data of event ${row.index}`}>
            {data}
          </pre>
          <CopyButton text={data} />
        </div>
      )}
    </div>
  );
}

function ordinal(n: number): string {
  const rest = n % 100;
  if (rest >= 11 && rest <= 13) return `${n}th`;
  return `${n}${['th', 'st', 'nd', 'rd'][n % 10] ?? 'th'}`;
}
