export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The peer in the same run, and what it is. */
  readonly peer?: number;
  readonly peerIs?: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

const round = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));

/** As a line of a Markdown table: what, FloatLab, beside. */
export function lineOf({ what, value, unit, peer, peerIs }: Row): string {
  const ratio = peer === undefined ? '' : `, ratio ${(value / peer).toFixed(2)}`;
  const beside = peer === undefined ? '' : `${round(peer)} ${unit} (${peerIs ?? 'peer'})${ratio}`;
  return `| ${what} | ${round(value)} ${unit} | ${beside} |`;
}
