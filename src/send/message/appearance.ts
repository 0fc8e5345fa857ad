/** How an outcome looks where a service shows colours or icons. */
import type { Outcome } from "./sentence";

/** `icon`: an emoji that phones show in a notification, too. `color`: `#rrggbb`, told apart on light and dark. */
const appearances: Record<Outcome, { icon: string; color: `#${string}` }> = {
  success: { icon: "✅", color: "#2e9e5b" },
  failure: { icon: "❌", color: "#d93025" },
  cancelled: { icon: "🚫", color: "#80868b" },
  started: { icon: "▶️", color: "#1a73e8" },
  info: { icon: "ℹ️", color: "#5f6368" },
};

/** @returns the outcome's icon and colour. */
export function appearanceOf(outcome: Outcome): { icon: string; color: `#${string}` } {
  return appearances[outcome];
}
