// Making and finding elements. Text is only ever set as text: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

// Writing an unchanged value would still cost a layout or wake a screen reader.
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** A file name, which may break after its signs and nowhere in a number. */
export function setName(target, name) {
  if (target.textContent === name) return;
  const pieces = name.split(/(?<=[_-])/);
  target.replaceChildren(...pieces.flatMap((piece) => [piece, document.createElement("wbr")]));
}

export function setAttribute(target, name, value) {
  if (value === null) target.removeAttribute(name);
  else if (target.getAttribute(name) !== String(value)) target.setAttribute(name, String(value));
}
