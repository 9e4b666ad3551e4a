// A figure in its full size.
const full = document.querySelector("#full");
for (const figure of document.querySelectorAll("figure")) {
  const open = () => {
    const [shown, image] = [full.querySelector("img"), figure.querySelector("img")];
    [shown.src, shown.alt] = [image.src, image.alt];
    full.showModal();
  };
  figure.querySelector("[data-full]").addEventListener("click", open);
}
full.addEventListener("click", event => { if (event.target === full) full.close(); });
