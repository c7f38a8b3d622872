/** Methods that give what they have piece by piece; each is one call. */
const iterating = new Set(["dependents.of", "sources.openNar"]);

/** Methods that leave nothing behind. */
const reading = new Set([
  ...["list", "get"].map((name) => `machines.${name}`),
  ...["get", "getMany", "firstReady", "requirementClasses", "inState", "attempt", "attempts"].map((n) => `steps.${n}`),
  ...["get", "unplanned", "inState", "changedSince", "steps"].map((name) => `builds.${name}`),
  ...["narInfos", "openNar"].map((name) => `sources.${name}`),
  "dependents.of",
]);

/** Does something around a call of a port, such as `steps.get`. */
type Around = (name: string, work: () => Promise<unknown>) => Promise<unknown>;

/** Ports of which each call goes through a hand. Other members stay as they are. */
export function interceptPorts<Ports extends object>(ports: Ports, around: Around): Ports {
  const intercepted = new Map(
    Object.entries(ports)
      .filter((entry): entry is [string, object] => typeof entry[1] === "object" && entry[1] !== null)
      .map(([name, port]) => [name, interceptPort(name, port, around)]),
  );
  return new Proxy(ports, {
    get: (target, name) => (typeof name === "string" && intercepted.get(name)) || Reflect.get(target, name),
  });
}

function interceptPort(port: string, target: object, around: Around): object {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || typeof name !== "string") return member;
      return (...args: unknown[]): unknown => {
        const call = `${port}.${name}`;
        const work = (): unknown => Reflect.apply(member, target, args);
        if (!iterating.has(call)) return around(call, async () => await work());
        return (async function* () {
          yield* toArray(await around(call, () => iterated(work())));
        })();
      };
    },
  });
}

async function iterated(value: unknown): Promise<unknown[]> {
  return isAsyncIterable(value) ? await Array.fromAsync(value) : [];
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function toArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What a caller of an interrupted port sees. */
export class Crash extends Error {}

/**
 * The end of a process at a chosen moment: so many calls of ports happen, the answer of the last one is lost, and
 * from then on nothing does anything any more.
 */
export class Interruption {
  /** Calls so far, by name, those that failed by the interruption excepted. */
  readonly calls: string[] = [];
  readonly #after: number;
  readonly #counts: "all" | "writes";

  /**
   * @param after the number of calls that happen
   * @param counts only writing ones, perhaps: to be cut off after a read is the same as before it, and after the
   *   writes before it, but for what is under way at the same time
   */
  constructor(after: number, counts: "all" | "writes" = "all") {
    this.#after = after;
    this.#counts = counts;
  }

  get happened(): boolean {
    return this.calls.length >= this.#after;
  }

  /** The ports as the process that is going to be interrupted has them. */
  ports<Ports extends object>(ports: Ports): Ports {
    return interceptPorts(ports, async (name, work) => {
      if (this.happened) throw new Crash(`before ${name}`);
      const counted = this.#counts === "all" || !reading.has(name);
      if (counted) this.calls.push(name);
      const isLast = counted && this.happened;
      const result = await work();
      if (isLast) throw new Crash(`after ${name}`);
      return result;
    });
  }
}
