/** One message of a queue. */
export interface Delivery {
  readonly id: string;
  readonly body: string;
}
