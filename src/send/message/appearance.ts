/** The icon and colour of an outcome, for services that display them. */
import type { Outcome } from "./sentence";

/**
 * `icon`: an emoji that phones also display in notifications. `color`: `#rrggbb`, distinguishable on light and dark
 * backgrounds.
 */
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
