// <time data-countdown datetime="…"> counts down to its moment; below five minutes it warns.
import { remaining } from "./remaining.js";

const tick = () => {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const left = Math.floor((Date.parse(element.dateTime) - Date.now()) / 1000);
    const text = remaining(left);
    if (element.textContent !== text) element.textContent = text;
    const chip = element.closest(".chip");
    if (chip) {
      chip.classList.toggle("chip-good", left >= 300);
      chip.classList.toggle("chip-warning", left < 300 && left > 0);
      chip.classList.toggle("chip-bad", left <= 0);
    }
  }
};

tick();
setInterval(tick, 1000);
