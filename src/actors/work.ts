/**
 * Work: what a state that waits for the outside world asks of its node's agent. The agent runs the order while the
 * committed state asks for it; the outcome counts only for the visit (the version that entered the state).
 */
import type { AppSpec } from '#events/app.ts';
import type { Index, StreamId } from '#events/envelope.ts';
import type { ServiceStatus } from '#events/instance.ts';

export interface DatasetInput {
  readonly pool: string;
  readonly dataset: string;
}

export interface InstanceInput {
  readonly app: StreamId<'app'>;
  readonly namespace: string;
  readonly appName: string;
  readonly revision: number;
  readonly spec: AppSpec;
  readonly bundle: string;
  /** Where each volume of the specification is on the node. */
  readonly paths: Readonly<Record<string, string>>;
  /** What the lab knows of each service. */
  readonly services: Readonly<Record<string, ServiceStatus>>;
}

export interface WorkInput {
  'create-dataset': DatasetInput & { readonly sizeBytes: number };
  'rollback-dataset': DatasetInput & { readonly to: string; readonly stash: string };
  'destroy-dataset': DatasetInput;
  'take-snapshot': DatasetInput & { readonly name: string };
  'remove-snapshot': DatasetInput & { readonly name: string };
  'start-instance': InstanceInput;
  'watch-instance': InstanceInput;
  'halt-instance': InstanceInput;
  'stop-instance': InstanceInput;
}
export type WorkName = keyof WorkInput;

export type WorkOrder<W extends WorkName = WorkName> = {
  [N in W]: {
    readonly work: N;
    readonly subject: StreamId;
    readonly visit: number;
    readonly node: StreamId<'node'>;
    /** The index of the assignment that this work serves; whoever holds an older one is refused. */
    readonly epoch: Index;
    /** The event that asked for it, and the operation behind that. */
    readonly cause: string;
    readonly correlation: string;
    readonly input: WorkInput[N];
  };
}[W];
