/** Links to the other pages of a list. */

/** @param props.links path and label of each. Renders nothing without links. */
export function Pager({
  label,
  links,
}: {
  label: string;
  links: readonly (readonly [path: string, label: string] | false)[];
}) {
  const shown = links.filter((link) => link !== false);
  if (shown.length === 0) return null;
  return (
    <nav class="pager" aria-label={label}>
      {shown.map(([path, text]) => (
        <a class="button quiet" href={path}>
          {text}
        </a>
      ))}
    </nav>
  );
}
