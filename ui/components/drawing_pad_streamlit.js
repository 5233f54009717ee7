// The glue between the drawing pad and Streamlit: Python's data in, the settled drawing out. Nothing else knows Streamlit.

import { DrawingPad, paintDigit } from "./drawing_pad.js";
import { digitToGreys, greysToDigit } from "./digit_from_ink.js";

const mounted = new WeakMap(); // the pad's root element -> { pad, revision, send }

/** Streamlit calls this after each rerun that changed the data or the theme, with the same elements: the pad that is
 *  there stays as it is, whatever Python echoes, unless Python asks for another digit by a new revision. */
export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".drawing-pad");
  const linked = greysToDigit(data.linked);
  let here = mounted.get(root);
  if (!here) {
    here = { revision: null };
    const preview = root.querySelector(".preview");
    here.pad = new DrawingPad(root, {
      onChange: (digit) => paintDigit(preview, digit),
      onSettled: (digit) => here.send(digit),
    });
    mounted.set(root, here);
  }
  here.send = (digit) => {
    const { strokes, picture } = here.pad.drawing;
    const greys = digit ? digitToGreys(digit) : "";
    setStateValue("drawing", { revision: here.revision, digit: greys, strokes, pictureShown: picture !== null });
  };
  root.querySelector(".label").textContent = data.label;
  if (here.revision !== data.revision) {
    here.revision = data.revision;
    const kept = data.drawing;
    const pictureShown = kept ? kept.pictureShown : true;
    const note = linked && pictureShown ? "This digit comes from the link. A new stroke starts afresh." : null;
    here.pad.show({ strokes: kept?.strokes ?? [], picture: linked, pictureShown }, note);
  }
  // Streamlit also runs this clean-up for a call that a newer one overtook: then the pad is still on the page.
  return () => {
    if (!root.isConnected) here.pad.destroy();
  };
}
