import { describe, expect, it } from "vitest";
import { curlCommand } from "../../../src/pages/webhooks/curl";

describe("a request as a curl command", () => {
  it("has its body and headers as they are, whatever the shell would read into them", () => {
    const headers = { "Content-Type": "application/json", "X-Odd": "it's $HOME `id` \\" };
    const { command, variables } = curlCommand({ headers, body: '{"a":"it\'s"}' });
    expect(variables).toEqual(["URL"]);
    expect(command).toBe(
      [
        `printf '%s' '{"a":"it'\\''s"}' |`,
        `  curl "$URL" --data-binary @- \\`,
        `  -H 'Content-Type: application/json' \\`,
        `  -H 'X-Odd: it'\\''s $HOME \`id\` \\'`,
      ].join("\n"),
    );
  });

  it("has a variable for each header that is hidden, and none of the shell's own", () => {
    const { command, variables } = curlCommand({
      headers: { Path: "********", "x-api.key": "********" },
      body: "",
    });
    expect(variables).toEqual(["URL", "HEADER_PATH", "HEADER_X_API_KEY"]);
    expect(command).toContain('-H "Path: $HEADER_PATH"');
    expect(command).not.toContain("****");
  });
});
