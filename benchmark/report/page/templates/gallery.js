// The failure gallery: one slice of each failure, which opens in the slice browser.
async function drawFailure(browser, number, canvas) {
  const scene = browser.data.scenes[number], {failure} = scene, images = Object.keys(scene.images);
  const [image, truth, found] = await Promise.all([
    browser.volumes.get(number, "images", images.at(-1)),
    browser.volumes.get(number, "labels", "truth"),
    browser.volumes.get(number, "labels", failure.network),
  ]);
  const paint = voxel => {
    const [wanted, got] = [truth[voxel] === failure.structure, found[voxel] === failure.structure];
    return wanted || got ? {colour: wanted && got ? FOUND : wanted ? MISSED : FALSE, opacity: 0.6} : null;
  };
  drawSlice(canvas, failure.view, scene, failure.at, voxel => image[voxel] / (browser.data.greys - 1) * 255, paint, false);
}

for (const gallery of document.querySelectorAll(".gallery")) {
  const browser = (await browsers).get(gallery.dataset.browser);
  for (const button of gallery.querySelectorAll("[data-scene]")) {
    const number = Number(button.dataset.scene);
    drawFailure(browser, number, button.querySelector("canvas")).then(() => { button.dataset.drawn = "yes"; });
    button.addEventListener("click", async () => {
      await browser.show(number);
      browser.root.scrollIntoView({block: "nearest"});
      browser.root.querySelector(`canvas[data-of=network][data-view=${browser.scene.failure.view}]`).focus({preventScroll: true});
    });
  }
}
