import type { SshTimings } from "./target.ts";
import type { Transport } from "./transport.ts";

/** Looks per silence limit. */
const looks = 15;

/**
 * Notices a connection whose other end is gone without a word (power cut, cable, NAT that forgot it). Everything that
 * comes in is a sign of life, not only answers to keep-alives: on a slow line these queue behind the data.
 *
 * Silence is counted in looks and not in time, so that a process which was suspended does not take its own absence
 * for the other side's.
 *
 * @returns to be called when the connection is over
 */
export function watchSilence(
  transport: Pick<Transport, "bytesRead">,
  { silenceLimit }: SshTimings,
  onSilence: (error: Error) => void,
): () => void {
  let received = transport.bytesRead;
  let silentLooks = 0;
  const timer = setInterval(() => {
    silentLooks = transport.bytesRead === received ? silentLooks + 1 : 0;
    received = transport.bytesRead;
    if (silentLooks < looks) return;
    clearInterval(timer);
    onSilence(new Error(`nothing has come in for ${Math.round(silenceLimit / 1000)} s`));
  }, silenceLimit / looks);
  return () => {
    clearInterval(timer);
  };
}
