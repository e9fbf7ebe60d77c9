/**
 * For a library that writes styles into the page, which the content-security policy forbids: from the first call on,
 * a style element that a script makes keeps its rules in a sheet that the page adopts, and a span's style attribute is
 * set property by property. Both are scripts' own doing, which the policy allows to scripts of this server. It holds for
 * the whole page, and takes nothing from it: there, real ones would not work.
 */
let isKept = false;

export function keepStylePolicy(): void {
  if (isKept) return;
  isKept = true;
  const createElement = document.createElement.bind(document);
  Object.defineProperty(document, 'createElement', {
    value: (name: string, options?: ElementCreationOptions) =>
      name === 'style' ? styleElement(createElement('span')) : createElement(name, options),
  });
  Object.defineProperty(HTMLSpanElement.prototype, 'setAttribute', {
    value: function (this: HTMLSpanElement, name: string, value: string): void {
      if (name === 'style') this.style.cssText = value;
      else Element.prototype.setAttribute.call(this, name, value);
    },
  });
}

/** Shows nothing, and takes rules as a style element does, until it is removed. */
function styleElement(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  element.hidden = true;
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(element, 'textContent', {
    set(rules: string) {
      sheet.replaceSync(rules);
    },
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
