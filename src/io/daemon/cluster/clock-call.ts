/**
 * What time is it? Asked over a link that an expired certificate still opens: by a node that nobody links, to find out
 * whether its clock is why. It says what its own clock shows, so that the others find out, too.
 */
import * as z from 'zod';
import type { Clock } from '../../devices/clock/port.ts';
import { limit } from '../../lab/limited.ts';
import type { Methods } from '../../links/calls.ts';
import { CallError } from '../../links/calls.ts';
import { LinkError } from '../../links/errors.ts';
import type { Mesh } from '../../links/mesh.ts';

const method = 'clock';
/** A node that has no leader asks every few seconds. */
const rate = { perSecond: 1, burst: 20 };
const shown = z.object({ now: z.int().min(0) });

const pack = (clock: Clock): Buffer => Buffer.from(JSON.stringify({ now: Math.floor(clock.now()) }));
const parse = (bytes: Uint8Array): number => shown.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).now;

/** @param heard what the clock of a node shows, as it has just said; ms since 1970 */
export function answerClock(methods: Methods, clock: Clock, heard: (node: string, now: number) => void): void {
  const admit = limit(rate, clock);
  methods.handle(method, async (body, { node }) => {
    admit(node);
    heard(node, parse(body));
    return pack(clock);
  });
}

/** What everybody else answered who is there. */
export interface Knocked {
  /** What they have against this node. */
  readonly refusals: readonly LinkError[];
  /** What their clocks showed, ms since 1970, by node; not of a version that does not answer that. */
  readonly clocks: ReadonlyMap<string, number>;
}

/** Knocks at everybody, once: those who do not let this node in would not tell it by themselves. */
export async function knock(
  mesh: Pick<Mesh, 'nodes' | 'callOnce'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Knocked> {
  const [refusals, clocks]: [LinkError[], Map<string, number>] = [[], new Map()];
  await Promise.all(
    mesh.nodes.map(async (node) => {
      try {
        clocks.set(node, parse(await mesh.callOnce(node, 'renew', method, pack(clock), signal)));
      } catch (error) {
        if (error instanceof LinkError && error.isTheirs) refusals.push(error);
        else if (!(error instanceof LinkError || error instanceof CallError || isNoAnswer(error))) throw error;
      }
    }),
  );
  return { refusals, clocks };
}

const isNoAnswer = (error: unknown): boolean => error instanceof z.ZodError || error instanceof SyntaxError;
