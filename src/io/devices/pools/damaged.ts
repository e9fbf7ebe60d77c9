/** The error of every parser of reports: a pool whose report cannot be read has no verdict, least of all a good one. */
import { IoError } from '../error.ts';

export function damaged(op: string, target: string, what: string, near?: string): IoError {
  const where = near === undefined ? '' : ` near ${JSON.stringify(near.slice(0, 200))}`;
  return new IoError('DAMAGED', {
    op,
    target,
    message: `the answer of ${op} about ${target} could not be read: ${what}${where}`,
    hint: 'Run the command by hand; tell the authors of FloatLab when its answer looks right.',
  });
}
