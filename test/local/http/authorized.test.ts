import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { authorized } from "../../../local/http/authorized.ts";
import { lambdaContext } from "../../../local/lambda-context.ts";
import { serveGateway } from "./serve-gateway.ts";

const served = serveGateway();

/** What the API hears of a request that comes over HTTP with these headers. */
async function heard(headers: Record<string, string | string[]>, isAuthorized = true) {
  await served.send("/v1/machines", { headers });
  const [event] = served.events;
  if (event === undefined) throw new Error("no event came");
  const asked: string[][] = [];
  const events: APIGatewayProxyEventV2[] = [];
  const handler = authorized({
    api: async (received) => {
      events.push(received);
      return { statusCode: 204 };
    },
    authorize: async ({ identitySource }, { functionName }) => {
      asked.push([functionName, ...identitySource]);
      return { isAuthorized, context: { name: "ci", scopes: "admin" } };
    },
  });
  expect(await handler(event, lambdaContext("api"))).toEqual({ statusCode: 204 });
  const [received] = events;
  return { asked, context: received?.requestContext, original: event };
}

describe("a request with a token", () => {
  it("is shown to the authorizer, and the API hears what that says, where API Gateway puts it", async () => {
    const { asked, context, original } = await heard({ authorization: "Bearer abc" });
    expect(asked).toEqual([["authorize", "Bearer abc"]]);
    expect(context).toEqual({ ...original.requestContext, authorizer: { lambda: { name: "ci", scopes: "admin" } } });
  });

  it("comes to the API as it is when the authorizer does not let it in", async () => {
    const { context, original } = await heard({ authorization: "Bearer abc" }, false);
    expect(context).toEqual(original.requestContext);
  });

  it("that comes twice is one header, which no authorizer takes for a token", async () => {
    const { asked } = await heard({ authorization: ["Bearer abc", "Bearer def"] });
    expect(asked).toEqual([["authorize", "Bearer abc,Bearer def"]]);
  });
});

describe("a request without a token", () => {
  it.each([undefined, "", "  "])("is not shown to the authorizer: %j", async (authorization) => {
    const { asked, context, original } = await heard(authorization === undefined ? {} : { authorization });
    expect(asked).toEqual([]);
    expect(context).toEqual(original.requestContext);
  });
});
