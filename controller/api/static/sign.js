// Draws a sign's LEDs on a canvas, as round dots on a dark board: the real pixels, never an imitation of the text.
// `rows` are hexadecimal strings, a string a row from the top, the leftmost LED in the highest bit.

const LIT = "rgb(255 150 24)", GLOW = "rgb(255 150 24 / 55%)", UNLIT = "rgb(30 29 31)", BOARD = "rgb(10 10 12)";
// The same as sign/colours.py: the colours of a panel that has them repeat what its words say.
const STATES = { free: "0 180 150", few: "255 205 40", full: "255 80 60", neutral: "255 255 255" };
const pictures = new WeakMap(); // canvas -> what it shows, to draw again when its size changes

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) if (pictures.has(target)) paint(target, pictures.get(target));
});

/** Show these rows; `panel` is a panel of the API (width, height, rows). Without rows the sign is dark. */
export function draw(canvas, panel) {
  if (!pictures.has(canvas)) resized.observe(canvas);
  const { width, height, rows = [], tints = [] } = panel;
  const picture = { width, height, rows, tints };
  pictures.set(canvas, picture);
  paint(canvas, picture);
}

/** Whether the LED at x, y is lit. */
export function isLit(rows, x, y) {
  return ((parseInt(rows[y]?.[x >> 2] ?? "0", 16) >> (3 - (x & 3))) & 1) === 1;
}

/** In which colour the LED at x, y shines: that of the last box it is in. */
function tone(tints, x, y) {
  return tints.findLast(({ box: [left, top, right, bottom] }) => x >= left && x < right && y >= top && y < bottom)?.tone;
}

function paint(canvas, { width, height, rows, tints }) {
  // Twice as fine as the screen: the browser shrinks it to a width that no whole number of pixels a LED would fill.
  const room = (canvas.clientWidth || width * 10) * (window.devicePixelRatio || 1);
  const pitch = Math.max(2, Math.min(Math.floor(4096 / width), 2 * Math.ceil(room / width)));
  canvas.width = width * pitch;
  canvas.height = height * pitch;
  const context = canvas.getContext("2d");
  context.fillStyle = BOARD;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const dark = dot(pitch, UNLIT, null), plain = dot(pitch, LIT, GLOW);
  const toned = {};
  for (const { tone: name } of tints) toned[name] ??= dot(pitch, `rgb(${STATES[name]})`, `rgb(${STATES[name]} / 55%)`);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const light = toned[tone(tints, x, y)] ?? plain;
      context.drawImage(isLit(rows, x, y) ? light : dark, (x - 0.5) * pitch, (y - 0.5) * pitch);
    }
  }
}

function dot(pitch, colour, glow) {
  const stamp = document.createElement("canvas");
  stamp.width = stamp.height = 2 * pitch;
  const context = stamp.getContext("2d");
  if (glow) {
    const haze = context.createRadialGradient(pitch, pitch, pitch * 0.3, pitch, pitch, pitch);
    haze.addColorStop(0, glow);
    haze.addColorStop(1, "transparent");
    context.fillStyle = haze;
    context.fillRect(0, 0, 2 * pitch, 2 * pitch);
  }
  context.fillStyle = colour;
  context.beginPath();
  context.arc(pitch, pitch, pitch * 0.4, 0, 2 * Math.PI);
  context.fill();
  return stamp;
}
