// The name or logo in the header, as config.json says.

import { byId, element } from "./dom.js";

/** @param {{ brand?: string, logo?: string }} config */
export function showBrand({ brand, logo }) {
  const place = byId("brand");
  if (logo) place.replaceChildren(element("img", { src: logo, alt: brand ?? "", className: "logo" }));
  else if (brand) place.replaceChildren(brand);
}
