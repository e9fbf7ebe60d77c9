/**
 * The retention grammar: `2h:all 24h:1h 14d:1d 8w:1w 12mo:1mo last:3`.
 *
 * `span:interval` keeps, among snapshots no older than span, the oldest of each UTC-aligned interval;
 * `span:all` keeps all of them; `last:n` keeps the newest n. Rules are OR-ed.
 * What is kept and why is decided in `actors/retention`; this file only reads and writes the text.
 */
import * as z from 'zod';

export type KeepRule = { spanMs: number; every: 'all' | { ms: number } | { months: number } } | { last: number };

const hourMs = 3_600_000;
const units: Readonly<Record<string, number>> = {
  m: 60_000,
  h: hourMs,
  d: 24 * hourMs,
  w: 168 * hourMs,
  mo: 744 * hourMs,
  y: 8784 * hourMs,
};

/** @returns the rules, or a sentence that says which word is wrong */
export function parseKeep(text: string): readonly KeepRule[] | string {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return 'an empty policy: write for example "24h:1h 14d:1d last:3"';
  const rules: KeepRule[] = [];
  for (const word of words) {
    const rule = parseRule(word);
    if (typeof rule === 'string') return rule;
    rules.push(rule);
  }
  return rules;
}

function parseRule(word: string): KeepRule | string {
  const last = /^last:([1-9]\d{0,4})$/.exec(word);
  if (last) return { last: Number(last[1]) };
  const rule = /^([1-9]\d{0,4})(m|h|d|w|mo|y):(?:(all)|([1-9]\d{0,4})(m|h|d|w|mo|y))$/.exec(word);
  if (!rule) return `"${word}" is not a rule: write span:interval, span:all or last:n, for example 24h:1h`;
  const spanMs = Number(rule[1]) * (units[rule[2] ?? ''] ?? 0);
  if (rule[3]) return { spanMs, every: 'all' };
  const count = Number(rule[4]);
  const unit = rule[5] ?? '';
  if (unit === 'mo') return { spanMs, every: { months: count } };
  if (unit === 'y') return { spanMs, every: { months: 12 * count } };
  const ms = count * (units[unit] ?? 0);
  if (ms > spanMs) return `"${word}" keeps nothing: the interval is longer than the span`;
  return { spanMs, every: { ms } };
}

export const keep = z
  .string()
  .max(256)
  .superRefine((text, context) => {
    const rules = parseKeep(text);
    if (typeof rules === 'string') context.addIssue({ code: 'custom', message: rules });
  });
