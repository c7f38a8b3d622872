import type { Stack } from "./stack.ts";

/** What the API calls a machine of the fleet. */
export function nameOf({ fleet }: Stack, name: string): string {
  const { user, host, port } = fleet.machine(name);
  return `${user}@${host}${port === 22 ? "" : `:${port}`}`;
}

/** Runs a `drover` command that has to succeed. */
export async function run({ deployment }: Stack, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await deployment.drover(args, input === undefined ? {} : { input });
  if (code !== 0)
    throw new Error(`drover ${args.join(" ")} exited ${code}: ${stderr}${stdout}\n${deployment.output()}`);
  return stdout;
}

/** A request to the API that has to succeed. @returns its JSON, or what text there is */
export async function request(
  { deployment }: Stack,
  path: string,
  init?: { method: string; body?: object },
): Promise<unknown> {
  const { method = "GET", body } = init ?? {};
  const headers = { "content-type": "application/json" };
  const response = await deployment.api(path, {
    method,
    ...(body && { headers, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  const text = await response.text();
  return response.headers.get("content-type")?.includes("json") === true ? JSON.parse(text) : text;
}

/** Waits for it. @returns a step of the build that is in this state */
export async function expectStep(stack: Stack, build: string, state: string): Promise<string> {
  for (const deadline = Date.now() + 20_000; ;) {
    const steps = await stack.steps(build);
    const found = steps.find((step) => step.state === state);
    if (found !== undefined) return found.step;
    if (Date.now() > deadline) throw new Error(`no step ${state}: ${JSON.stringify(steps)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
