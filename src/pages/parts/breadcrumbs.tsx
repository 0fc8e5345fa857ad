/** The way up from a page: links above its title. */

/** @param props.links the label of each by its path, from the page's section on down. */
export function Breadcrumbs({ links }: { links: Record<string, string> }) {
  return (
    <p class="small">
      {Object.entries(links).map(([path, label], place) => (
        <>
          {place > 0 && " / "}
          <a href={path}>{label}</a>
        </>
      ))}
    </p>
  );
}
