/** What the requests of `rest.ts` take, and what the check of a compose file answers. */
import type { CommandInputs } from '#actors/commands.ts';
import type { Finding } from '#actors/compose/model.ts';
import type { Query } from './request.ts';
export interface Named {
  /** Left out: `default`. */
  readonly namespace?: string | undefined;
  readonly name: string;
}
export interface At {
  /** An index, or a time in ISO 8601; left out: now. */
  readonly at?: string | number | undefined;
}
export interface Abortable {
  readonly signal?: AbortSignal | undefined;
}
export interface RunOptions extends Abortable {
  readonly dryRun?: boolean | undefined;
  readonly idempotencyKey?: string | undefined;
}
export interface ListOptions extends At, Abortable {
  /** What the path needs: the volume of its snapshots. */
  readonly params?: Readonly<Record<string, string | undefined>>;
  readonly filters?: Query;
  /** Rows of one page. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}
/** An object by its name, its id, or `volume@snapshot`; by kind and namespace where the name alone is not enough. */
export interface WhyOf {
  readonly item: string;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
}

export interface EventRange extends Abortable {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit?: number | undefined;
  readonly correlation?: string | undefined;
}
export interface LogRange extends Abortable {
  readonly service?: string | undefined;
  readonly tail?: number | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
}
export interface ComposeText {
  /** The app that it is for, when the file does not say: without `files`, those of its last revision count. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly fileName?: string | undefined;
  readonly compose: string;
  readonly files?: CommandInputs['deploy-app']['files'] | undefined;
}
/** What `validate-compose` finds: `findings` are errors, `notes` change nothing. */
export interface ComposeVerdict {
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
  readonly name?: string;
  /** Files of the last revision that would be kept, because none were sent. */
  readonly files?: readonly string[];
}
