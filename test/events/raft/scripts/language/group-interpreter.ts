/** The commands of scripts about a group of members; `README.md` beside the scripts lists them for their readers. */
import { configurationOf, noMembers } from '#events/raft/configuration.ts';
import { asPeer, noBytes, type Entry, type PeerId } from '#events/raft/entry.ts';
import type { Message, MessageType } from '#events/raft/message.ts';
import type { Refused } from '#events/raft/raft.ts';
import { changeOf } from './changes.ts';
import { Disk } from './disk.ts';
import { Group } from './group.ts';
import type { MemberOptions } from './member.ts';
import { configurationLine, logLine, messageLine, placed, progressLines, statusLine } from './print.ts';
import type { Interpreter } from './script.ts';
import { optionsOf } from './settings.ts';
import { numberOf, peersOf, placeOf, termsOf, watermarkOf, Words } from './words.ts';

type Command = (group: Group, words: Words) => readonly string[] | void;

export function groupInterpreter(): Interpreter {
  let group = new Group();
  let options: MemberOptions | undefined;

  const setup: Record<string, Command> = {
    group(_, words) {
      group = new Group();
      options = optionsOf(words);
      const voters = words.peersNamed('voters') ?? [];
      const learners = words.peersNamed('learners') ?? [];
      const start = startOf(words, configurationOf(voters, learners));
      for (const id of [...voters, ...learners]) group.add(id, new Disk(start), options);
    },
    member(_, words) {
      const id = asPeer(words.next('who'));
      const voters = words.peersNamed('voters');
      const learners = words.peersNamed('learners');
      const known = group.ids.includes(id) ? group.member(id).disk.snapshot.configuration : noMembers;
      const configuration = voters || learners ? configurationOf(voters ?? [], learners) : known;
      group.add(id, new Disk(startOf(words, configuration)), optionsOf(words, options));
    },
  };

  return (line) => {
    const words = new Words(line);
    const command = setup[words.verb] ?? commands[words.verb];
    if (!command) throw new Error(`there is no command ${words.verb}`);
    const lines = command(group, words) ?? [];
    words.end();
    group.check();
    return lines;
  };
}

/** `log=1*3,2 commit=3 term=2 vote=1 snapshot=5@1 base=3@1 suspect=9@2/3` */
function startOf(
  words: Words,
  configuration: ReturnType<typeof configurationOf>,
): ConstructorParameters<typeof Disk>[0] {
  const snapshot = placeOf(words.named('snapshot') ?? '0@0');
  const base = placeOf(words.named('base') ?? placed(snapshot));
  const entries = termsOf(words.named('log') ?? '').map((term, at): Entry => ({
    type: 'data',
    term,
    index: base.index + 1 + at,
    data: noBytes,
  }));
  const term = words.numberNamed('term') ?? entries.at(-1)?.term ?? snapshot.term;
  const vote = words.named('vote');
  const suspect = words.named('suspect');
  return {
    hardState: { term, vote: vote === undefined ? undefined : asPeer(vote), commit: words.numberNamed('commit') ?? 0 },
    snapshot: { ...snapshot, configuration },
    base,
    entries,
    ...(suspect !== undefined && { suspect: watermarkOf(suspect) }),
  };
}

const commands: Record<string, Command> = {
  /** To begin with: an election that is not what the script is about. */
  lead(group, words) {
    const id = asPeer(words.next('who'));
    group.member(id).up.campaign();
    group.stabilize(group.ids);
    return [statusLine(group.member(id).up)];
  },

  // What time, people and programs ask for.
  campaign: (group, words) => each(group, words, (id) => group.member(id).up.campaign()),
  tick(group, words) {
    const ids = someOf(group, words);
    const times = words.hasNext ? numberOf(words.next('how often')) : 1;
    for (let at = 0; at < times; at++) for (const id of ids) group.member(id).up.tick();
  },
  propose(group, words) {
    const { up, id } = group.member(asPeer(words.next('who')));
    const size = words.numberNamed('bytes');
    const texts = size === undefined ? words.rest() : words.rest().map((text) => text.repeat(size));
    const answer = up.propose(texts.map((text) => new TextEncoder().encode(text)));
    return 'refused' in answer ? [refusalLine(id, answer)] : [];
  },
  change(group, words) {
    const { up, id } = group.member(asPeer(words.next('who')));
    const answer = up.proposeChange(changeOf(words), noBytes);
    return 'refused' in answer ? [refusalLine(id, answer)] : [];
  },
  transfer: (group, words) => group.member(asPeer(words.next('who'))).up.transferTo(asPeer(words.next('to whom'))),
  'forget-leader': (group, words) => each(group, words, (id) => group.member(id).up.forgetLeader()),
  read: (group, words) => group.member(asPeer(words.next('who'))).up.read(words.next('name of the read')),

  // What the driver does.
  ready: (group, words) => someOf(group, words).flatMap((id) => group.member(id).ready()),
  store(group, words) {
    const silently = words.flag('silently');
    return someOf(group, words).flatMap((id) => group.member(id).store(silently));
  },
  notice: (group, words) => someOf(group, words).flatMap((id) => group.member(id).notice()),
  apply: (group, words) => someOf(group, words).flatMap((id) => group.member(id).apply()),
  stabilize: (group, words) => group.stabilize(someOf(group, words)),
  snapshot(group, words) {
    const { up, disk } = group.member(asPeer(words.next('who')));
    const snapshot = up.snapshotMeta();
    disk.snapshot = snapshot;
    up.snapshotTaken(snapshot);
    return [`snapshot at ${placed(snapshot)}, ${configurationLine(snapshot.configuration)}`];
  },
  compact(group, words) {
    const { up, disk } = group.member(asPeer(words.next('who')));
    const index = up.compact(numberOf(words.next('index')));
    disk.compact(index);
    return [`the log begins after ${index}`];
  },
  'report-unreachable': (group, words) =>
    group.member(asPeer(words.next('who'))).up.reportUnreachable(asPeer(words.next('whom'))),
  'report-snapshot'(group, words) {
    const { up } = group.member(asPeer(words.next('who')));
    const peer = asPeer(words.next('whom'));
    const outcome = words.next('arrived or failed');
    if (outcome !== 'arrived' && outcome !== 'failed') throw new Error(`${outcome} is neither arrived nor failed`);
    up.reportSnapshot(peer, outcome === 'arrived');
  },

  // What the network does.
  deliver: (group, words) =>
    group.take(filterOf(words)).map((message) => `${group.deliver(message) ? '' : 'lost '}${messageLine(message)}`),
  drop: (group, words) => group.take(filterOf(words)).map((message) => `lost ${messageLine(message)}`),
  repeat: (group, words) =>
    group.network.filter(filterOf(words)).map((message) => {
      group.deliver(message);
      return `${messageLine(message)}, and once more later`;
    }),
  network: (group) => group.network.map((message) => messageLine(message)),

  // What machines do.
  crash: (group, words) => each(group, words, (id) => group.member(id).crash()),
  restart(group, words) {
    const keep = words.numberNamed('keep');
    const suspect = words.named('suspect');
    return each(group, words, (id) => {
      const member = group.member(id);
      member.crash();
      if (keep !== undefined) member.disk.lose(keep);
      if (suspect !== undefined) member.disk.suspect = watermarkOf(suspect);
      member.start();
    });
  },
  /** As another program could have left it on these disks: an entry that this core would not have proposed. */
  write(group, words) {
    const ids = peersOf(words.next('who'));
    const term = numberOf(words.next('term'));
    const change = changeOf(words);
    for (const id of ids) {
      const member = group.member(id);
      const { disk } = member;
      disk.entries = [...disk.entries, { type: 'change', term, index: disk.last + 1, change, data: noBytes }];
      member.start();
    }
  },

  // What can be looked at.
  status: (group, words) =>
    someOf(group, words).map((id) => {
      const { raft } = group.member(id);
      return raft ? statusLine(raft) : `${id} is down`;
    }),
  log: (group, words) => someOf(group, words).map((id) => logLine(group.member(id).up)),
  members: (group, words) =>
    someOf(group, words).map((id) => `${id} ${configurationLine(group.member(id).up.status.configuration)}`),
  progress: (group, words) => progressLines(group.member(asPeer(words.next('who'))).up),
};

const refusalLine = (id: PeerId, { refused, explain }: Refused): string =>
  `${id} refuses: ${refused}${explain === undefined ? '' : `, ${explain}`}`;

/** The members that the next word names; everybody who is up without one. */
function someOf(group: Group, words: Words): readonly PeerId[] {
  return words.hasNext ? peersOf(words.next('who')) : group.ids.filter((id) => group.member(id).raft);
}

function each(group: Group, words: Words, act: (id: PeerId) => void): void {
  for (const id of someOf(group, words)) act(id);
}

const kinds: readonly string[] = [
  'pre-vote',
  'pre-vote-response',
  'vote',
  'vote-response',
  'append',
  'append-response',
  'heartbeat',
  'heartbeat-response',
  'snapshot',
  'timeout-now',
  'read',
  'read-response',
  'read-refusal',
] satisfies readonly MessageType[];

/** `from=1 to=2,3 append heartbeat`: these kinds between these peers; `first`: only the oldest. */
function filterOf(words: Words): (message: Message) => boolean {
  const from = words.peersNamed('from');
  const to = words.peersNamed('to');
  let left = words.flag('first') ? 1 : Number.POSITIVE_INFINITY;
  const types = words.rest();
  const stranger = types.find((type) => !kinds.includes(type));
  if (stranger !== undefined) throw new Error(`${stranger} is no kind of message`);
  return (message) => {
    const isWanted =
      (from?.includes(message.from) ?? true) &&
      (to?.includes(message.to) ?? true) &&
      (types.length === 0 || types.includes(message.type));
    return isWanted && left-- > 0;
  };
}
