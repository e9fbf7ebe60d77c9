/** The states of an object and the ways between them, with the present one lit. Pointing at a state shows its ways. */
import { useMemo, useState } from 'react';
import { chartOf, type Arc, type Chart, type ChartState, type MachineConfig } from '../format/statechart.ts';
import { stateWords, toneOf } from '../format/state.ts';
import classes from './statechart.module.css';

const box = { width: 116, height: 38, gapX: 64, gapY: 26, margin: 14 } as const;

const xOf = ({ column }: ChartState): number => box.margin + column * (box.width + box.gapX);
/** Columns with fewer states are centred. */
const yOf = (chart: Chart, { column, row }: ChartState): number => {
  const inColumn = chart.states.filter((other) => other.column === column).length;
  const offset = ((chart.rows - inColumn) * (box.height + box.gapY)) / 2;
  return box.margin + offset + row * (box.height + box.gapY);
};

interface StatechartProps {
  readonly machine: MachineConfig;
  readonly state: string;
  readonly label: string;
}

export function Statechart({ machine, state, label }: StatechartProps) {
  const chart = useMemo(() => chartOf(machine), [machine]);
  const [pointed, setPointed] = useState<string>();
  const shown = pointed ?? state;
  const width = 2 * box.margin + chart.columns * box.width + (chart.columns - 1) * box.gapX;
  const height = 2 * box.margin + chart.rows * box.height + (chart.rows - 1) * box.gapY;
  const ways = useMemo(() => waysOf(chart.arcs), [chart]);
  return (
    <div className={classes['scroll']} tabIndex={0} role="region" aria-label={label}>
      <svg
        className={classes['chart']}
        viewBox={`0 0 ${width} ${height}`}
        style={{ minWidth: Math.min(width, 520), maxWidth: width }}
        role="img"
        aria-label={`${label}: it is ${stateWords(state)}`}
      >
        {litLast(ways, shown).map(({ from, to }) => {
          const [a, b] = [stateNamed(chart, from), stateNamed(chart, to)];
          if (!a || !b) return null;
          const isLit = from === shown;
          return (
            <g key={`${from}→${to}`} className={classes['arc']} data-lit={isLit}>
              <path d={curve(chart, a, b)} />
              <path d={arrowhead(chart, a, b)} className={classes['head']} />
            </g>
          );
        })}
        {chart.states.map((one) => (
          <g
            key={one.name}
            className={classes['state']}
            data-on={one.name === state}
            data-reached={ways.some(({ from, to }) => from === shown && to === one.name)}
            data-tone={toneOf(one.name)}
            transform={`translate(${xOf(one)} ${yOf(chart, one)})`}
            onPointerEnter={() => setPointed(one.name)}
            onPointerLeave={() => setPointed(undefined)}
          >
            <rect width={box.width} height={box.height} rx={one.isFinal ? box.height / 2 : 6} />
            <text x={box.width / 2} y={one.work === undefined ? box.height / 2 : box.height / 2 - 6}>
              {one.name.replaceAll('-', ' ')}
            </text>
            {one.work !== undefined && (
              <text x={box.width / 2} y={box.height / 2 + 9} className={classes['work']}>
                {one.work.replaceAll('-', ' ')}
              </text>
            )}
          </g>
        ))}
      </svg>
    </div>
  );
}

/** What is drawn last lies above the others. */
const litLast = (ways: readonly Pick<Arc, 'from' | 'to'>[], shown: string) =>
  ways.toSorted((a, b) => Number(a.from === shown) - Number(b.from === shown));

const stateNamed = (chart: Chart, name: string): ChartState | undefined =>
  chart.states.find((one) => one.name === name);

/** One line for all events that lead the same way; what stays where it is has none. */
function waysOf(arcs: readonly Arc[]): readonly Pick<Arc, 'from' | 'to'>[] {
  const ways = new Map(arcs.filter(({ from, to }) => from !== to).map((arc) => [`${arc.from}→${arc.to}`, arc]));
  return [...ways.values()];
}

type Side = 'left' | 'right' | 'top' | 'bottom';

/** From a side of one box to a side of another. */
interface Ends {
  readonly x1: number;
  readonly y1: number;
  readonly from: Side;
  readonly x2: number;
  readonly y2: number;
  readonly to: Side;
}

/**
 * Forward ways leave on the right and arrive on the left; ways back go along below them. In a column neighbours are
 * joined straight; what goes further swings around the others, down on the right and up on the left. Where ways of
 * several kinds meet a side, each kind has a height of its own, so that every head can be seen.
 */
function endsOf(chart: Chart, a: ChartState, b: ChartState): Ends {
  const [ax, ay, bx, by] = [xOf(a), yOf(chart, a), xOf(b), yOf(chart, b)];
  const middle = box.height / 2;
  if (b.column > a.column)
    return { x1: ax + box.width, y1: ay + middle, from: 'right', x2: bx, y2: by + middle - 4, to: 'left' };
  if (b.column < a.column)
    return { x1: ax, y1: ay + middle + 5, from: 'left', x2: bx + box.width, y2: by + middle + 5, to: 'right' };
  const isDown = by > ay;
  if (Math.abs(a.row - b.row) === 1) {
    const x = ax + box.width / 2 + (isDown ? 12 : -12);
    return isDown
      ? { x1: x, y1: ay + box.height, from: 'bottom', x2: x, y2: by, to: 'top' }
      : { x1: x, y1: ay, from: 'top', x2: x, y2: by + box.height, to: 'bottom' };
  }
  const side = isDown ? 'right' : 'left';
  const x = isDown ? ax + box.width : ax;
  const off = isDown ? 12 : -12;
  return { x1: x, y1: ay + middle + off, from: side, x2: x, y2: by + middle - off, to: side };
}

const head = { length: 8, half: 4.5 } as const;

function curve(chart: Chart, a: ChartState, b: ChartState): string {
  const { x1, y1, from, x2, y2, to } = endsOf(chart, a, b);
  // The line ends where the head begins: a point stays a point.
  const [tipX, tipY] = [x2 - headX(to), y2 - headY(to)];
  if (to === 'top' || to === 'bottom') return `M${x1} ${y1}L${tipX} ${tipY}`;
  // The further a way in a column goes, the wider it swings: ways side by side can be told apart.
  const bend = from === to ? 14 + 12 * Math.abs(a.row - b.row) : Math.max(24, Math.abs(x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + (from === 'right' ? bend : -bend)} ${y1} ${tipX + (to === 'right' ? bend : -bend)} ${tipY} ${tipX} ${tipY}`;
}

/** How the head lies from where it begins to its point, on the side where it arrives. */
const headX = (to: Side): number => (to === 'left' ? head.length : to === 'right' ? -head.length : 0);
const headY = (to: Side): number => (to === 'top' ? head.length : to === 'bottom' ? -head.length : 0);

function arrowhead(chart: Chart, a: ChartState, b: ChartState): string {
  const { x2, y2, to } = endsOf(chart, a, b);
  return to === 'top' || to === 'bottom'
    ? `M${x2} ${y2}l${-head.half} ${-headY(to)}h${2 * head.half}z`
    : `M${x2} ${y2}l${-headX(to)} ${-head.half}v${2 * head.half}z`;
}
