// The slice browser: three views of truth and of one network, over any image.
class SliceBrowser {
  constructor(root) {
    this.root = root;
    this.data = JSON.parse(root.querySelector("script").textContent);
    this.volumes = new Volumes(this.data.scenes);
    this.offer();
    for (const control of root.querySelectorAll("[data-choose], [data-opacity]")) control.addEventListener("input", () => this.choose());
    for (const [view, [, , through]] of Object.entries(VIEWS)) {
      this.slider(view).addEventListener("input", event => this.move(through, Number(event.target.value)));
      for (const canvas of root.querySelectorAll(`canvas[data-view="${view}"]`)) this.listen(canvas, through);
    }
    this.choose();
  }

  listen(canvas, through) {
    canvas.addEventListener("click", event => { canvas.focus(); this.at = this.under(canvas, event); this.draw(); });
    canvas.addEventListener("wheel", event => {
      if (document.activeElement !== canvas) return;  // the page scrolls
      event.preventDefault();
      this.move(through, this.at[through] + Math.sign(event.deltaY));
    }, {passive: false});
    canvas.addEventListener("keydown", event => this.key(canvas, event));
    canvas.addEventListener("pointermove", event => this.tip(canvas, event));
    canvas.addEventListener("pointerleave", () => { this.root.querySelector(".tip").hidden = true; });
  }

  slider(view) { return this.root.querySelector(`input[data-slice="${view}"]`); }
  control(name) { return this.root.querySelector(`[data-choose="${name}"]`); }
  chosen(name) { return this.control(name).value; }
  get scene() { return this.data.scenes[this.number]; }

  // Lists the scenes, with the Dice of the chosen network.
  offer() {
    const select = this.control("scene"), network = this.chosen("network"), before = select.value || "0";
    const groups = {"Whole brain, from the worst": [], "Failures from close by": []};
    this.data.scenes.forEach((scene, number) => {
      const {failure, subject} = scene;
      const text = failure ? `${subject} · ${failure.name} · ${this.data.names[failure.network]} · Dice ${short(failure.dice)}` : `${subject} · Dice ${short(this.dice(scene, network))}`;
      groups[failure ? "Failures from close by" : "Whole brain, from the worst"].push(new Option(text, number));
    });
    select.replaceChildren(...Object.entries(groups).filter(([, options]) => options.length).map(([label, options]) => {
      const group = Object.assign(document.createElement("optgroup"), {label});
      group.append(...options);
      return group;
    }));
    select.value = before;
  }

  dice(scene, network) {
    const known = Object.values(scene.dice[network] ?? {});
    return known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : NaN;
  }

  async choose() {
    const number = Number(this.chosen("scene"));
    if (number !== this.number) {
      this.number = number;
      const {shape, failure} = this.scene;
      this.at = failure ? [...failure.at] : shape.map(side => Math.floor(side / 2));
      if (failure) this.control("network").value = failure.network;
      for (const [view, [, , through]] of Object.entries(VIEWS)) this.slider(view).max = shape[through] - 1;
    }
    this.opacity = Number(this.root.querySelector("[data-opacity]").value) / 100;
    const turn = this.turn = {}, name = this.chosen("network"), there = name in this.scene.labels;
    const [image, truth, network] = await Promise.all([
      this.volumes.get(number, "images", this.chosen("image")),
      this.volumes.get(number, "labels", "truth"),
      there ? this.volumes.get(number, "labels", name) : null,
    ]);
    if (turn !== this.turn) return;  // of several quick choices only the last one is drawn
    this.shown = {image, truth, network: network ?? new Uint8Array(truth.length)};
    this.offer();
    this.root.querySelector("[data-row=network]").textContent = there ? this.data.names[name] : `${this.data.names[name]}: no prediction here`;
    const {subject, failure} = this.scene, score = failure ? failure.dice : this.dice(this.scene, name);
    this.root.querySelector("[data-title]").textContent = `${subject} · ${failure ? `${failure.name} · ` : ""}${this.data.names[name]} · Dice ${short(score)}`;
    this.draw();
  }

  show(number) {
    this.control("scene").value = number;
    this.control("show").value = "errors";
    return this.choose();
  }

  move(axis, place) {
    this.at[axis] = Math.max(0, Math.min(this.scene.shape[axis] - 1, place));
    this.draw();
  }

  key(canvas, event) {
    const [across, up, through] = VIEWS[canvas.dataset.view];
    const moves = {ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowUp: [up, 1], ArrowDown: [up, -1], PageUp: [through, 1], PageDown: [through, -1]};
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [axis, step] = moves[event.key];
    this.move(axis, this.at[axis] + step);
  }

  // The voxel under a pointer.
  under(canvas, event) {
    const [across, up] = VIEWS[canvas.dataset.view], box = canvas.getBoundingClientRect(), at = [...this.at];
    at[across] = Math.max(0, Math.min(canvas.width - 1, Math.floor((event.clientX - box.left) / box.width * canvas.width)));
    at[up] = Math.max(0, Math.min(canvas.height - 1, canvas.height - 1 - Math.floor((event.clientY - box.top) / box.height * canvas.height)));
    return at;
  }

  draw() {
    const errors = this.chosen("show") === "errors", {image, truth, network} = this.shown, {opacity} = this;
    const grey = voxel => image[voxel] / (this.data.greys - 1) * 255;
    for (const canvas of this.root.querySelectorAll("canvas")) {
      const labels = this.shown[canvas.dataset.of];
      const paint = errors && canvas.dataset.of === "network"
        ? voxel => { const colour = errorAt(truth[voxel], network[voxel]); return colour && {colour, opacity}; }
        : voxel => labels[voxel] && {colour: this.data.structures[labels[voxel]].colour, opacity};
      drawSlice(canvas, canvas.dataset.view, this.scene, this.at, grey, paint, true);
    }
    this.place();
    this.root.querySelector("[data-cross]").replaceChildren("At the cross: ", ...this.told(this.at));
    this.legend(errors);
    this.root.dataset.ready = "yes";
  }

  // Says which slices are shown.
  place() {
    for (const [view, [, , through]] of Object.entries(VIEWS)) {
      const slice = `${this.at[through] + 1} of ${this.scene.shape[through]}`, text = `${view} ${slice} · ${"xyz"[through]} ${this.mm(through, this.at)} mm`;
      this.slider(view).value = this.at[through];
      this.root.querySelector(`[data-place="${view}"]`).textContent = text;
      for (const canvas of this.root.querySelectorAll(`canvas[data-view="${view}"]`)) canvas.ariaLabel = `${view} slice ${slice}, ${canvas.dataset.of}`;
    }
  }

  mm(axis, at) {
    const value = this.scene.first[axis] + at[axis] * this.scene.spacing[axis];
    return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
  }

  // What truth and network say of a voxel.
  told(at) {
    const [width, height] = this.scene.shape, voxel = at[0] + width * (at[1] + height * at[2]), {truth, network} = this.shown;
    const error = errorAt(truth[voxel], network[voxel]);
    const verdict = error === MISSED ? " (missed)" : error === FALSE ? " (false)" : error ? " (confused)" : "";
    return [...this.named("truth", truth[voxel]), " · ", ...this.named(this.data.names[this.chosen("network")], network[voxel]), verdict];
  }

  named(of, label) {
    const {name, colour} = this.data.structures[label];
    return [swatch(colour), `${of}: ${name}`];
  }

  tip(canvas, event) {
    const tip = this.root.querySelector(".tip"), box = this.root.getBoundingClientRect();
    tip.replaceChildren(...this.told(this.under(canvas, event)));
    tip.hidden = false;
    tip.style.top = `${event.clientY - box.top + 14}px`;
    tip.style.left = `${Math.max(0, Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 4))}px`;
  }

  // Names what the three slices show: structures, largest first, or errors.
  legend(errors) {
    const key = this.root.querySelector(".key"), scores = this.scene.dice[this.chosen("network")] ?? {};
    const entry = (colour, text) => { const item = document.createElement("li"); item.append(swatch(colour), text); return item; };
    const items = errors ? [entry(MISSED, "missed"), entry(FALSE, "false"), entry(CONFUSED, "another structure")] : [];
    for (const label of this.visible()) {
      const {name, colour} = this.data.structures[label];
      items.push(entry(colour, name in scores ? `${name} ${short(scores[name])}` : name));
    }
    key.replaceChildren(...items);
  }

  visible() {
    const counts = new Map(), {shape} = this.scene, stride = [1, shape[0], shape[0] * shape[1]];
    for (const labels of [this.shown.truth, this.shown.network]) for (const [across, up, through] of Object.values(VIEWS)) {
      for (let row = 0; row < shape[up]; row++) for (let column = 0; column < shape[across]; column++) {
        const label = labels[column * stride[across] + row * stride[up] + this.at[through] * stride[through]];
        if (label) counts.set(label, (counts.get(label) ?? 0) + 1);
      }
    }
    return [...counts.keys()].sort((first, second) => counts.get(second) - counts.get(first));
  }
}

function short(dice) { return Number.isNaN(dice) ? "–" : dice.toFixed(2).replace(/^0/, ""); }

function swatch(colour) {
  const one = Object.assign(document.createElement("i"), {className: "swatch"});
  one.style.background = `rgb(${colour})`;
  return one;
}

// Volumes are opened once all else is shown.
const browsers = new Promise(done => addEventListener("load", () => setTimeout(() => {
  done(new Map([...document.querySelectorAll(".viewer")].map(root => [root.id, new SliceBrowser(root)])));
})));
