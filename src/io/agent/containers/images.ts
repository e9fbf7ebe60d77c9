/**
 * The images of an instance's services. What one is gets into the history before the first container of it is made: a
 * crash after that finds the pin, a crash before it has made nothing.
 */
import { streamOf, idOf } from '#events/envelope.ts';
import type { ImagePin } from '#events/values/image.ts';
import { ensureImage } from '../images/ensure.ts';
import type { Ports, Run } from '../worker.ts';
import type { InstanceOrder } from './labels.ts';

export class ServiceImages {
  readonly #order: InstanceOrder;
  readonly #ports: Ports;
  readonly #run: Run;
  /** By the text of the file: several services may be of one image, and then are of the same. */
  readonly #found = new Map<string, Promise<{ readonly reference: string; readonly pin: ImagePin }>>();

  constructor(order: InstanceOrder, ports: Ports, run: Run) {
    this.#order = order;
    this.#ports = ports;
    this.#run = run;
  }

  /** @returns what a container of the service is made of @throws IoError */
  async ensure(service: string, image: string): Promise<string> {
    const known = this.#order.input.images[service];
    const { reference, pin } = await this.#foundOnce(image);
    const isKnown = known?.image === image && pin.ids.every((id) => known.ids.includes(id));
    if (!isKnown) {
      this.#run.fence();
      const { subject, visit } = this.#order;
      const instance = streamOf('instance', idOf(subject));
      await this.#run.report({ name: 'report-images', input: { instance, visit, images: { [service]: pin } } });
    }
    return reference;
  }

  #foundOnce(image: string): Promise<{ readonly reference: string; readonly pin: ImagePin }> {
    const before = this.#found.get(image);
    if (before) return before;
    const pin = Object.values(this.#order.input.images).find((one) => one.image === image);
    const found = ensureImage({ image, ...(pin && { pin }) }, this.#ports, this.#run);
    this.#found.set(image, found);
    // It may come back: the next service that asks tries again.
    found.catch(() => this.#found.delete(image));
    return found;
  }
}
