/** What S3 says, as an IoError with what a person does about it. */
import { storeError } from '../port.ts';
import type { IoError, IoErrorCode } from '../../../error.ts';
import { parseError } from './xml.ts';

export interface Answer {
  readonly status: number;
  /** Of the store's clock, where it said one. */
  readonly date: number | undefined;
  readonly body: string;
}

const byCode: Readonly<Record<string, readonly [IoErrorCode, hint: string]>> = {
  InvalidAccessKeyId: [
    'PERMISSION',
    'The store does not know this access key: enter it anew, or make another one there.',
  ],
  SignatureDoesNotMatch: ['PERMISSION', 'The secret key is wrong, or the region: enter them anew.'],
  AccessDenied: ['PERMISSION', 'Let this key read, write, list and delete in the bucket.'],
  AllAccessDisabled: ['PERMISSION', 'The account is disabled: ask whoever runs the store.'],
  ExpiredToken: ['PERMISSION', 'The session has ended: enter new keys.'],
  InvalidToken: ['PERMISSION', 'The session token is wrong: enter new keys.'],
  AuthorizationHeaderMalformed: ['PERMISSION', 'The region is wrong: enter that of the bucket.'],
  NoSuchBucket: ['MISSING', 'Make the bucket, or correct its name.'],
  NoSuchKey: ['MISSING', 'The object is not there.'],
  PermanentRedirect: ['INVALID', 'The bucket is in another region: enter the endpoint and region of the bucket.'],
  InvalidBucketName: ['INVALID', 'Correct the name of the bucket.'],
  QuotaExceeded: ['NO_SPACE', 'Free space in the store, or raise its quota.'],
  XMinioStorageFull: ['NO_SPACE', 'Free space in the store.'],
  InsufficientStorage: ['NO_SPACE', 'Free space in the store.'],
  EntityTooLarge: ['INVALID', 'The store takes only smaller objects: make packs smaller.'],
  BadDigest: ['DAMAGED', 'What arrived is not what was sent: look at the network.'],
  XAmzContentSHA256Mismatch: ['DAMAGED', 'What arrived is not what was sent: look at the network.'],
};

const byStatus: Readonly<Record<number, readonly [IoErrorCode, hint: string]>> = {
  401: ['PERMISSION', 'Enter the keys anew.'],
  403: ['PERMISSION', 'Look at the keys, and at what they may do in the bucket.'],
  404: ['MISSING', 'Look at the endpoint and the name of the bucket.'],
  416: ['INVALID', 'The object is shorter than that.'],
  507: ['NO_SPACE', 'Free space in the store.'],
};

/** Whether the same request may succeed a moment later. */
export const isPassing = ({ status, body }: Answer): boolean =>
  status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 507) || isCode(body, passing);
const passing = [
  'SlowDown',
  'RequestTimeout',
  'InternalError',
  'ServiceUnavailable',
  'OperationAborted',
  'ConditionalRequestConflict',
];

const isCode = (body: string, codes: readonly string[]): boolean => codes.includes(parseError(body).code ?? '');

export function s3Error(op: string, target: string, where: string, answer: Answer, now: number): IoError {
  const { code, message } = parseError(answer.body);
  const said = [`${answer.status}`, code, message].filter(Boolean).join(', ');
  if (code === 'RequestTimeTooSkewed' || code === 'RequestExpired') return skewed(op, target, where, answer, now);
  const [ioCode, hint] = byCode[code ?? ''] ??
    byStatus[answer.status] ?? ['FAILED', 'Look at the store, then try again.'];
  return storeError(ioCode, op, target, `${where} refused to ${op} ${target}: ${said}`, hint);
}

/** Signatures are good for a quarter of an hour; a clock that is wrong heals without anybody entering other keys. */
function skewed(op: string, target: string, where: string, { date }: Answer, now: number): IoError {
  const minutes = date === undefined ? undefined : Math.round((now - date) / 60_000);
  const by =
    minutes === undefined ? '' : ` by ${Math.abs(minutes)} minutes (this one is ${minutes > 0 ? 'ahead' : 'behind'})`;
  const message = `${where} refused to ${op} ${target}: its clock and that of this machine differ${by}`;
  return storeError('FAILED', op, target, message, 'Set the clock of this machine; better, let NTP keep it.');
}
