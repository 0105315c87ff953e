// Small helpers for the document. Text goes in as text only: no name or payload is ever read as HTML.

export const by = (id) => document.getElementById(id);

/** An element with a class and text, or with children. */
export function make(tag, className, content = []) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...(Array.isArray(content) ? content : [content]));
  return element;
}

/** Writes text only where it has changed: selections and screen readers stay where they are. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
