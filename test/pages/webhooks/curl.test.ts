import { describe, expect, it } from "vitest";
import { curlCommand } from "../../../src/pages/webhooks/curl";

const hidden = "********";

describe("a request as a curl command", () => {
  it("has its body and headers in single quotes, and as %b writes them what could end the quote or mean more", () => {
    const headers = { "Content-Type": "application/json", "X-Odd": "it's $HOME `id` \\", "X-Hidden": hidden };
    const { command, variables } = curlCommand({ headers, body: '{"a":"it\'s ü!"}' });
    expect(variables).toEqual(["URL", "HEADER_X_HIDDEN"]);
    expect(command).toBe(
      [
        `printf '%b' '{"a":"it\\0047s \\0303\\0274\\0041"}' |`,
        `  curl --globoff --url "$URL" --data-binary @- \\`,
        `  -H 'Content-Type: application/json' \\`,
        `  -H "$(printf '%b' 'X-Odd: it\\0047s \\0044HOME \\0140id\\0140 \\0134')" \\`,
        `  -H 'X-Hidden: '"$HEADER_X_HIDDEN"`,
      ].join("\n"),
    );
  });

  it("has a variable for each header that is hidden, none for two, and none of the shell's own", () => {
    const names = ["Path", "x-api.key", "X-Api-Key", "X_API_KEY", "X-Api-Key-2", "URL"];
    const headers = Object.fromEntries(names.map((name) => [name, hidden]));
    const { command, variables } = curlCommand({ headers, body: "" });
    expect(variables).toEqual([
      "URL",
      "HEADER_PATH",
      "HEADER_X_API_KEY",
      "HEADER_X_API_KEY_2",
      "HEADER_X_API_KEY_3",
      "HEADER_X_API_KEY_2_2",
      "HEADER_URL",
    ]);
    expect(command).toContain(`-H 'X_API_KEY: '"$HEADER_X_API_KEY_3"`);
    expect(command).not.toContain("****");
  });

  it("has no line that a terminal would cut, and is printable ASCII", () => {
    const everyCharacter = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join("");
    const { command } = curlCommand({
      headers: { [`X-${"'".repeat(98)}`]: hidden },
      body: `${everyCharacter}\ud800🔑\u{10ffff}${"'".repeat(2000)}`,
    });
    const lines = command.split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(1023);
    expect(command).toMatch(/^[\n\x20-\x7e]+$/);
    expect(command).not.toMatch(/[!`]/);
  });
});
