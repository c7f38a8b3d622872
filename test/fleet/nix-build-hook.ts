import type { Machine } from "../../fleet/machine.ts";

/**
 * The choice of Nix's build hook, transcribed line by line from build-remote.cc (2.20 and later), with its types: the
 * speed factor is a C++ `float`, and so is a load divided by it.
 *
 * @returns the machine, or undefined where Nix says "decline" or "postpone"
 */
export function chooseLikeNix(
  machines: readonly Machine[],
  neededSystem: string,
  requiredFeatures: readonly string[],
): Machine | undefined {
  let bestMachine: Machine | undefined;
  let bestLoad = 0;
  for (const m of machines) {
    const speedFactor = Math.fround(m.spec.speedFactor);
    const systemSupported = neededSystem === "builtin" || m.spec.systems.includes(neededSystem);
    const allSupported = requiredFeatures.every(
      (feature) => m.spec.supportedFeatures.includes(feature) || m.spec.mandatoryFeatures.includes(feature),
    );
    const mandatoryMet = m.spec.mandatoryFeatures.every((feature) => requiredFeatures.includes(feature));
    if (systemSupported && allSupported && mandatoryMet) {
      let free = false;
      let load = 0;
      for (let slot = 0; slot < m.spec.maxJobs; slot++) {
        if (slot < m.running) load++;
        else free = true;
      }
      if (!free) {
        continue;
      }
      let best = false;
      if (bestMachine === undefined) {
        best = true;
      } else {
        const bestSpeed = Math.fround(bestMachine.spec.speedFactor);
        if (Math.fround(load / speedFactor) < Math.fround(bestLoad / bestSpeed)) {
          best = true;
        } else if (Math.fround(load / speedFactor) === Math.fround(bestLoad / bestSpeed)) {
          if (speedFactor > bestSpeed) {
            best = true;
          } else if (speedFactor === bestSpeed) {
            if (load < bestLoad) {
              best = true;
            }
          }
        }
      }
      if (best) {
        bestLoad = load;
        bestMachine = m;
      }
    }
  }
  return bestMachine;
}
