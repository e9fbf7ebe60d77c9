/** What a list keeps in the URL. */
export interface ListSearch {
  readonly q?: string;
  readonly state?: string;
  readonly sort?: string;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

export function listSearch(search: Record<string, unknown>): ListSearch {
  const [q, state, sort] = [text(search['q']), text(search['state']), text(search['sort'])];
  return {
    ...(q === undefined ? {} : { q }),
    ...(state === undefined ? {} : { state }),
    ...(sort === undefined ? {} : { sort }),
  };
}
