/**
 * What was asked for and is not done yet, from whatever screen. The lab says how far it is; the browser guesses nothing.
 * Operations that have just ended stay a moment, so that one sees how.
 */
import { IconChevronDown, IconChevronUp, IconX } from '@tabler/icons-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { OperationRow } from '#projections/operations.ts';
import type { WorkRow } from '#io/contract/live.ts';
import { useNoAction } from '../components/action-button.tsx';
import { Glyph } from '../components/state.tsx';
import { operationTone } from '../format/state.ts';
import { formatDuration } from '#events/values/duration.ts';
import { count, operationTitle, percent, progressOf } from '../format/who.ts';
import { rest } from '../live/clients.tsx';
import { useNow } from '../live/now.tsx';
import { usePast } from '../live/past.ts';
import { useCommand } from '../live/use-command.ts';
import { useView } from '../live/use-view.ts';
import classes from './tray.module.css';

const lingerMs = 8000;
const runningOnly = { state: 'running' } as const;

export function Tray() {
  const { isPast } = usePast();
  const { rows: running, ready } = useView('operations', { now: true, where: runningOnly });
  const work = useView('work', { now: true });
  const now = useNow();
  const [isOpen, setOpen] = useState(true);
  const recent = useEnded(running, ready);
  const byOperation = useMemo(() => groupByOperation(work.rows), [work.rows]);
  if (isPast || running.length + recent.length === 0) return null;
  const shares = running.map((row) => progressOf(byOperation.get(row.id) ?? [])).filter((share) => share !== undefined);
  const overall =
    shares.length === 0 ? '' : ` ${percent(shares.reduce((sum, share) => sum + share, 0) / shares.length)}`;
  return (
    <section className={classes['tray']} aria-label="Operations">
      <button type="button" className={classes['head']} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Glyph
          tone={running.length > 0 ? 'changing' : recent.some(({ state }) => state === 'failed') ? 'failed' : 'running'}
        />
        <span>{running.length > 0 ? `${count(running.length, 'operation')}${overall}` : outcome(recent)}</span>
        {isOpen ? <IconChevronDown size={16} /> : <IconChevronUp size={16} />}
      </button>
      {isOpen && (
        <ul className={classes['list']}>
          {[...running, ...recent].map((row) => (
            <Operation key={row.id} row={row} work={byOperation.get(row.id) ?? []} now={now} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Operation({
  row,
  work,
  now,
}: {
  readonly row: OperationRow;
  readonly work: readonly WorkRow[];
  readonly now: number;
}) {
  const share = progressOf(work);
  const tookMs = Math.max(0, (row.endedAt ?? now) - row.startedAt);
  const took = formatDuration(Math.round(tookMs / 100) * 100);
  const text =
    row.state === 'running'
      ? (work[0]?.text ?? (row.waits ? `waits: ${row.waits.message}` : 'waiting for its turn'))
      : (row.problem?.message ?? 'done');
  return (
    <li className={classes['operation']} data-state={row.state}>
      <Glyph tone={operationTone(row.state)} label={row.state} />
      <div className={classes['text']}>
        <div className={classes['line']}>
          <span className={classes['title']}>{operationTitle(row)}</span>
          <span className={classes['took']}>
            {row.state === 'running' && share !== undefined ? percent(share) : took}
          </span>
          {row.state === 'running' && hasWayBack(row) && <Cancel row={row} />}
        </div>
        <div className={classes['what']}>{text}</div>
        {row.state === 'running' && (
          <div className={classes['track']}>
            <div
              className={classes['fill']}
              data-unknown={share === undefined}
              style={share === undefined ? undefined : { width: `${share * 100}%` }}
            />
          </div>
        )}
      </div>
    </li>
  );
}

/** Where it can be called off, and the lab undoes it. */
const hasWayBack = ({ target, command }: OperationRow): boolean =>
  target.startsWith('transfer:') || command === 'create-backup' || command === 'back-up-app';

/** What it has written is undone; the lab says when. */
function Cancel({ row }: { readonly row: OperationRow }) {
  const { run, isRunning } = useCommand();
  const reason = useNoAction();
  return (
    <button
      type="button"
      className={classes['cancel']}
      aria-label={`Cancel: ${operationTitle(row)}`}
      data-tip={reason ?? 'Cancel it'}
      aria-disabled={reason !== undefined || isRunning}
      onClick={() => {
        if (reason === undefined && !isRunning) void run('cancel-operation', { id: row.id.slice('operation:'.length) });
      }}
    >
      <IconX size={14} />
    </button>
  );
}

function outcome(ended: readonly OperationRow[]): string {
  const failed = ended.filter(({ state }) => state === 'failed').length;
  return failed === 0 ? 'Done' : `${count(failed, 'operation')} failed`;
}

interface Ended {
  readonly row: OperationRow;
  /** By the local clock. */
  readonly seenAt: number;
}

/** What leaves the view of running operations has ended; the lab is asked how. */
function useEnded(running: readonly OperationRow[], ready: boolean): readonly OperationRow[] {
  const before = useRef(new Set<string>());
  const [ended, setEnded] = useState<readonly Ended[]>([]);
  useEffect(() => {
    if (!ready) return;
    const now = new Set<string>(running.map(({ id }) => id));
    const gone = [...before.current].filter((id) => !now.has(id));
    before.current = now;
    for (const id of gone) {
      void rest.show('operations', { id }).then(
        (row) => setEnded((list) => [{ row, seenAt: Date.now() }, ...list].slice(0, 5)),
        () => undefined, // Nobody answers: the banner says so, and Activity has the outcome.
      );
    }
  }, [running, ready]);
  useEffect(() => {
    const oldest = ended.at(-1);
    if (!oldest) return;
    const stays = oldest.row.state === 'failed' ? 4 * lingerMs : lingerMs;
    const timer = setTimeout(
      () => setEnded((list) => list.filter((one) => one !== oldest)),
      Math.max(0, oldest.seenAt + stays - Date.now()),
    );
    return () => clearTimeout(timer);
  }, [ended]);
  return ended.map(({ row }) => row);
}

function groupByOperation(work: readonly WorkRow[]): ReadonlyMap<string, readonly WorkRow[]> {
  const grouped = new Map<string, WorkRow[]>();
  for (const row of work) grouped.set(row.correlation, [...(grouped.get(row.correlation) ?? []), row]);
  return grouped;
}
