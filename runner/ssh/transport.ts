import type { Duplex } from "node:stream";

/** What SSH is spoken over: a TCP connection, or a tunnel through a jump host. Destroying it closes it at once. */
export interface Transport extends Duplex {
  /** Received so far. */
  readonly bytesRead: number;
}
