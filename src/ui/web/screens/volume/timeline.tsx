/**
 * The snapshots of a volume as ticks on a band that ends now. Pointing at the band shows the nearest snapshot; the
 * arrow keys walk from one to the next, enter goes to its roll-back.
 */
import { useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { isOnLine, type Lineage } from '#actors/volume/lineage.ts';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import { ago, exact } from '../../format/time.ts';
import { momentOf, reasonWords } from '../../format/snapshot-words.ts';
import { marksFor, nearest, placeOf, spanFor } from '../../format/timeline.ts';
import { useNow, useZone } from '../../live/now.tsx';
import classes from './timeline.module.css';

interface TimelineProps {
  /** Newest first. */
  readonly rows: readonly SnapshotRow[];
  /** Of the volume, where it matters which line a snapshot is in. */
  readonly lineages?: readonly Lineage[];
  readonly marked: string | undefined;
  readonly onMark: (id: string | undefined) => void;
  readonly onOpen: (row: SnapshotRow) => void;
}

/** The scale moves every so often, not each second. */
const stillMs = 10_000;

export function Timeline({ rows, lineages, marked, onMark, onOpen }: TimelineProps) {
  const now = Math.ceil(useNow() / stillMs) * stillMs;
  const zone = useZone();
  const band = useRef<HTMLDivElement>(null);
  const [hovered, setHovered] = useState<string>();
  const isLeft = (row: SnapshotRow): boolean => lineages !== undefined && !isOnLine(row, lineages);
  const ticks = useMemo(() => {
    const oldest = rows.at(-1);
    const spanMs = spanFor(oldest ? now - momentOf(oldest) : 0);
    return { spanMs, items: rows.map((row) => ({ row, place: placeOf(now - momentOf(row), spanMs) })) };
  }, [rows, now]);
  const shown = ticks.items.find(({ row }) => row.id === (hovered ?? marked));

  const at = (event: PointerEvent): string | undefined => {
    const box = band.current?.getBoundingClientRect();
    return box && nearest(ticks.items, (event.clientX - box.left) / box.width)?.row.id;
  };
  const key = (event: KeyboardEvent): void => {
    const index = rows.findIndex(({ id }) => id === marked);
    const step = { ArrowLeft: 1, ArrowDown: 1, ArrowRight: -1, ArrowUp: -1 }[event.key];
    if (step !== undefined) onMark(rows[Math.min(rows.length - 1, Math.max(0, index === -1 ? 0 : index + step))]?.id);
    else if (event.key === 'Home') onMark(rows.at(-1)?.id);
    else if (event.key === 'End') onMark(rows[0]?.id);
    else if (event.key === 'Enter' && rows[index]) onOpen(rows[index]);
    else return;
    event.preventDefault();
  };

  const selected = rows.findIndex(({ id }) => id === marked);
  return (
    <div className={classes['timeline']}>
      <div
        ref={band}
        className={classes['band']}
        role="slider"
        tabIndex={0}
        aria-label="Snapshots by time"
        aria-valuemin={1}
        aria-valuemax={Math.max(1, rows.length)}
        aria-valuenow={selected === -1 ? Math.max(1, rows.length) : rows.length - selected}
        aria-valuetext={
          shown
            ? `${shown.row.name}, taken ${ago(momentOf(shown.row), now)}, ${reasonWords(shown.row)}`
            : `${rows.length} snapshots`
        }
        onPointerMove={(event) => setHovered(at(event))}
        onPointerLeave={() => setHovered(undefined)}
        onClick={(event) => onMark(at(event as unknown as PointerEvent))}
        onKeyDown={key}
      >
        {marksFor(ticks.spanMs).map(({ place, label }) => (
          <span key={label} className={classes['grid']} style={{ left: `${place * 100}%` }} />
        ))}
        {ticks.items.map(({ row, place }) => (
          <span
            key={row.id}
            className={classes['tick']}
            data-reason={row.reason}
            data-left={isLeft(row)}
            data-on={row.id === shown?.row.id}
            data-testid="tick"
            style={{ left: `${place * 100}%` }}
          />
        ))}
        {shown && (
          <div
            className={classes['card']}
            data-side={shown.place > 0.6 ? 'left' : 'right'}
            style={{ left: `${shown.place * 100}%` }}
          >
            <code>{shown.row.name}</code>
            <div>
              {ago(momentOf(shown.row), now)} · {reasonWords(shown.row)}
            </div>
            {shown.row.note !== null && <div className={classes['note']}>“{shown.row.note}”</div>}
            {isLeft(shown.row) && <div className="muted">line {shown.row.lineage}, left</div>}
            <div className="muted">{exact(momentOf(shown.row), zone)}</div>
          </div>
        )}
      </div>
      <div className={classes['marks']} aria-hidden>
        {marksFor(ticks.spanMs).map(({ place, label }) => (
          <span key={label} className={classes['mark']} style={{ left: `${place * 100}%` }}>
            {label}
          </span>
        ))}
        <span className={classes['now']}>now</span>
      </div>
      <ul className={classes['legend']} aria-hidden>
        <li data-reason="schedule">schedule or change</li>
        <li data-reason="manual">by hand</li>
        <li data-reason="stash">kept by a roll-back</li>
        {rows.some(isLeft) && <li data-left>in a line that was left</li>}
      </ul>
    </div>
  );
}
