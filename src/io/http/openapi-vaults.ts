/** What the routes of lent places answer. */
const content = (description: string, type: string, schema: Readonly<Record<string, unknown>>) => ({
  description,
  content: { [type]: { schema } },
});

const object = {
  type: ['object', 'null'],
  required: ['key', 'sizeBytes', 'modifiedAt'],
  properties: { key: { type: 'string' }, sizeBytes: { type: 'integer' }, modifiedAt: { type: 'number' } },
};
const put = { type: 'object', required: ['put'], properties: { put: { enum: ['stored', 'exists'] } } };

export const vaultAnswers = {
  'list-vault-objects': {
    200: content(
      'A line of JSON for each: `key`, `sizeBytes`, `modifiedAt`. The last one has their number, `objects`: without it the list is not whole',
      'application/x-ndjson',
      { type: 'string' },
    ),
  },
  'head-vault-object': { 200: content('What it is; null when there is none', 'application/json', object) },
  'get-vault-object': {
    200: content('The object, or the part of it', 'application/octet-stream', { type: 'string', format: 'binary' }),
  },
  'put-vault-object': { 200: content('`exists`: it is as it was before', 'application/json', put) },
  'delete-vault-object': { 204: { description: 'It is gone, or was not there' } },
};
