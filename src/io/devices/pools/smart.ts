/**
 * What a disk says about itself: `smartctl -j -a DEVICE`. Pure. smartctl is optional, disks differ, and what one does not
 * tell is undefined, never zero.
 */
import * as z from 'zod';

export interface Smart {
  /** The disk's own verdict. */
  readonly passed?: boolean;
  /** Degrees Celsius. */
  readonly temperature?: number;
  /** Sectors that the disk has given up and replaced. */
  readonly reallocated?: number;
  /** Sectors that it could not read and would replace when they are written. */
  readonly pending?: number;
  readonly powerOnHours?: number;
  /** Share of its life of writing that is used up, 0 to 1; beyond that it may go on. */
  readonly wear?: number;
}

const count = z.number().int().nonnegative();
const attribute = z.object({
  id: z.number(),
  name: z.string().catch(''),
  value: z.number().optional(),
  raw: z.object({ value: z.number() }).optional(),
});
const answer = z.object({
  smart_status: z.object({ passed: z.boolean() }).optional().catch(undefined),
  temperature: z.object({ current: z.number() }).optional().catch(undefined),
  power_on_time: z.object({ hours: count }).optional().catch(undefined),
  ata_smart_attributes: z
    .object({ table: z.array(attribute) })
    .optional()
    .catch(undefined),
  nvme_smart_health_information_log: z
    .object({ percentage_used: count.optional(), media_errors: count.optional() })
    .optional()
    .catch(undefined),
  scsi_grown_defect_list: count.optional().catch(undefined),
  scsi_percentage_used_endurance_indicator: count.optional().catch(undefined),
});

const [reallocatedSectors, pendingSectors] = [5, 197];
/** The same thing under the numbers of several makers: what remains, as the normalized value, from 100 down to 0. */
const lifeLeft: readonly (readonly [number, RegExp])[] = [
  [231, /life|ssd_life_left/i],
  [233, /wearout/i],
  [177, /wear_leveling/i],
  [173, /wear|erase/i],
  [202, /lifetime/i],
];

/** @returns undefined when the answer is none of smartctl's, or the disk says nothing of all this */
export function parseSmart(text: string): Smart | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const read = answer.safeParse(json);
  if (!read.success) return undefined;
  const said = read.data;
  const table = said.ata_smart_attributes?.table ?? [];
  const raw = (id: number) => table.find((entry) => entry.id === id)?.raw?.value;
  const reallocated = raw(reallocatedSectors) ?? said.scsi_grown_defect_list;
  const pending = raw(pendingSectors);
  const wear = wearOf(said, table);
  const smart: Smart = {
    ...(said.smart_status === undefined ? {} : { passed: said.smart_status.passed }),
    ...(said.temperature === undefined ? {} : { temperature: said.temperature.current }),
    ...(reallocated === undefined ? {} : { reallocated }),
    ...(pending === undefined ? {} : { pending }),
    ...(said.power_on_time === undefined ? {} : { powerOnHours: said.power_on_time.hours }),
    ...(wear === undefined ? {} : { wear }),
  };
  return Object.keys(smart).length === 0 ? undefined : smart;
}

function wearOf(said: z.infer<typeof answer>, table: readonly z.infer<typeof attribute>[]): number | undefined {
  const percent =
    said.nvme_smart_health_information_log?.percentage_used ?? said.scsi_percentage_used_endurance_indicator;
  if (percent !== undefined) return percent / 100;
  for (const [id, name] of lifeLeft) {
    const entry = table.find((one) => one.id === id && name.test(one.name));
    if (entry?.value !== undefined) return Math.min(1, Math.max(0, (100 - entry.value) / 100));
  }
  return undefined;
}
