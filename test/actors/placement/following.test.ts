/** Whom nodes follow that are no peers of the group: cases that people ask for, and what holds in every lab. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignSources, type FollowedNode, type FollowingNode } from '#actors/placement/following.ts';

/** `atlas`, `vega@cellar` in a zone. */
function following(text: string): FollowingNode {
  const [node = '', zone] = text.split('@');
  return { node, zone: zone ?? null };
}

/** `atlas`, `vega@cellar`, `lyra!` leads, `lyra=one,two` serves two. */
function followed(text: string): FollowedNode {
  const [name = '', serves = ''] = text.split('=');
  return {
    ...following(name.replace('!', '')),
    leads: name.includes('!'),
    serves: serves === '' ? [] : serves.split(','),
  };
}

const assign = (followers: readonly string[], sources: readonly string[]) =>
  Object.fromEntries(assignSources(followers.map(following), sources.map(followed)));

function loadsOf(assigned: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const loads = new Map<string, number>();
  for (const source of assigned.values()) loads.set(source, (loads.get(source) ?? 0) + 1);
  return loads;
}

/** As they would be asked the next time. */
const after = (sources: readonly FollowedNode[], assigned: ReadonlyMap<string, string>): FollowedNode[] =>
  sources.map((source) => ({
    ...source,
    serves: [...assigned].filter(([, of]) => of === source.node).map(([node]) => node),
  }));

describe('nodes beside the group', () => {
  test('follow others than the leader as long as those have room', () => {
    expect(assign(['x'], ['a!', 'b', 'c'])).toEqual({ x: 'b' });
    expect(assign(['w', 'x', 'y', 'z'], ['a!', 'b', 'c'])).toEqual({ w: 'b', x: 'c', y: 'b', z: 'c' });
    expect(assign(['x'], ['a!'])).toEqual({ x: 'a' });
  });

  test('follow a node of their own zone, and go elsewhere when there is no room', () => {
    expect(assign(['x@cellar', 'y@attic'], ['a@attic', 'b@cellar'])).toEqual({ x: 'b', y: 'a' });
    expect(assign(['w@cellar', 'x@cellar', 'y@cellar'], ['a@attic', 'b@cellar'])).toEqual({ w: 'b', x: 'b', y: 'a' });
  });

  test('stay where they are, also when another one would be better', () => {
    expect(assign(['x@cellar', 'y@cellar'], ['a@attic=x', 'b@cellar=y', 'c@cellar'])).toEqual({ x: 'a', y: 'b' });
  });

  test('leave a leader that serves more than its share', () => {
    expect(assign(['w', 'x', 'y'], ['a!=w,x', 'b=y', 'c'])).toEqual({ w: 'a', x: 'c', y: 'b' });
    expect(assign(['x'], ['a!=x', 'b']), 'it came before anybody else could be followed').toEqual({ x: 'b' });
  });

  test('follow nobody where nobody can be followed', () => {
    expect(assign(['x', 'y'], [])).toEqual({});
  });
});

describe('in every lab', () => {
  const zone = fc.constantFrom(null, 'attic', 'cellar');
  /** Up to 100 nodes, of which up to nine are peers; who leads, if anybody; whom they follow before, if anybody. */
  const anyLab = fc
    .record({
      zones: fc.array(zone, { minLength: 1, maxLength: 91 }),
      peers: fc.array(zone, { minLength: 1, maxLength: 9 }),
      leader: fc.option(fc.nat(8)),
      before: fc.array(fc.option(fc.nat(8)), { minLength: 91, maxLength: 91 }),
    })
    .map(({ zones, peers, leader, before }) => {
      const followers = zones.map((of, n): FollowingNode => ({ node: `node${n}`, zone: of }));
      const sources = peers.map((of, n): FollowedNode => ({
        node: `peer${n}`,
        zone: of,
        leads: n === leader,
        serves: followers.flatMap(({ node }, at) => (before[at] === n ? [node] : [])),
      }));
      return { followers, sources };
    });
  const share = ({ followers, sources }: { followers: readonly unknown[]; sources: readonly unknown[] }): number =>
    Math.ceil(followers.length / sources.length);

  test('everybody follows a peer, none serves more than its share and one, and the leader none beyond its share', () => {
    fc.assert(
      fc.property(anyLab, (lab) => {
        const assigned = assignSources(lab.followers, lab.sources);
        expect([...assigned.keys()].toSorted()).toEqual(lab.followers.map(({ node }) => node).toSorted());
        const loads = loadsOf(assigned);
        for (const { node, leads } of lab.sources)
          expect(loads.get(node) ?? 0).toBeLessThanOrEqual(share(lab) + (leads ? 0 : 1));
      }),
    );
  });

  test('who chooses anew finds shares that differ by one at most', () => {
    fc.assert(
      fc.property(anyLab, ({ followers, sources }) => {
        const fresh = sources.map((source) => ({ ...source, zone: null, serves: [] }));
        const loads = loadsOf(assignSources(followers, fresh));
        const counts = fresh.filter(({ leads }) => !leads).map(({ node }) => loads.get(node) ?? 0);
        if (counts.length > 0) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('asked again nobody moves', () => {
    fc.assert(
      fc.property(anyLab, ({ followers, sources }) => {
        const first = assignSources(followers, sources);
        expect(assignSources(followers, after(sources, first))).toEqual(first);
      }),
    );
  });

  test('when a source goes only those who followed it move', () => {
    fc.assert(
      fc.property(anyLab, fc.nat(8), ({ followers, sources }, n) => {
        const first = assignSources(followers, sources);
        const gone = sources[n % sources.length]?.node;
        const left = after(sources, first).filter(({ node }) => node !== gone);
        fc.pre(left.length > 0);
        const next = assignSources(followers, left);
        for (const [node, source] of first) if (source !== gone) expect(next.get(node)).toBe(source);
      }),
    );
  });

  test('when a node comes nobody else moves', () => {
    fc.assert(
      fc.property(anyLab, zone, ({ followers, sources }, of) => {
        const first = assignSources(followers, sources);
        const next = assignSources([...followers, { node: 'new', zone: of }], after(sources, first));
        for (const [node, source] of first) expect(next.get(node)).toBe(source);
      }),
    );
  });

  test('the order in which nodes are given does not matter', () => {
    fc.assert(
      fc.property(anyLab, ({ followers, sources }) => {
        expect(assignSources(followers.toReversed(), sources.toReversed())).toEqual(assignSources(followers, sources));
      }),
    );
  });
});
