/**
 * What `up` shows while it waits: a line for each thing that is done, said once, and what is going on now. Pure: rows
 * and the time go in, lines come out.
 *
 * ```text
 * ✓ volume photos-db   created on atlas            0.1 s
 * ✓ db                 healthy                     4.2 s
 * ```
 */
import type { WorkRow } from '#io/contract/live.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { formatSize } from '#events/values/size.ts';
import { tookWords } from './output/words.ts';
import { cutTo, padEnd, padStart } from './output/width.ts';
import { isAwaited, workWords } from './work-words.ts';

export interface DeployLine {
  readonly what: string;
  readonly how: string;
  readonly good: boolean;
  readonly tookMs: number;
}

export interface Seen {
  readonly app: AppRow | undefined;
  readonly volumes: readonly VolumeRow[];
  readonly work: readonly WorkRow[];
}

export class DeployProgress {
  readonly #startedAt: number;
  readonly #operation: string;
  readonly #before: AppRow | undefined;
  readonly #said = new Set<string>();

  /** @param before the app as it was, and the volumes that were ready then: nothing of that is news */
  constructor(operation: string, startedAt: number, before: AppRow | undefined, readyVolumes: readonly string[]) {
    this.#operation = operation;
    this.#startedAt = startedAt;
    this.#before = before;
    for (const id of readyVolumes) this.#said.add(id);
  }

  /** @returns the lines that are new */
  lines({ app, volumes }: Omit<Seen, 'work'>, now: number): readonly DeployLine[] {
    const lines: DeployLine[] = [];
    const say = (key: string, what: string, how: string, good: boolean): void => {
      if (this.#said.has(key)) return;
      this.#said.add(key);
      lines.push({ what, how, good, tookMs: now - this.#startedAt });
    };
    const own = new Set<string>(app?.volumes.map(({ id }) => id));
    for (const { id, name, state, node } of volumes.filter((volume) => own.has(volume.id))) {
      if (state === 'ready') say(id, `volume ${name}`, node ? `created on ${node.name}` : 'created', true);
      if (state === 'failed') say(`${id} failed`, `volume ${name}`, 'failed', false);
    }
    if (!app || !this.#isNew(app)) return lines;
    for (const [name, { state }] of Object.entries(app.services)) {
      if (settled.has(state)) say(`service ${name}`, name, state, !bad.has(state));
    }
    return lines;
  }

  /** What goes on now, in words; undefined when nothing is known. */
  now({ app, work }: Seen): string | undefined {
    const own = work.filter((row) => row.correlation === this.#operation || row.app === app?.id);
    const [first, ...others] = own.filter(isAwaited);
    if (first) {
      const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
      return `${workWords(first)}${amountOf(first)}${more}`;
    }
    return app?.delay ? `waits: ${app.delay.message}` : undefined;
  }

  /** The instance of this deployment, not the one before it. */
  #isNew(app: AppRow): boolean {
    return app.instance?.state === 'running' && app.instance.epoch !== this.#before?.instance?.epoch;
  }
}

const settled: ReadonlySet<string> = new Set(['running', 'healthy', 'completed', 'unhealthy', 'exited']);
const bad: ReadonlySet<string> = new Set(['unhealthy', 'exited']);

function amountOf({ done, total }: WorkRow): string {
  if (done === undefined || total === undefined || total === 0) return '';
  return `  ${formatSize(done)} of ${formatSize(total)}`;
}

/** At most 60 columns. */
export const lineText = ({ what, how, tookMs }: DeployLine): string =>
  `${padEnd(cutTo(what, 24), 24)}  ${padEnd(cutTo(how, 24), 24)}  ${padStart(tookWords(tookMs), 8)}`;
