import type { Inspection } from "../../../fleet/inspection.ts";
import type { Machine, MachineHealth, MachineOffer, SshRoute } from "../../../fleet/machine.ts";
import { machineEtag } from "../machines/etags.ts";
import { fingerprints } from "../machines/fingerprints.ts";
import type { Machine as MachineView } from "../schema/machines.ts";
import { inspectionView } from "./inspection.ts";
import { moment } from "./moment.ts";

/** @param inspection the latest one of the machine */
export function machineView(machine: Machine, inspection: Inspection | undefined): MachineView {
  const { name, position, spec, alternatives, route, mode, drainedFor, running, health } = machine;
  return {
    name,
    position,
    ...spec,
    alternatives: alternatives.map(offerView),
    route: route === null ? null : routeView(route),
    mode,
    drainedFor,
    running,
    health: healthView(health),
    trusted: spec.hostKey !== null,
    hostKeyFingerprint: spec.hostKey === null ? null : fingerprints(spec.hostKey).join(", ") || null,
    inspection: inspection === undefined ? null : inspectionView(inspection, machine),
    etag: machineEtag(machine),
  };
}

function offerView(offer: MachineOffer): MachineView["alternatives"][number] {
  const { systems, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures } = offer;
  return { systems, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures };
}

function routeView(route: SshRoute): NonNullable<MachineView["route"]> {
  return { ...route, jumps: route.jumps.map((jump) => ({ ...jump })) };
}

function healthView(health: MachineHealth): MachineView["health"] {
  switch (health.state) {
    case "healthy":
      return { state: "healthy" };
    case "backing-off": {
      const { state, faults, until, reason } = health;
      return { state, faults, until: moment(until), reason };
    }
    case "on-probation": {
      const { state, faults, reason } = health;
      return { state, faults, reason };
    }
  }
}
