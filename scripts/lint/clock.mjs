/**
 * In a pure room time is given, never asked for. `new Date(at)` only unpacks a time that was given; every other use
 * of `Date` as a value (`new Date()`, `Date()`, `Date.now`, passing it on) is, or may become, a look at the clock.
 */
export const clock = {
  meta: {
    type: 'problem',
    messages: { clock: 'A pure room has no clock: take the time as an argument, and read it with `new Date(at)`.' },
  },
  create(context) {
    return {
      Program(program) {
        const scope = context.sourceCode.getScope(program);
        const known = scope.set.get('Date')?.references ?? [];
        const unknown = scope.through.filter(({ identifier }) => identifier.name === 'Date');
        for (const { identifier, isValueReference } of [...known, ...unknown]) {
          if (isValueReference && !unpacksATime(identifier)) context.report({ node: identifier, messageId: 'clock' });
        }
      },
    };
  },
};

function unpacksATime(identifier) {
  const { parent } = identifier;
  return parent.type === 'NewExpression' && parent.callee === identifier && parent.arguments.length > 0;
}
