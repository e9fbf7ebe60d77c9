/** The first place of a file that is not as it was made. */
import { StoreError } from '../../../stores/port.ts';

export interface Broken {
  readonly file: string;
  /** In bytes: what is before it is intact. */
  readonly offset: number;
  /** What is wrong there, as half a sentence: "its checksum does not match". */
  readonly explain: string;
}

/** Of a place that is unreadable, not wrong. */
export const cannotRead = 'the disk cannot read what stands there';

/**
 * What a read that failed says about its file: it is not here, or not all of it can be read any more.
 * @throws the error itself, if it says something else
 */
export function explainRead(error: unknown): string {
  if (error instanceof StoreError && error.code === 'MISSING') return 'it is not here';
  if (error instanceof StoreError && error.code === 'DAMAGED') return cannotRead;
  throw error;
}

export const damaged = ({ file, offset, explain }: Broken, hint: string): StoreError =>
  new StoreError('DAMAGED', `${file} is damaged at byte ${offset}: ${explain}`, hint);
