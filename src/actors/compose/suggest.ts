/** "Did you mean": the known word with the fewest typing mistakes between it and what was written. */

/** @returns the nearest of the words, or undefined when none is near enough to be meant */
export function nearest(written: string, words: Iterable<string>): string | undefined {
  if (written.length > 40) return undefined;
  const wanted = written.toLowerCase();
  let best: string | undefined;
  // A third of the letters may be wrong, and at most three.
  let allowed = Math.min(3, Math.max(1, Math.floor(wanted.length / 3))) + 1;
  for (const word of words) {
    if (Math.abs(word.length - wanted.length) >= allowed) continue;
    const distance = mistakes(wanted, word.toLowerCase());
    if (distance < allowed) {
      best = word;
      allowed = distance;
    }
  }
  return best;
}

/** The word that a hint says was meant: ``Did you mean `volumes`?``; undefined when it says something else. */
export const meantBy = (hint: string | undefined): string | undefined =>
  /^Did you mean (`?)([^`\s]+)\1\?$/.exec(hint ?? '')?.[2];

/** Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours. */
function mistakes(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
