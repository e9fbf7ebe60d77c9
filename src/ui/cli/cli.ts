/** One run of the command line: its world, its output, and the lab that it talks to, connected when it is needed. */
import { problemOf } from '#io/contract/problem.ts';
import type { Command } from 'commander';
import { createLiveClient, type LiveClient } from '#ui/client/live.ts';
import { liveUrl } from '#ui/client/live-ports.ts';
import { createRestClient, type RestClient } from '#ui/client/rest.ts';
import { addressed } from './advice.ts';
import { openHttp } from './connect/http.ts';
import { openSocket } from './connect/socket.ts';
import { contextsPath, loadContexts } from './contexts.ts';
import { leaderlessOf, type Leaderless } from './leaderless.ts';
import { namespaceFor, refOf, type Ref } from './options.ts';
import { Printer } from './output/printer.ts';
import { labWords, refusePlainHttp, resolveSettings, type Settings, type SettingsOptions } from './settings.ts';
import type { World } from './world.ts';

/** With their pauses about two seconds. */
const mostFailures = 4;

interface InNamespace {
  readonly namespace?: string;
}

export interface Lab {
  readonly settings: Settings;
  readonly rest: RestClient;
  /** What a name means here, as `refOf` says; hints repeat the namespace when they must. */
  ref(text: string, options: InNamespace): Ref;
  /** The namespace that is meant; undefined when nobody says one. */
  namespace(options: InNamespace): string | undefined;
  /** The live connection, opened by the first call, and by the next one after it has closed. */
  live(): LiveClient;
  close(): Promise<void>;
}

export class Cli {
  readonly world: World;
  readonly print: Printer;
  readonly contextsPath: string;
  /** What the run ends with when nothing is thrown. */
  exitCode = 0;
  /** All commands, once they are made: what a sentence may name. */
  program: Command | undefined;
  readonly #labs: Lab[] = [];
  /** What a command would mean that says nothing, and what this run means. */
  #usualNamespace = 'default';
  /** Asked once in a run, as soon as an answer says that its node knows no leader. */
  #leaderless: Promise<Leaderless | undefined> | undefined;
  #saysLeaderless = false;
  #namespace: string | undefined;
  #labWords: string | undefined;

  constructor(world: World) {
    this.world = world;
    this.print = new Printer(world, (text) => this.advise(text));
    this.contextsPath = contextsPath(world);
  }

  /** The lab that the options, the environment and the contexts name. */
  async lab(options: SettingsOptions): Promise<Lab> {
    const contexts = await loadContexts(this.contextsPath);
    const settings = resolveSettings(options, this.world.env, contexts);
    this.#labWords = labWords(settings, options, this.world.env, contexts);
    this.#usualNamespace = settings.namespace ?? 'default';
    return this.labOf(settings);
  }

  /** The commands in a sentence as they have to be given here. @param namespace what the sentence is about */
  advise(text: string, namespace = this.#namespace): string {
    if (!this.program) return text;
    const isUsual = namespace === undefined || namespace === '' || namespace === this.#usualNamespace;
    return addressed(text, this.program, { namespace: isUsual ? undefined : namespace, lab: this.#labWords });
  }

  labOf(settings: Settings): Lab {
    const { server, token, ca } = settings;
    if (token !== undefined) refusePlainHttp(server);
    const http = openHttp(ca);
    const rest = createRestClient({
      baseUrl: server,
      fetch: http.fetch,
      ...(token === undefined ? {} : { token }),
      onStale: () => this.#askWhyStale(rest),
    });
    let live: LiveClient | undefined;
    const lab: Lab = {
      settings,
      rest,
      ref: (text, inNamespace) => {
        const ref = refOf(text, inNamespace, settings);
        this.#namespace = ref.namespace ?? 'default';
        return ref;
      },
      namespace: (inNamespace) => {
        const namespace = namespaceFor(inNamespace, settings);
        this.#namespace = namespace ?? this.#namespace;
        return namespace;
      },
      live: () => {
        if (!live || live.status().state === 'closed') live = this.#openLive(settings);
        return live;
      },
      close: async () => {
        live?.close();
        await http.close();
      },
    };
    this.#labs.push(lab);
    return lab;
  }

  /**
   * For a command that says it itself, where it is read first: then there is no warning.
   * @returns a function that says, once all was read, why the node knows no leader; undefined when it knows one
   */
  saysLeaderless(): () => Promise<Leaderless | undefined> {
    this.#saysLeaderless = true;
    return async () => this.#leaderless;
  }

  /** Once in a run: the same is true of all that it shows. */
  #askWhyStale(rest: RestClient): void {
    this.#leaderless ??= leaderlessOf(rest, this.world.interrupt).then((leaderless) => {
      if (leaderless && !this.#saysLeaderless) {
        this.print.labelled('warning: ', `${leaderless.what} This is what it knew last. ${leaderless.hint}`);
      }
      return leaderless;
    });
  }

  /** Gives up when it never opens; once it has been open, goes on trying and says so. */
  #openLive({ server, token, ca }: Settings): LiveClient {
    const live = createLiveClient({ url: liveUrl(server), connect: (url) => openSocket(url, { token, ca }) });
    let wasOpen = false;
    let isLost = false;
    live.onStatus(({ state, failures }) => {
      if (state === 'open') {
        if (isLost) this.print.talk(`${server} is there again.`);
        [wasOpen, isLost] = [true, false];
      } else if (state === 'connecting' && wasOpen && !isLost) {
        isLost = true;
        this.print.talk(`The connection to ${server} was lost: trying again.`);
      } else if (state === 'connecting' && !wasOpen && failures >= mostFailures) {
        live.close(
          problemOf('NOT_READY', `The live connection to ${server} cannot be opened.`, {
            hint: 'Does a proxy in between pass WebSockets on?',
          }),
        );
      }
    });
    return live;
  }

  async close(): Promise<void> {
    await this.#leaderless;
    await Promise.all(this.#labs.map((lab) => lab.close()));
  }
}
