// Hands what is marked to the map, wherever on the page it is: now, and when a map asks that came later.

let latest = null;

export default function ({ data }) {
  latest = data;
  const hand = () => window.dispatchEvent(new CustomEvent("aecore-movie-marks", { detail: latest }));
  hand();
  window.addEventListener("aecore-movie-map-asks", hand);
  return () => window.removeEventListener("aecore-movie-map-asks", hand);
}
