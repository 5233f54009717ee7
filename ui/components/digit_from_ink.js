// Ink of any size becomes a 28x28 digit in MNIST's form, and a digit becomes short text and back. Pure computing: it
// knows no DOM and no Streamlit. digitFromInk mirrors aecore.datasets.pictures.digit_from_ink, whose docstring says
// each step and why; a test holds the two together.

export const SIDE = 28; // rows and columns of a digit
const BOX = 20; // rows and columns that the ink is scaled into
const CENTRE = 14; // row and column where MNIST puts the centre of mass
const FAINTEST = 1 / 32; // ink below this does not count when the bounding box is looked for
const MAX_GROWTH = 3; // a mark is at most tripled beside its share of the field
export const GREYS = 16; // grey levels of a digit sent to Python or shared in a link

const round = (x) => Math.floor(x + 0.5);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

/** Brings ink to MNIST's form. `ink`: height x width values in [0, 1], row by row, 1 = ink. Returns a Float32Array of
 *  784 values in [0, 1]; all 0 where nothing is drawn (Python raises there). */
export function digitFromInk(ink, width, height) {
  const digit = new Float32Array(SIDE * SIDE);
  const box = inkBox(ink, width, height);
  if (!box) return digit;
  const scale = Math.min(BOX / Math.max(box.rows, box.columns), (MAX_GROWTH * SIDE) / Math.max(height, width));
  const rows = Math.max(1, round(box.rows * scale));
  const columns = Math.max(1, round(box.columns * scale));
  const small = areaAverage(ink, width, box, rows, columns);
  const most = small.reduce((a, b) => Math.max(a, b), 0);
  let [mass, massRows, massColumns] = [0, 0, 0];
  for (let i = 0; i < small.length; i++) {
    small[i] /= most;
    mass += small[i];
    massRows += small[i] * Math.floor(i / columns);
    massColumns += small[i] * (i % columns);
  }
  const top = clamp(round(CENTRE - massRows / mass), 0, SIDE - rows);
  const left = clamp(round(CENTRE - massColumns / mass), 0, SIDE - columns);
  for (let i = 0; i < small.length; i++) {
    digit[(top + Math.floor(i / columns)) * SIDE + left + (i % columns)] = clamp(small[i], 0, 1);
  }
  return digit;
}

function inkBox(ink, width, height) {
  let [top, bottom, left, right] = [height, -1, width, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] < FAINTEST) continue;
      top = Math.min(top, y);
      bottom = y;
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  }
  return bottom < 0 ? null : { top, left, rows: bottom - top + 1, columns: right - left + 1 };
}

/** The exact mean over rows x columns equal cells of the box, as Float64Array. */
function areaAverage(ink, width, box, rows, columns) {
  const across = shares(columns, box.columns);
  const down = shares(rows, box.rows);
  const narrow = new Float64Array(box.rows * columns); // (box.rows, columns)
  for (let y = 0; y < box.rows; y++) {
    for (let c = 0; c < columns; c++) {
      const from = (box.top + y) * width + box.left + across[c].first;
      narrow[y * columns + c] = across[c].parts.reduce((sum, part, i) => sum + part * ink[from + i], 0);
    }
  }
  const small = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const at = (i) => narrow[(down[r].first + i) * columns + c];
      small[r * columns + c] = down[r].parts.reduce((sum, part, i) => sum + part * at(i), 0);
    }
  }
  return small;
}

/** For each of the equal cells: the first pixel it touches, and the part of the cell that each pixel from there fills. */
function shares(cells, pixels) {
  const size = pixels / cells;
  return Array.from({ length: cells }, (_, cell) => {
    const [start, stop] = [cell * size, (cell + 1) * size];
    const first = Math.min(Math.floor(start), pixels - 1);
    const last = Math.min(Math.ceil(stop), pixels) - 1;
    const parts = [];
    for (let p = first; p <= last; p++) parts.push(Math.max(0, Math.min(stop, p + 1) - Math.max(start, p)) / size);
    return { first, parts };
  });
}

/** A digit at 16 grey levels as text: one hexadecimal figure a pixel, row by row, 784 in all. */
export function digitToGreys(digit) {
  return Array.from(digit, (value) => round(clamp(value, 0, 1) * (GREYS - 1)).toString(GREYS)).join("");
}

/** The digit of such a text: Float32Array of 784 multiples of 1/15, or null where the text is none. */
export function greysToDigit(greys) {
  if (typeof greys !== "string" || !/^[0-9a-f]{784}$/.test(greys)) return null;
  return Float32Array.from(greys, (grey) => parseInt(grey, GREYS) / (GREYS - 1));
}
