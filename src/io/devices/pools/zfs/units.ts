/** Numbers, sizes, durations and dates as the tools of zfs write them. Pure; each returns undefined for what is none. */

const powers: Readonly<Record<string, number>> = { '': 0, B: 0, K: 1, M: 2, G: 3, T: 4, P: 5, E: 6 };

/** `0`, `1024`, `0B`, `7.50K`, `1.88K`: exact where the tool was exact. Units are binary. */
export function parseNumber(text: string): number | undefined {
  // Nearly all counters are.
  if (text === '0') return 0;
  const match = /^(\d+)(\.\d+)?([BKMGTPE]?)$/.exec(text);
  if (!match) return undefined;
  const value = Math.round(Number(match[1] + (match[2] ?? '')) * 1024 ** (powers[match[3] ?? ''] ?? 0));
  // Counters that do not fit have overflown long ago: what matters is that there are many.
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000] as const;

/** `00:05:32`, `1 days 02:55:32`, or as older versions have it, `0h0m` and `110h18m`. @returns milliseconds */
export function parseDuration(text: string): number | undefined {
  const clock = /^(?:(\d+) days? )?(\d+):(\d\d):(\d\d)$/.exec(text);
  if (clock) {
    const [, days = '0', hours, minutes, seconds] = clock;
    return Number(days) * day + Number(hours) * hour + Number(minutes) * minute + Number(seconds) * second;
  }
  const old = /^(\d+)h(\d+)m$/.exec(text);
  return old ? Number(old[1]) * hour + Number(old[2]) * minute : undefined;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/** `Tue Sep  1 03:05:34 2026`. The tools run in UTC. @returns milliseconds since 1970 */
export function parseDate(text: string): number | undefined {
  const match = date.exec(text);
  if (!match) return undefined;
  const [, name = '', ...numbers] = match;
  const [dayOfMonth = 0, hours = 0, minutes = 0, seconds = 0, year = 0] = numbers.map(Number);
  const month = months.indexOf(name);
  if (month < 0) return undefined;
  const at = Date.UTC(year, month, dayOfMonth, hours, minutes, seconds);
  return new Date(at).getUTCDate() === dayOfMonth ? at : undefined;
}
