/** Badges for states and statuses. */
import type { ShownStatus } from "../../lane/delivery-log";
import type { LaneState } from "../../lane/lane-record";

type Look = { tone: "good" | "warn" | "bad" | "info"; label: string };

const states: Record<LaneState, Look> = {
  active: { tone: "good", label: "Active" },
  paused: { tone: "warn", label: "Paused" },
  disabled: { tone: "bad", label: "Disabled" },
};

const statuses: Record<ShownStatus, Look> = {
  pending: { tone: "info", label: "Pending" },
  delivered: { tone: "good", label: "Delivered" },
  failed: { tone: "warn", label: "Retrying" },
  dead: { tone: "bad", label: "Dead" },
};

/** The badge of a webhook's state. */
export function StateBadge({ state }: { state: LaneState }) {
  return <Badge {...states[state]} />;
}

/** The badge of a delivery's status. */
export function StatusBadge({ status }: { status: ShownStatus }) {
  return <Badge {...statuses[status]} />;
}

/** The label of a delivery's status. */
export function statusLabel(status: ShownStatus): string {
  return statuses[status].label;
}

function Badge({ tone, label }: Look) {
  return <span class={`badge ${tone}`}>{label}</span>;
}
