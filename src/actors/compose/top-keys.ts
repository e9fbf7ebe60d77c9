/** Keys at the top of a compose file. */
export const topKeys = {
  of: 'a compose file',
  read: ['name', 'version', 'include', 'services', 'networks', 'volumes', 'configs', 'secrets', 'x-floatlab'],
  mayBeEmpty: ['services', 'x-floatlab'],
  unread: {
    models: '',
  },
  extensions: true,
} as const;
