/**
 * Why a node has no leader although the others are there: they do not take it in. It was removed or replaced, it missed a
 * recovery of the lab, it is a copy of a node that runs, or it runs another version; or clocks are wrong
 * (`clock-outcast.ts`). It would wait for ever, so whoever looks at it is told.
 *
 * Those who refuse do not dial it, or it refuses them as they do: nobody comes to tell. So while nobody leads, it knocks.
 */
import type { ClusterStatus } from '#io/contract/cluster.ts';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import type { LinkCode, LinkError } from '../../links/errors.ts';
import type { Knocked } from './clock-call.ts';

export type Outcast = NonNullable<ClusterStatus['outcast']>;

export interface OutcastParts {
  /** Name of this node. */
  readonly name: string;
  readonly clock: Clock;
  knock(signal: AbortSignal): Promise<Knocked>;
  /** Whether their clocks are why. */
  byClock(clocks: Knocked['clocks']): Outcast | undefined;
  hasLeader(): boolean;
  /** Another reason than before, or none any more. */
  onChange(outcast: Outcast | undefined): void;
}

const firstMs = 300;
const everyMs = 5000;
/** What was said once is asked again soon: of a node that has just joined, another may not have heard yet. */
const againMs = 1000;
/** Some may be slow; those that are down say nothing. */
const knockMs = 4000;

/** @returns the way out */
export function keepOutcast({ name, clock, knock, byClock, hasLeader, onChange }: OutcastParts): () => void {
  const stop = new AbortController();
  let timer: Timer | undefined;
  let heard: Outcast | undefined;
  let told: Outcast | undefined;

  const look = async (): Promise<void> => {
    const knocked = hasLeader() ? nothing : await knock(AbortSignal.any([stop.signal, AbortSignal.timeout(knockMs)]));
    if (stop.signal.aborted) return;
    const outcast = hasLeader() ? undefined : (outcastBy(knocked.refusals, name) ?? byClock(knocked.clocks));
    const isSure = outcast?.code === heard?.code;
    heard = outcast;
    if (isSure && outcast?.code !== told?.code) {
      told = outcast;
      onChange(outcast);
    }
    lookIn(isSure ? everyMs : againMs);
  };
  const lookIn = (ms: number): void => {
    timer = clock.setTimeout(() => void look(), ms);
  };
  lookIn(firstMs);
  return () => {
    stop.abort();
    if (timer) clock.clearTimeout(timer);
  };
}

const nothing: Knocked = { refusals: [], clocks: new Map() };

/** One refusal says it: nobody who still follows the lab gives such an answer to a node of it. */
export function outcastBy(refusals: readonly LinkError[], name: string): Outcast | undefined {
  for (const { code } of refusals) {
    const said = words(code, name);
    if (said) return { code, ...said };
  }
  return undefined;
}

function words(code: LinkCode, name: string): Omit<Outcast, 'code'> | undefined {
  const anew =
    'empty its data directory, and let it join with a token that "floatlab node token" makes on another node.';
  switch (code) {
    case 'OLD_GENERATION':
      return {
        message: `Node ${name} missed a recovery of the lab: the others went on without it, in a later generation.`,
        hint:
          `Let it come back as a replacement: on another node run "floatlab node token --replaces ${name}"; ` +
          'here, empty the data directory and start with the line that this prints.',
      };
    case 'NOT_ADMITTED':
      return {
        message: `Node ${name} does not belong to the lab any more: it left, or was removed.`,
        hint: `If it should belong to it again: ${anew}`,
      };
    case 'WRONG_KEY':
    case 'WRONG_INCARNATION':
      return {
        message: `Another machine, or another disk, has taken the place of node ${name}: this one is not let in any more.`,
        hint: `Stop this one, if the other one runs. To take part again: ${anew}`,
      };
    case 'DUPLICATE_NODE':
      return {
        message: `Node ${name} runs already, and answers: this is a second one with its name and its keys.`,
        hint: `Was its data directory copied to this machine? Stop this one. To take part by itself: ${anew}`,
      };
    case 'PROTOCOL_TOO_OLD':
      return {
        message: `Node ${name} runs a version of FloatLab that is too old for the one that other nodes run.`,
        hint: 'Bring this machine to their version; its data directory stays as it is.',
      };
    case 'PROTOCOL_TOO_NEW':
      return {
        message: `Node ${name} runs a version of FloatLab that is too new for the one that other nodes run.`,
        hint:
          'Bring the other nodes to a version that speaks with this one (each speaks with the one before it), or start ' +
          'the former version here again.',
      };
    default:
      return undefined;
  }
}
