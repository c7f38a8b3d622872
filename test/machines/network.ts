/** How one machine hangs on the network. All calls are made by the machine alone, one after another. */
export interface Cable {
  readonly host: string;
  readonly port: number;
  /** Plugs in the machine that lives in the network namespace (if the mode has any) of this process. */
  plugIn(pid: number): Promise<void>;
  /** After the machine's death; nothing happens when it was not plugged in. */
  unplug(): Promise<void>;
  /** Packets vanish in both directions from now on. Stays so over a power cycle of the machine. */
  cut(): Promise<void>;
  heal(): Promise<void>;
}

export interface Network extends AsyncDisposable {
  /** The cable of the machine with this index, counted from 0. */
  layCable(index: number): Promise<Cable>;
}
