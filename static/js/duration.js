// <input type="range" data-duration="#id"> of seconds: the element of that id says it in words while it is moved.
const words = (seconds) => {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return [hours && `${hours} h`, minutes && `${minutes} min`].filter(Boolean).join(" ");
};

for (const slider of document.querySelectorAll("[data-duration]")) {
  const shown = document.querySelector(slider.dataset.duration);
  const say = () => {
    shown.textContent = words(Number(slider.value));
    slider.setAttribute("aria-valuetext", shown.textContent);
  };
  slider.addEventListener("input", say);
  say();
}
