/** What the tools say of their use, and of a resume token. Pure. */

export interface StreamTools {
  /** `zfs receive -s`, `zfs send -t`. */
  readonly resume: boolean;
  /** `zfs send -L -e -c`. */
  readonly compressed: boolean;
  /** `zfs send -w`. */
  readonly raw: boolean;
  /** `zfs bookmark`. */
  readonly bookmarks: boolean;
  /** `zfs receive -o … -x …`. */
  readonly receivesSettings: boolean;
  /** `zfs send -n -P`. */
  readonly estimates: boolean;
}

/** @param usage what `zfs` says without arguments, in any version */
export function parseStreamTools(usage: string): StreamTools {
  const flags = (command: string): string =>
    [...usage.matchAll(new RegExp(`^\\s+${command} \\[-([A-Za-z]+)\\]`, 'gm'))].map(([, letters]) => letters).join('');
  const [send, receive] = [flags('send'), flags('receive')];
  const has = (letters: string, wanted: string) => [...wanted].every((one) => letters.includes(one));
  return {
    resume: has(receive, 's') && /^\s+send .*-t /m.test(usage),
    compressed: has(send, 'Lec'),
    raw: has(send, 'w'),
    bookmarks: /^\s+bookmark /m.test(usage),
    receivesSettings: /^\s+receive .*-o .*-x /m.test(usage),
    estimates: has(send, 'nP'),
  };
}

/** The line `size N` of `zfs send -nP`; it is not there when there is nothing to send. */
export const parseEstimate = (text: string): number | undefined => {
  const bytes = /^size\s+(\d+)$/m.exec(text)?.[1];
  return bytes === undefined ? undefined : Number(bytes);
};

/** `zfs send -nvt TOKEN`. @returns the guid of the snapshot that it makes, in decimal digits */
export function parseToken(text: string): string | undefined {
  const guid = /^\s*toguid = (0x[0-9a-f]+|\d+)$/m.exec(text)?.[1];
  return guid === undefined ? undefined : BigInt(guid).toString();
}
