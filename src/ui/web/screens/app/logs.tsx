/** What the services of an app write, as they write it. */
import { Button } from '@mantine/core';
import { IconArrowDown, IconDownload, IconPlayerPause, IconPlayerPlay, IconTextWrap } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { cx } from '../../components/cx.ts';
import { FilterInput } from '../../components/list.tsx';
import { Empty, Loading } from '../../components/page.tsx';
import { ProblemBox } from '../../components/trouble.tsx';
import { findAll, pieces, withoutColors, type Piece } from '../../format/ansi.ts';
import { clockOf, dateOf } from '../../format/time.ts';
import { useZone } from '../../live/now.tsx';
import { usePast } from '../../live/past.ts';
import { useLogs, type LogLine } from '../../live/use-logs.ts';
import { useApp } from './use-app.ts';
import classes from './logs.module.css';

export function AppLogs() {
  const app = useApp();
  const { isPast } = usePast();
  if (!app) return null;
  if (isPast) {
    return (
      <Empty title="Logs are of the present" command={`floatlab logs ${app.name}`}>
        What containers wrote is kept by their engine, not in the history of the lab. Go back to live to read it.
      </Empty>
    );
  }
  return (
    <Viewer
      key={app.id}
      id={app.id}
      name={app.name}
      services={Object.keys(app.services)}
      isOff={app.instance === null}
    />
  );
}

interface ViewerProps {
  readonly id: string;
  readonly name: string;
  readonly services: readonly string[];
  readonly isOff: boolean;
}

function Viewer({ id, name, services, isOff }: ViewerProps) {
  const [service, setService] = useState<string>();
  const [query, setQuery] = useState('');
  const [isPaused, setPaused] = useState(false);
  const [wraps, setWraps] = useState(true);
  const [isAtEnd, setAtEnd] = useState(true);
  const logs = useLogs(id, service, isPaused);
  const shown = useMemo(() => {
    const wanted = query.trim();
    return wanted === ''
      ? logs.lines
      : logs.lines.filter(({ text }) => findAll(withoutColors(text), wanted).length > 0);
  }, [logs.lines, query]);

  return (
    <div className={classes['viewer']}>
      <div className={classes['bar']}>
        <FilterInput value={query} onChange={setQuery} placeholder="Search lines" />
        <label>
          <span className="hidden">Service</span>
          <select
            className={classes['select']}
            value={service ?? ''}
            onChange={(event) => setService(event.target.value || undefined)}
          >
            <option value="">All services</option>
            {services.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <span className={classes['count']} aria-live="off">
          {query === ''
            ? `${logs.lines.length.toLocaleString('en')} lines`
            : `${shown.length.toLocaleString('en')} of ${logs.lines.length.toLocaleString('en')} lines`}
          {logs.dropped > 0 && `, ${logs.dropped.toLocaleString('en')} left out`}
        </span>
        <div className={classes['buttons']}>
          <Button
            variant={isPaused ? 'filled' : 'default'}
            aria-pressed={isPaused}
            leftSection={isPaused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
            onClick={() => setPaused(!isPaused)}
          >
            {isPaused ? `Go on${logs.waiting > 0 ? ` (${logs.waiting.toLocaleString('en')})` : ''}` : 'Pause'}
          </Button>
          <Button
            variant="default"
            px={8}
            aria-label="Wrap long lines"
            aria-pressed={wraps}
            data-tip="Wrap long lines"
            onClick={() => setWraps(!wraps)}
          >
            <IconTextWrap size={16} />
          </Button>
          <Button
            variant="default"
            px={8}
            aria-label="Download these lines"
            data-tip="Download these lines"
            onClick={() => download(name, shown)}
          >
            <IconDownload size={16} />
          </Button>
        </div>
      </div>
      {logs.problem && (
        <ProblemBox tone="attention" title={logs.problem.detail} hint={logs.problem.hint} code={logs.problem.code} />
      )}
      <div className={classes['frame']}>
        <Lines
          lines={shown}
          query={query.trim()}
          wraps={wraps}
          showService={service === undefined && services.length > 1}
          follow={isAtEnd}
          onEnd={setAtEnd}
        />
        {shown.length === 0 && (
          <div className={classes['empty']}>
            {!logs.ready ? (
              <Loading lines={3} />
            ) : query !== '' ? (
              'No line has that.'
            ) : isOff ? (
              `${name} does not run; it writes nothing.`
            ) : (
              'Nothing written yet.'
            )}
          </div>
        )}
        {!isAtEnd && shown.length > 0 && (
          <button type="button" className={classes['down']} onClick={() => setAtEnd(true)}>
            <IconArrowDown size={14} aria-hidden /> Newest
          </button>
        )}
      </div>
    </div>
  );
}

interface LinesProps {
  readonly lines: readonly LogLine[];
  readonly query: string;
  readonly wraps: boolean;
  readonly showService: boolean;
  /** Stays at the newest line. */
  readonly follow: boolean;
  readonly onEnd: (isAtEnd: boolean) => void;
}

const lineHeight = 18;
const nearEnd = 24;

function Lines({ lines, query, wraps, showService, follow, onEnd }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const zone = useZone();
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => lineHeight,
    overscan: 30,
    getItemKey: (n) => lines[n]?.id ?? n,
  });
  const size = virtualizer.getTotalSize();
  const last = lines.at(-1)?.id;
  useEffect(() => {
    // By the virtualizer's own door: set from outside, it would go back to where it believes to be.
    if (follow && last !== undefined) virtualizer.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follow, last, lines.length, virtualizer]);
  const scrolled = (): void => {
    const at = box.current;
    if (at) onEnd(at.scrollHeight - at.scrollTop - at.clientHeight < nearEnd);
  };
  return (
    <div
      ref={box}
      className={cx(classes['lines'], wraps && classes['wraps'])}
      role="log"
      aria-live="off"
      aria-label="Log lines"
      tabIndex={0}
      onWheel={scrolled}
      onTouchMove={scrolled}
      onKeyUp={scrolled}
      onPointerUp={scrolled}
    >
      <div style={{ height: size, position: 'relative' }}>
        {virtualizer.getVirtualItems().map(({ index, start, key }) => {
          const line = lines[index];
          if (!line) return null;
          return (
            <div
              key={key}
              data-index={index}
              ref={virtualizer.measureElement}
              className={classes['line']}
              data-stream={line.stream}
              style={{ transform: `translateY(${start}px)` }}
            >
              <time
                className={classes['time']}
                dateTime={new Date(line.at).toISOString()}
                data-tip={`${dateOf(line.at, zone)} ${clockOf(line.at, zone)}`}
              >
                {clockOf(line.at, zone)}
              </time>
              {showService && <span className={classes['service']}>{line.service}</span>}
              <span className={classes['text']}>
                <Text text={line.text} query={query} />
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Text({ text, query }: { readonly text: string; readonly query: string }) {
  return (
    <>
      {pieces(text).map((piece, n) => (
        <span key={n} className={classOf(piece)}>
          {marked(piece.text, query)}
        </span>
      ))}
    </>
  );
}

const classOf = ({ color, bold, dim }: Piece): string | undefined =>
  cx(color !== undefined && classes[`color${color}`], bold && classes['bold'], dim && classes['dim']) || undefined;

function marked(text: string, query: string) {
  const found = findAll(text, query);
  if (found.length === 0) return text;
  return found.flatMap(([from, to], n) => [
    text.slice(n === 0 ? 0 : found[n - 1]?.[1], from),
    <mark key={from} className={classes['mark']}>
      {text.slice(from, to)}
    </mark>,
    ...(n === found.length - 1 ? [text.slice(to)] : []),
  ]);
}

function download(name: string, lines: readonly LogLine[]): void {
  const text = lines
    .map((line) => `${new Date(line.at).toISOString()} ${line.service} ${withoutColors(line.text)}\n`)
    .join('');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name}.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
