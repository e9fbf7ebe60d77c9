/** What an image is, whatever its tags are moved to. */
import * as z from 'zod';

/** Of a manifest, or of a list of manifests for several kinds of processor, as a registry knows it. */
export const imageDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** As an engine knows it. */
export const imageId = z.string().regex(/^sha256:[0-9a-f]{64}$/);
export const imageText = z.string().min(1).max(512);

/**
 * What the text of a compose file stands for, from the first start on. One digest means another image, and so another
 * id, for each kind of processor. What no registry knows, because it was built or imported, has an id alone.
 */
export const imagePin = z
  .strictObject({
    /** As the compose file names it: with another text the pin is over. */
    image: imageText,
    digest: imageDigest.exactOptional(),
    /** All ids that it has on engines of the lab, sorted. */
    ids: z.array(imageId).max(16),
  })
  .refine(({ digest, ids }) => digest !== undefined || ids.length > 0, 'a pin needs a digest or an id');
export type ImagePin = z.infer<typeof imagePin>;

/** What the registry has under the text of a compose file at a moment. */
export const offeredImage = z.strictObject({ image: imageText, digest: imageDigest });
export type OfferedImage = z.infer<typeof offeredImage>;

/** Whether two pins of one text mean the same image. */
export const meansSame = (a: ImagePin, b: ImagePin): boolean =>
  a.image === b.image &&
  (a.digest === undefined || b.digest === undefined ? a.ids.some((id) => b.ids.includes(id)) : a.digest === b.digest);
