/** What an event says, above its type, as lists show it. */

/** @param props.title absent for those who may not read the texts of events: then the type stands alone. */
export function EventTitle({ title, type }: { title?: string; type: string }) {
  if (title === undefined) return <>{type}</>;
  return (
    <>
      {title} <span class="event-type muted small">{type}</span>
    </>
  );
}
