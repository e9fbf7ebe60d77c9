/** What is wrong now, worst first, each with what to do. */
import { useMemo } from 'react';
import { severities, type AlertRow } from '#projections/alerts.ts';
import { ObjectLink } from './links.tsx';
import { Marked } from './marked.tsx';
import { Glyph } from './state.tsx';
import { Time } from './time.tsx';
import { useGlow } from './use-glow.ts';
import classes from './alert-list.module.css';

export function AlertList({ rows }: { readonly rows: readonly AlertRow[] }) {
  const sorted = useMemo(
    () => rows.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity) || b.since - a.since),
    [rows],
  );
  return (
    <ul className={classes['list']}>
      {sorted.map((row) => (
        <Alert key={row.id} row={row} />
      ))}
    </ul>
  );
}

function Alert({ row }: { readonly row: AlertRow }) {
  const ref = useGlow<HTMLLIElement>(row);
  const isCritical = row.severity === 'critical';
  return (
    <li ref={ref} className={classes['alert']} data-severity={row.severity}>
      <Glyph tone={isCritical ? 'failed' : 'attention'} label={row.severity} />
      <div className={classes['text']}>
        <div className={classes['message']}>
          <Marked text={row.message} />
        </div>
        {row.hint !== null && (
          <div className="muted">
            <Marked text={row.hint} />
          </div>
        )}
      </div>
      <div className={classes['end']}>
        <ObjectLink kind={row.kind} namespace={row.namespace} name={row.name} />
        <span className="muted">
          for <Time at={row.since} as="since" />
        </span>
      </div>
    </li>
  );
}
