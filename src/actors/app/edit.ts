/** Single values of an app's compose file change where they stand in it; the file that comes of that is deployed. */
import type { Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { editText, type EditRefused } from '../compose/edit/edit.ts';
import { withNamed } from '../drafting.ts';
import { reject, type RejectionCode } from '../rejection.ts';
import { deploy, deployReads } from './deploy.ts';

type Input = Commands['edit-app'];

export function editReads(input: Input, lab: LabView): readonly string[] {
  const app = lab.byName('app', input.namespace, input.name);
  return app ? [app.context.compose, ...deployReads(deployOf(input, ''), lab)] : [];
}

export function editApp(ask: Ask<Input>, lab: LabView): Decision {
  const { input } = ask;
  return withNamed(lab, 'app', input, ({ context }) => {
    if (context.revision !== input.revision) {
      return reject(
        'STALE',
        `App ${input.name} is at revision ${context.revision} by now, and you looked at ${input.revision}.`,
        'Look at it again, then repeat what you want.',
      );
    }
    const bytes = ask.content(context.compose);
    if (!bytes) {
      return reject(
        'NOT_FOUND',
        `The compose file of app ${input.name} is not at hand.`,
        'Deploy it once from its folder: floatlab up.',
      );
    }
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const result = editText(text, input.edits);
    if ('refused' in result) {
      const { code, message, hint } = result.refused;
      return reject(codes[code], message, hint);
    }
    return deploy({ ...ask, input: deployOf(input, result.text) }, lab);
  });
}

const codes: Readonly<Record<EditRefused['code'], RejectionCode>> = {
  UNREADABLE: 'INVALID',
  NOT_THERE: 'INVALID',
  SHARED: 'FIXED',
  UNWRITABLE: 'FIXED',
};

/** With the files of the last revision. An app that rests goes on resting. */
const deployOf = ({ namespace, name }: Input, compose: string): Commands['deploy-app'] => ({
  namespace,
  name,
  fileName: 'compose.yaml',
  compose,
  start: false,
});
