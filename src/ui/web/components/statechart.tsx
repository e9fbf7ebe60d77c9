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
        {ways.map(({ from, to }) => {
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

const stateNamed = (chart: Chart, name: string): ChartState | undefined =>
  chart.states.find((one) => one.name === name);

/** One line for all events that lead the same way; what stays where it is has none. */
function waysOf(arcs: readonly Arc[]): readonly Pick<Arc, 'from' | 'to'>[] {
  const ways = new Map(arcs.filter(({ from, to }) => from !== to).map((arc) => [`${arc.from}→${arc.to}`, arc]));
  return [...ways.values()];
}

interface Ends {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly kind: 'forward' | 'back' | 'column';
}

/** Forward ways leave on the right and arrive on the left; ways back and ways in a column swing around. */
function endsOf(chart: Chart, a: ChartState, b: ChartState): Ends {
  const [ax, ay, bx, by] = [xOf(a), yOf(chart, a), xOf(b), yOf(chart, b)];
  if (b.column > a.column)
    return { x1: ax + box.width, y1: ay + box.height / 2, x2: bx, y2: by + box.height / 2, kind: 'forward' };
  if (b.column < a.column)
    return { x1: ax, y1: ay + box.height / 2 + 5, x2: bx + box.width, y2: by + box.height / 2 + 5, kind: 'back' };
  const isDown = by > ay;
  const shift = isDown ? 12 : -12;
  return {
    x1: ax + box.width / 2 + shift,
    y1: isDown ? ay + box.height : ay,
    x2: bx + box.width / 2 + shift,
    y2: isDown ? by : by + box.height,
    kind: 'column',
  };
}

function curve(chart: Chart, a: ChartState, b: ChartState): string {
  const { x1, y1, x2, y2, kind } = endsOf(chart, a, b);
  if (kind === 'column') {
    if (Math.abs(a.row - b.row) === 1) return `M${x1} ${y1}L${x2} ${y2}`;
    // The further it goes, the wider it swings, so that ways side by side can be told apart.
    const far = 14 + 12 * Math.abs(a.row - b.row);
    const side = (y2 > y1 ? 1 : -1) * (box.width / 2 + far);
    const middle = xOf(a) + box.width / 2;
    return `M${x1} ${y1}C${middle + side} ${y1 + (y2 > y1 ? 6 : -6)} ${middle + side} ${y2 - (y2 > y1 ? 6 : -6)} ${x2} ${y2}`;
  }
  const bend = Math.max(24, Math.abs(x2 - x1) / 2) * (kind === 'forward' ? 1 : -1);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function arrowhead(chart: Chart, a: ChartState, b: ChartState): string {
  const { x2, y2, y1, kind } = endsOf(chart, a, b);
  if (kind === 'column') {
    const up = y2 > y1 ? -1 : 1;
    return `M${x2} ${y2}l-4 ${6 * up}h8z`;
  }
  const back = kind === 'forward' ? -1 : 1;
  return `M${x2} ${y2}l${6 * back} -4v8z`;
}
