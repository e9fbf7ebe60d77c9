/**
 * The lab as it will be once everything on its way has committed.
 *
 * The leader decides serially on this view, so that two commands in flight see one another. An actor's override goes
 * as soon as the committed lab has caught up with its version; a conflict or the end of the term throws all away.
 */
import type { Index, Kind, LabEvent, StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from './actor.ts';
import { advance, isLegal } from './advance.ts';
import { foldVersionIn, libraryOf } from './libraries.ts';
import { nameKey, nameOf } from './lab.ts';
import { refersTo } from './registry.ts';

export class Overlay implements LabView {
  readonly #base: LabView;
  /** A final actor here is one that will be gone. */
  readonly #changed = new Map<StreamId, ActorState>();

  constructor(base: LabView) {
    this.#base = base;
  }

  get index(): Index {
    return this.#base.index;
  }
  get at(): number {
    return this.#base.at;
  }
  get size(): number {
    return this.#changed.size;
  }

  /** What will be there, gone actors included: for versions. */
  peek(stream: StreamId): ActorState | undefined {
    return this.#changed.get(stream) ?? this.#base.get(stream);
  }

  /** Actors of a kind that are on their way, those that will be gone included: their events may still fail to come. */
  onTheWay(kind: Kind): readonly ActorState[] {
    return [...this.#changed.values()].filter((actor) => actor.kind === kind);
  }

  get<K extends Kind>(stream: StreamId<K>): ActorState<K> | undefined {
    const changed = this.#changed.get(stream) as ActorState<K> | undefined;
    if (!changed) return this.#base.get(stream);
    return changed.final ? undefined : changed;
  }

  list<K extends Kind>(kind: K): readonly ActorState<K>[] {
    return this.#merge(kind, this.#base.list(kind), () => true);
  }

  byName<K extends Kind>(kind: K, namespace: string, name: string): ActorState<K> | undefined {
    const key = nameKey(kind, namespace, name);
    for (const actor of this.#changed.values()) {
      if (actor.kind === kind && !actor.final && nameOf(actor) === key) return actor as ActorState<K>;
    }
    const found = this.#base.byName(kind, namespace, name);
    return found && this.#changed.has(found.stream) ? undefined : found;
  }

  referrers<K extends Kind>(to: StreamId, kind: K): readonly ActorState<K>[] {
    return this.#merge(kind, this.#base.referrers(to, kind), (actor) => refersTo(actor).includes(to));
  }

  /** @returns false when the event is not legal here; then nothing changed */
  advance(event: LabEvent): boolean {
    const before = this.peek(event.stream);
    const living = before?.final ? undefined : before;
    const library = libraryOf(foldVersionIn(this));
    if (!isLegal(living, event, library)) return false;
    const after = advance(living, event, library);
    if (!after || after.quarantined !== null) return false;
    this.#changed.set(event.stream, after);
    return true;
  }

  /** Takes over what a trial on top of this view has changed. */
  adopt(trial: Overlay): void {
    for (const [stream, actor] of trial.#changed) this.#changed.set(stream, actor);
  }

  /** The base has folded this version of the stream: the override has nothing to add when it is not ahead. */
  settle(stream: StreamId, version: number): void {
    const changed = this.#changed.get(stream);
    if (changed && changed.version <= version) this.#changed.delete(stream);
  }

  clear(): void {
    this.#changed.clear();
  }

  #merge<K extends Kind>(
    kind: K,
    base: readonly ActorState<K>[],
    wanted: (actor: ActorState) => boolean,
  ): readonly ActorState<K>[] {
    const changed = this.onTheWay(kind) as readonly ActorState<K>[];
    if (changed.length === 0) return base;
    return [
      ...base.filter((actor) => !this.#changed.has(actor.stream)),
      ...changed.filter((actor) => !actor.final && wanted(actor)),
    ].toSorted((a, b) => (a.stream < b.stream ? -1 : 1));
  }
}
