/** Figures as people read them: `3 d`, `41 s ago`, `5 GiB`; and moments, in the time zone of this machine. */
import { formatDuration } from '#events/values/duration.ts';

/** One unit is enough in a table. */
export const shortDuration = (ms: number): string => {
  const [count = '0', unit = 's'] = formatDuration(Math.max(0, ms) < 1000 ? 0 : ms).split(' ');
  return `${count} ${unit}`;
};

/** `4.2 s`, `3 m 12 s`: how long something took. */
export const tookWords = (ms: number): string =>
  ms < 60_000 ? `${(Math.max(0, ms) / 1000).toFixed(1)} s` : formatDuration(ms);

const two = (n: number): string => String(n).padStart(2, '0');

/** `2026-11-21 14:02:11` */
export function momentWords(ms: number): string {
  const date = new Date(ms);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** As short as it can be without a doubt: `14:02:11` today, `2026-11-20 14:02` on another day. */
export function briefMoment(ms: number, now: number): string {
  const [day, time] = momentWords(ms).split(' ');
  return day === momentWords(now).split(' ')[0] ? (time ?? '') : momentWords(ms).slice(0, 16);
}

/** `3 volumes`, `1 volume`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** `a`, `a and b`, `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** `–` for what is not there. */
export const orDash = (text: string | null | undefined): string =>
  text === null || text === undefined || text === '' ? '–' : text;
