/**
 * What a compose file becomes. `AppSpec` (in the events) is what decisions need, without secrets; a `Bundle` is what
 * the node's agent needs to run it, secrets included: it is stored as an encrypted blob and only its address is logged.
 */
import type { AppSpec } from '#events/app.ts';
import type { ContainerSettings } from '#events/values/container-settings.ts';
import type { EndpointSettings, NetworkSettings } from '#events/values/network-settings.ts';

/** One place in a file that the person wrote. Line and column count from 1. */
export interface Finding {
  /** `services.web.ports[0]`, or empty for the file as a whole. */
  readonly path: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** One sentence: what to do. */
  readonly hint?: string;
  /** The source around it with a caret under the place; several lines. */
  readonly frame: string;
}

export interface BundleService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  /** `KEY=value`, env_file first, `environment` over it; sorted by key. */
  readonly environment: readonly string[];
  /** The person's own labels; those of Compose and FloatLab are added by the agent. */
  readonly labels: Readonly<Record<string, string>>;
  readonly healthcheck?: {
    readonly test: readonly string[];
    readonly intervalMs?: number;
    readonly timeoutMs?: number;
    readonly startPeriodMs?: number;
    /** Between two checks in that time; engines before 25 take the usual interval. */
    readonly startIntervalMs?: number;
    readonly retries?: number;
  };
  /** Left out by bundles of versions before, and by services that say nothing of it. */
  readonly settings?: ContainerSettings;
  /** Networks of the app by their keys, in the order in which the container is put into them; left out: `default`. */
  readonly networks?: Readonly<Record<string, EndpointSettings>>;
}

/** A file from beside the compose file that a bind mount or an env_file names. */
export interface BundleFile {
  /** Normalized path inside the app's own folder. */
  readonly path: string;
  /** Base64. */
  readonly content: string;
  readonly mode: number;
}

export interface Bundle {
  readonly services: Readonly<Record<string, BundleService>>;
  /** Of those that are used, what the file says about them. */
  readonly networks?: Readonly<Record<string, NetworkSettings>>;
  /** Written into the app's folder volume (`appFolderVolume`) before the first start, where they are missing. */
  readonly files: readonly BundleFile[];
}

/** The volume that stands for the folder of the compose file: relative binds are paths inside it. */
export const appFolderVolume = 'folder';

/** Of one app, the first one included. */
export const maxComposeFiles = 100;

/** A file that is handed in beside the first one. Content is base64, as in a bundle: a file may be binary. */
export interface HandedIn {
  readonly content: string;
  readonly mode: number;
  /** A compose file that is merged over the first one: as the how-manieth, from 1. */
  readonly override?: number;
}

/** What the person hands in: the text as it is, and the files that it names, by normalized relative path. */
export interface ComposeInput {
  readonly fileName: string;
  readonly text: string;
  readonly files: Readonly<Record<string, HandedIn>>;
}

export interface ComposeApp {
  /** From the top-level `name`, or `x-floatlab.name` made into a name; undefined when the file has none. */
  readonly name: string | undefined;
  readonly spec: AppSpec;
  readonly bundle: Bundle;
  /** Things worth knowing that change nothing, for example an obsolete `version`. */
  readonly notes: readonly Finding[];
}

export type ComposeResult = { readonly app: ComposeApp } | { readonly findings: readonly Finding[] };
