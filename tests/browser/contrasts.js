// The contrast of each control's border, or of its filling, with what lies around it.
() => {
  const OWN = ["file", "checkbox", "radio", "range"]; // drawn by the browser itself
  const CONTROLS = `input${OWN.map((kind) => `:not([type=${kind}])`).join("")}, select, textarea, button`;
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colour, under) => {
    canvas.fillStyle = `rgb(${under.join(" ")})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const backdrop = (element) => {
    const all = [];
    for (let at = element; at; at = at.parentElement) all.unshift(getComputedStyle(at).backgroundColor);
    return all.reduce((under, colour) => over(colour, under), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  return [...document.querySelectorAll(CONTROLS)]
    .filter((one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !one.disabled)
    .filter((one) => parseFloat(getComputedStyle(one).borderTopWidth) > 0)
    .map((one) => {
      const around = backdrop(one.parentElement), style = getComputedStyle(one);
      const best = Math.max(contrast(over(style.borderTopColor, around), around), contrast(backdrop(one), around));
      return { what: one.outerHTML.slice(0, 120), contrast: best };
    });
}
