/**
 * The one way in: parse → authorize → decide → legality.
 *
 * Pure. A command becomes an entry to append and the events that it will be (on the overlay, for whoever decides
 * next, and for a dry run), or a rejection. What the decision relied on goes into `expect` (see `recording`), so that
 * apply refuses an entry whose ground has moved.
 */
import {
  asIndex,
  type Entry,
  type Evidence,
  type Kind,
  type LabEvent,
  type Principal,
  type StreamId,
} from '#events/envelope.ts';
import { registry } from '#events/registry.ts';
import type * as z from 'zod';
import { allows } from './access/scope.ts';
import type { ActorState, Decision, LabView, Step } from './actor.ts';
import { commandDef, isCommandName } from './decisions.ts';
import { idFrom } from './ids.ts';
import { nameKey, nameOf } from './lab.ts';
import { Overlay } from './overlay.ts';
import { reject, type Rejection } from './rejection.ts';

export interface Request {
  /** Id of the command; a retry carries the same one. */
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  readonly by: Principal;
  /** The event or command that led here; the command itself when a person began it. */
  readonly cause?: string;
  readonly correlation?: string;
  readonly because?: Evidence;
}

export interface Prepared {
  readonly entry: Entry;
  /** What the events will do if nothing comes between; their indices are a forecast. */
  readonly steps: readonly Step[];
  /** Bytes that must be durable before the entry is appended. */
  readonly blobs: readonly Uint8Array[];
  /** What will be different, where the events do not say it. */
  readonly changes: readonly string[];
}

export interface Tools {
  readonly now: number;
  /** Index of the last event that is committed or on its way. */
  readonly head: number;
  /** The blob store's address of bytes. */
  address(bytes: Uint8Array): string;
  /** Bytes of an address that `readsOf` named; undefined when they are not to be had. */
  content(address: string): Uint8Array | undefined;
}

export type Outcome = { readonly prepared: Prepared } | { readonly unchanged: true } | { readonly rejected: Rejection };

/** Addresses of the blobs that `dispatch` will ask for, on this view of the lab. */
export function readsOf({ name, input }: Pick<Request, 'name' | 'input'>, view: LabView): readonly string[] {
  const def = isCommandName(name) ? commandDef(name) : undefined;
  if (!def?.reads) return [];
  const parsed = def.schema.safeParse(input);
  return parsed.success ? def.reads(parsed.data as never, view) : [];
}

/** Decides a command on the lab as it will be. The overlay is advanced only when the outcome is `prepared`. */
export function dispatch(request: Request, overlay: Overlay, tools: Tools): Outcome {
  if (!isCommandName(request.name)) return reject('INVALID', `There is no command ${request.name}.`);
  const def = commandDef(request.name);
  const parsed = def.schema.safeParse(request.input);
  if (!parsed.success) return { rejected: invalid(parsed.error) };
  const read = new Map<StreamId, number>();
  const view = recording(overlay, read);
  if (!allows(request.by, def.scope(parsed.data as never, view))) {
    return reject('FORBIDDEN', `${request.by} may not ${request.name}.`, 'Ask an administrator of the lab.');
  }

  const blobs: Uint8Array[] = [];
  const ask = {
    input: parsed.data as never,
    by: request.by,
    now: tools.now,
    id: (n: number) => idFrom(request.id, n),
    blob: (bytes: Uint8Array) => {
      blobs.push(bytes);
      return tools.address(bytes);
    },
    content: (address: string) => tools.content(address),
  };
  const decision = def.decide(ask, view);
  if ('rejected' in decision) return decision;
  if (decision.drafts.length === 0) return { unchanged: true };
  return prepare(request, decision, read, blobs, overlay, tools);
}

function prepare(
  request: Request,
  { drafts, changes = [] }: Exclude<Decision, { rejected: unknown }>,
  read: ReadonlyMap<StreamId, number>,
  blobs: readonly Uint8Array[],
  overlay: Overlay,
  tools: Tools,
): Outcome {
  const operation = drafts.find(({ type }) => type === 'operation.started');
  const expect = new Map(read);
  for (const { stream } of drafts) expect.set(stream, versionOf(overlay.peek(stream)));
  const asked: Entry = {
    command: request.id,
    by: request.by,
    cause: request.cause ?? request.id,
    correlation: request.correlation ?? operation?.stream ?? request.id,
    at: Math.max(tools.now, overlay.at),
    expect: [...expect],
    ...(request.because === undefined ? {} : { because: request.because }),
    drafts: drafts.map((draft) => ({ ...draft, schema: registry[draft.type].schema })),
  };
  const trial = new Overlay(overlay);
  const steps: Step[] = [];
  for (const [n, event] of eventsOf(asked, tools.head, trial).entries()) {
    checkData(event);
    const before = trial.peek(event.stream);
    if (!trial.advance(event)) return { rejected: refusal(event, before, n) };
    steps.push({ event, before, after: trial.peek(event.stream) });
  }
  overlay.adopt(trial);
  const streams = new Set(drafts.map(({ stream }) => stream));
  const ends = [...streams].filter((stream) => trial.peek(stream)?.final);
  const entry = ends.length === 0 ? asked : { ...asked, ends };
  return { prepared: { entry, steps, blobs, changes } };
}

/** The events of an entry that is appended after `head`, versions by the view. */
function eventsOf(entry: Entry, head: number, view: Overlay): LabEvent[] {
  const versions = new Map<StreamId, number>();
  const { drafts, expect: _, ...stamp } = entry;
  return drafts.map((draft, n) => {
    const version = (versions.get(draft.stream) ?? versionOf(view.peek(draft.stream))) + 1;
    versions.set(draft.stream, version);
    return { ...draft, ...stamp, id: `${entry.command}/${n}`, version, index: asIndex(head + n + 1) } as LabEvent;
  });
}

/** As the log counts: a stream that has ended is one that never was. */
const versionOf = (actor: ActorState | undefined): number => (actor && !actor.final ? actor.version : 0);

/** A decision that drafts data against its own schema is a broken program, not a refusal. */
function checkData(event: LabEvent): void {
  const schema: z.ZodType = registry[event.type].data;
  const checked = schema.safeParse(event.data);
  if (!checked.success) throw new Error(`draft of ${event.type} is not of its schema: ${checked.error.message}`);
}

function invalid(error: z.ZodError): Rejection {
  const fields = error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join('.'), message }));
  const first = fields[0];
  return {
    code: 'INVALID',
    explain: first ? `${first.path === '' ? 'The input' : first.path}: ${first.message}.` : 'The input is not valid.',
    fields,
  };
}

function refusal(event: LabEvent, actor: ActorState | undefined, n: number): Rejection {
  if (!actor) throw new Error(`draft ${n}: ${event.type} for ${event.stream}, which does not exist`);
  const name = actor.context.metadata.name;
  if (actor.quarantined !== null) {
    return {
      code: 'QUARANTINED',
      explain: `${capital(actor.kind)} ${name} is quarantined: ${actor.quarantined}.`,
      hint: 'Upgrade FloatLab; a newer version folds its history again.',
    };
  }
  const state = actor.snapshot.machine.states[actor.state];
  const accepted = state ? Object.keys(state.on).filter((type) => !type.startsWith('xstate.')) : [];
  return {
    code: 'NOT_NOW',
    explain: `${capital(actor.kind)} ${name} is ${actor.state}; ${event.type} is not possible now.`,
    hint:
      accepted.length === 0
        ? 'Nothing can happen to it any more.'
        : `Wait for it to change; it now accepts ${accepted.join(', ')}.`,
  };
}

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

/**
 * The lab as a decision sees it; notes the versions of what it relied on.
 *
 * What is committed does not change under a decision: there is one decider, it decides one command after the other, and
 * entries are appended in that order. What is on its way may fail to come, though (its blobs find no room), and what
 * was decided on it is appended all the same. So everything on its way that had a say in an answer is noted, and
 * above all in a miss: by name, whoever has it or gave it up; in a list and among referrers, all of that kind.
 */
function recording(view: Overlay, read: Map<StreamId, number>): LabView {
  const note = (actors: readonly (ActorState | undefined)[]): void => {
    for (const actor of actors) if (actor) read.set(actor.stream, versionOf(actor));
  };
  return {
    index: view.index,
    at: view.at,
    get: (stream) => {
      note([view.peek(stream)]);
      return view.get(stream);
    },
    byName: <K extends Kind>(kind: K, namespace: string, name: string) => {
      const key = nameKey(kind, namespace, name);
      const found = view.byName(kind, namespace, name);
      note([found, ...view.onTheWay(kind).filter((actor) => nameOf(actor) === key)]);
      return found;
    },
    list: (kind) => {
      note(view.onTheWay(kind));
      return view.list(kind);
    },
    referrers: (to, kind) => {
      note(view.onTheWay(kind));
      return view.referrers(to, kind);
    },
  };
}
