/** Someone who may look at events and publish them. */
import { makeUsedToken } from "../../tokens";
import { signIn } from "../page";

/** @returns their cookie. */
export async function publisher(): Promise<string> {
  return signIn((await makeUsedToken(["deliveries:read", "events:publish"])).token);
}

/** What one reads on a page, without the marks. */
export function words(html: string): string {
  return html
    .slice(html.indexOf("<main"))
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&quot;", '"')
    .replaceAll(/\s+/g, " ");
}
