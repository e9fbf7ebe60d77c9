/** Deliberate bugs in leases: each is a rule that is missing, and the simulation has to find each (see `../raft/canaries.ts`). */
import type { Canary } from '../raft/canaries.ts';

const lease = 'src/events/lease';

export const leaseCanaries: readonly Canary[] = [
  {
    name: 'a lease counts from when its grant arrives',
    file: `${lease}/holder.ts`,
    find: 'this.#extend(sent.atMs + answer.lengthMs',
    replace: 'this.#extend(nowMs + answer.lengthMs',
    seed: 3,
  },
  {
    name: 'an answer counts for the newest renewal, whichever it answers',
    file: `${lease}/holder.ts`,
    find: 'this.#sent.find(({ sequence }) => sequence === answer.sequence)',
    replace: 'this.#sent.at(-1)',
    seed: 6,
  },
  {
    name: 'a grant for the process before counts for this one',
    file: `${lease}/holder.ts`,
    find: 'if (answer.run !== this.#run) return undefined;',
    replace: '',
    seed: 330,
  },
  {
    name: 'after a lapse things are started by what was known before it',
    file: `${lease}/holder.ts`,
    find: 'if (!wasHeld) this.#requiredIndex',
    replace: 'if (this.#requiredIndex === undefined) this.#requiredIndex',
  },
  {
    name: 'a round that began before a renewal arrived is good for it',
    file: `${lease}/grantor.ts`,
    find: 'reign.waiting.set(node, arrived);',
    replace: '(reign.round?.renewals ?? reign.waiting).set(node, arrived);',
    seed: 550,
  },
  {
    name: 'grants rest on no quorum round',
    file: `${lease}/grantor.ts`,
    find: "return [{ do: 'ask-round', request }];",
    replace: 'return this.confirmed(request, 0, nowMs);',
  },
  {
    name: 'a new leader does not wait for the leases of the one before',
    file: `${lease}/grantor.ts`,
    find: 'return electedMs + waitMs(',
    replace: 'return 0 * electedMs + 0 * waitMs(',
  },
  {
    name: 'a new leader does not wait for longer leases than usual',
    file: `${lease}/grantor.ts`,
    find: 'Math.max(leaseMs, longestMs, this.#facts.longest.get(node) ?? 0)',
    replace: 'Math.max(leaseMs, longestMs, 0 * node.length)',
  },
  {
    name: 'long leases are granted while they are being ended',
    file: `${lease}/grantor.ts`,
    find: 'reign.curtailed.has(node) ? leaseMs : ',
    replace: '',
    seed: 8,
  },
  {
    name: 'clocks are believed to agree',
    file: `${lease}/settings.ts`,
    find: '((lengthMs + killMs) * (1 + clockError)) / (1 - clockError)',
    replace: 'lengthMs + killMs + 0 * clockError',
  },
  {
    name: 'nobody waits for what has to be killed',
    file: `${lease}/settings.ts`,
    find: '((lengthMs + killMs) * ',
    replace: '((lengthMs + 0 * killMs) * ',
  },
  {
    name: 'time stands still in suspend',
    file: 'test/sim/lease/clock.ts',
    find: 'this.#shownMs = Math.max(beforeMs, this.exactMs);',
    replace: 'this.#shownMs = beforeMs;',
    seed: 22,
  },
  {
    name: 'a leader grants before it knows what was decided before it',
    file: `${lease}/grantor.ts`,
    find: 'if (!reign.isOpen || reign.round',
    replace: 'if (reign.round',
    seed: 34,
  },
  {
    name: 'a leader takes leases for over before it knows which ones may be longer',
    file: `${lease}/grantor.ts`,
    find: 'yet which leases may be longer than usual.\n    if (!reign?.isOpen) return undefined;',
    replace: '\n    if (!reign) return undefined;',
    seed: 403,
  },
  {
    name: 'a leader does not know whom leaders before it have fenced',
    file: `${lease}/grantor.ts`,
    find: 'this.#facts = facts;',
    replace: 'this.#facts = { ...facts, fenced: new Set() };',
  },
  {
    name: 'a node is granted what was under way when it was refused',
    file: `${lease}/grantor.ts`,
    find: 'this.#reign?.round?.renewals.delete(node);',
    replace: '',
    seed: 32,
  },
  {
    name: 'a leader goes on granting what does not arrive',
    file: `${lease}/grantor.ts`,
    find: 'if (nowMs - known.heardMs > this.#settings.leaseMs)',
    replace: 'if (nowMs < known.heardMs)',
  },
  {
    name: 'a node that was not heard never proves that it hears again',
    file: `${lease}/holder.ts`,
    find: '    this.#noteEcho(answer);\n    if',
    replace: "    if (answer.type === 'grant') this.#noteEcho(answer);\n    if",
  },
  {
    name: 'renewals whose round failed are forgotten, and no round begins any more',
    file: `${lease}/grantor.ts`,
    find: 'reign.waiting = new Map([...reign.round.renewals, ...reign.waiting]);\n    reign.round = undefined;',
    replace: '',
  },
];
