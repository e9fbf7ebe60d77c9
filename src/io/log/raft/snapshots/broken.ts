/** The first place of a file that is not as it was made. */
import { StoreError } from '../../../stores/port.ts';

export interface Broken {
  readonly file: string;
  /** In bytes: what is before it is intact. */
  readonly offset: number;
  /** What is wrong there, as half a sentence: "its checksum does not match". */
  readonly explain: string;
}

export const damaged = ({ file, offset, explain }: Broken, hint: string): StoreError =>
  new StoreError('DAMAGED', `${file} is damaged at byte ${offset}: ${explain}`, hint);
