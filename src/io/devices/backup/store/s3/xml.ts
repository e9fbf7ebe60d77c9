/**
 * What S3 answers, read strictly: flat lists and errors with known tags. Texts are keys that we wrote (which need no
 * escapes), numbers, dates and codes; what looks otherwise is refused and not guessed at.
 */

export interface ListPage {
  readonly objects: readonly { readonly key: string; readonly sizeBytes: number; readonly modifiedAt: number }[];
  /** Where the next page begins; undefined: this is the last one. */
  readonly next: string | undefined;
}

/** Of one page: a thousand keys are far less. */
export const maxXmlBytes = 8 * 1024 * 1024;

/** @returns undefined for what is no answer to a list */
export function parseList(xml: string): ListPage | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml) || !xml.trimEnd().endsWith('</ListBucketResult>')) return undefined;
  const objects = [];
  for (const [, content = ''] of xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
    const key = textIn(content, 'Key');
    const sizeBytes = Number(textIn(content, 'Size') ?? Number.NaN);
    const modifiedAt = Date.parse(textIn(content, 'LastModified') ?? '');
    if (key === undefined || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || Number.isNaN(modifiedAt))
      return undefined;
    objects.push({ key, sizeBytes, modifiedAt });
  }
  const isTruncated = textIn(xml, 'IsTruncated');
  const next = textIn(xml, 'NextContinuationToken');
  if (isTruncated === 'true') return next === undefined ? undefined : { objects, next };
  return isTruncated === 'false' || isTruncated === undefined ? { objects, next: undefined } : undefined;
}

/** @returns what an error says; empty where it says nothing */
export const parseError = (xml: string): { readonly code?: string; readonly message?: string } => {
  const body = /<Error>([\s\S]*?)<\/Error>/.exec(xml)?.[1] ?? '';
  const [code, message] = [textIn(body, 'Code'), textIn(body, 'Message')];
  return {
    ...(code !== undefined && /^[A-Za-z0-9.]{1,100}$/.test(code) ? { code } : {}),
    ...(message === undefined ? {} : { message: message.slice(0, 500) }),
  };
};

export const parseUploadId = (xml: string): string | undefined => textIn(xml, 'UploadId');
/** The checksum of a whole that was put together. */
export const parseETag = (xml: string): string | undefined => textIn(xml, 'ETag')?.replaceAll('"', '');

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  '#34': '"',
  '#39': "'",
};

/** @returns the text of the first such tag; undefined where there is none, or something is in it that is no text */
function textIn(xml: string, tag: string): string | undefined {
  const text = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
  if (text === undefined) return undefined;
  const plain = text.replaceAll(/&(#?\w{1,8});/g, (whole, name: string) => entities[name] ?? whole);
  return plain;
}
