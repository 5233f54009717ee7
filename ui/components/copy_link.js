// Copies the address of the page. Where the clipboard is out of reach, the link is shown to be copied by hand.

export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const status = parentElement.querySelector(".status");
  const field = parentElement.querySelector("input");
  parentElement.querySelector(".label").textContent = data.label;

  let fading = 0;
  const say = (words) => {
    clearTimeout(fading);
    status.textContent = words;
    if (words) fading = setTimeout(() => (status.textContent = ""), 5000);
  };
  button.onclick = async () => {
    const link = window.location.href;
    try {
      await navigator.clipboard.writeText(link);
      field.hidden = true;
      say("Copied");
    } catch {
      field.value = link;
      field.hidden = false;
      field.focus();
      field.select();
      say("Press Ctrl+C (or ⌘C) to copy");
    }
  };
  return () => clearTimeout(fading);
}
