/** Where one is among the files of a volume: in the address, so that a link leads to the same place. */
export interface FilesSearch {
  /** From the root of the volume; the root when it is left out. */
  readonly path?: string | undefined;
  /** Left out: now. */
  readonly snapshot?: string | undefined;
  /** The newer one of two, or `now`: what is different is shown. */
  readonly compare?: string | undefined;
}

export function filesSearch(search: Record<string, unknown>): FilesSearch {
  const text = (key: string): string | undefined => {
    const value = search[key];
    // A name of digits arrives as a number.
    return typeof value === 'number' ? String(value) : typeof value === 'string' && value !== '' ? value : undefined;
  };
  const found = { path: text('path'), snapshot: text('snapshot'), compare: text('compare') };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
