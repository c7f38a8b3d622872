/**
 * What a runner does so that another version can take its place without a build being killed. Outside ECS nobody
 * replaces a runner that works: `noUpgrades`.
 */
export interface Upgrades extends AsyncDisposable {
  /** Aborted once another version is at work: nothing new is to be taken, and what runs has all the time it needs. */
  readonly superseded: AbortSignal;
  /** The queue has answered, so this runner works. Called as often as it does; never throws. */
  inTouch(): void;
  /** An attempt begins, and ends when this is disposed of. Never throws. */
  begin(): Disposable;
  /** Nothing runs any more, and nothing new is taken: waits to be stopped, but not for ever. */
  untilStopped(told: AbortSignal): Promise<void>;
}

export const noUpgrades: Upgrades = {
  superseded: new AbortController().signal,
  inTouch() {},
  begin: () => ({ [Symbol.dispose]() {} }),
  async untilStopped() {},
  async [Symbol.asyncDispose]() {},
};
