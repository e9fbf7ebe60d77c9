/** What clients say, checked: the frames of `ToServer`. */
import { observedViews, type ObservedView, type ToServer } from '#io/contract/live.ts';
import { isViewName, type ViewName } from '#projections/registry.ts';
import * as z from 'zod';

const sub = z
  .int()
  .min(0)
  .max(2 ** 31);
const index = z.int().min(0);
const text = z.string().min(1).max(512);
const cells = z.int().min(1).max(10_000);

const message = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('open'),
    sub,
    view: z.string().max(64),
    where: z
      .record(z.string().max(64), z.string().max(1024))
      .refine((where) => Object.keys(where).length <= 20, 'too many filters')
      .exactOptional(),
    at: index.exactOptional(),
    after: index.exactOptional(),
    epoch: z.string().max(64).exactOptional(),
    limit: z.int().min(1).max(1000).exactOptional(),
  }),
  z.strictObject({
    t: z.literal('logs'),
    sub,
    app: text,
    service: text.exactOptional(),
    tail: z.int().min(0).max(10_000).exactOptional(),
    since: index.exactOptional(),
    follow: z.boolean(),
  }),
  z.strictObject({
    t: z.literal('exec'),
    sub,
    app: text,
    service: text,
    command: z.array(z.string().max(65_536)).min(1).max(1000),
    tty: z.boolean(),
    columns: cells.exactOptional(),
    rows: cells.exactOptional(),
  }),
  z.strictObject({ t: z.literal('input'), sub, data: z.base64().exactOptional() }),
  z.strictObject({ t: z.literal('resize'), sub, columns: cells, rows: cells }),
  z.strictObject({ t: z.literal('close'), sub }),
  z.strictObject({ t: z.literal('ack'), index }),
]);

export type Heard =
  | { readonly message: ToServer }
  | {
      readonly wrong: string;
      /** Which subscription it was about, when that can be told. */
      readonly sub: number | undefined;
    };

export function readMessage(data: string): Heard {
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return { wrong: 'this is not JSON', sub: undefined };
  }
  const parsed = message.safeParse(json);
  if (parsed.success) return { message: parsed.data };
  const about = sub.safeParse((json as { sub?: unknown } | null)?.sub);
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  return {
    wrong: `${path === '' ? '' : `${path}: `}${issue?.message ?? 'not a frame of this protocol'}`,
    sub: about.success ? about.data : undefined,
  };
}

export const isObserved = (view: string): view is ObservedView => (observedViews as readonly string[]).includes(view);

/** Views that can be followed; `audit` is read through the history of an object. */
export const isFollowed = (view: string): view is Exclude<ViewName, 'audit'> => isViewName(view) && view !== 'audit';
