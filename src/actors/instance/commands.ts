import { serviceStatus } from '#events/instance.ts';
import { imagePin } from '#events/values/image.ts';
import { problem } from '#events/values/metadata.ts';
import { serviceName } from '#events/values/name.ts';
import { appRef, nodeRef } from '#events/volume.ts';
import * as z from 'zod';
import { visit } from '../drafting.ts';

const instance = z.templateLiteral(['instance:', z.string()]);
const report = { instance, visit };
/** What a person should know, about which service if about one. */
const warnings = z
  .array(z.strictObject({ service: serviceName.exactOptional(), problem }))
  .max(1000)
  .default([]);

export const instanceCommands = {
  'assign-instance': z.strictObject({ app: appRef, node: nodeRef }),
  'stop-instance': z.strictObject({ instance, because: z.string().max(500) }),
  'report-instance-started': z.strictObject({
    ...report,
    services: z.record(serviceName, serviceStatus),
    warnings,
  }),
  /** What the images of its services are; said before the first container of them is made. */
  'report-images': z.strictObject({ ...report, images: z.record(serviceName, imagePin) }),
  'report-instance-failed': z.strictObject({ ...report, problem, service: serviceName.exactOptional() }),
  'report-instance-halted': z.strictObject(report),
  'report-instance-stopped': z.strictObject({ ...report, warnings }),
  'report-service': z.strictObject({
    ...report,
    service: serviceName,
    status: serviceStatus,
    problem: problem.exactOptional(),
  }),
};
