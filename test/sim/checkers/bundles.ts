/** What an app is made of is kept: its compose file and its bundle, and the bundle of every instance. */
import type { LabView } from '#actors/actor.ts';

/** @param kept addresses of what is in the blob store */
export function checkBundles(kept: ReadonlySet<string>, lab: LabView): string[] {
  const wrong: string[] = [];
  const check = (ref: string, what: string): void => {
    if (!kept.has(ref)) wrong.push(`the ${what} is not in the blob store`);
  };
  for (const { context } of lab.list('app')) {
    check(context.compose, `compose file of ${context.metadata.name}`);
    check(context.bundle, `bundle of ${context.metadata.name}`);
  }
  for (const { context } of lab.list('instance'))
    check(context.bundle, `bundle of revision ${context.revision} of ${context.metadata.name}`);
  return wrong;
}
