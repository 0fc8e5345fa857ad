/** `POST /sign-out`: ends the session of this browser. */
import { endSession } from "../auth/session";
import { auditAs } from "../auth/audit";
import type { Router } from "../http/router";
import { currentUser } from "./current-user";

/** Adds it to `router`. */
export function signOut(router: Router): void {
  router.post("/sign-out", async (c) => {
    const user = await currentUser(c);
    endSession(c);
    if (user !== null) await auditAs(c, user, { action: "session.ended" });
    return c.redirect("/sign-in", 303);
  });
}
