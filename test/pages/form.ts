/** Forms as a browser without scripts sends them. */

/** A form's fields, as they stand in a page; buttons are left out. */
export async function fieldsOf(html: string, formId: string): Promise<URLSearchParams> {
  const fields = new URLSearchParams();
  let select = "";
  let textarea = "";
  const form = `form#${formId}`;
  const rewriter = new HTMLRewriter()
    .on(`${form} input`, {
      element(input) {
        const name = input.getAttribute("name");
        const type = input.getAttribute("type") ?? "text";
        if (name === null || ((type === "checkbox" || type === "radio") && !input.hasAttribute("checked")))
          return;
        fields.append(name, plain(input.getAttribute("value") ?? (type === "checkbox" ? "on" : "")));
      },
    })
    .on(`${form} select`, { element: (element) => void (select = element.getAttribute("name") ?? "") })
    .on(`${form} option[selected]`, {
      element: (option) => fields.append(select, plain(option.getAttribute("value") ?? "")),
    })
    .on(`${form} textarea`, {
      element: (element) => void (textarea = element.getAttribute("name") ?? ""),
      text(chunk) {
        fields.set(textarea, (fields.get(textarea) ?? "") + plain(chunk.text));
      },
    });
  await rewriter.transform(new Response(html)).text();
  return fields;
}

const entities: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

function plain(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
}
