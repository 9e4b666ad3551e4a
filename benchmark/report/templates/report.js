"use strict";

// Sortable tables: a click sorts by a column, another one turns it round.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && column === 0);
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    sortRows(table.tBodies[0], column, up);
  }));
}

function sortRows(body, column, up) {
  const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const rows = [...body.rows].sort((first, second) => {
    const [a, b] = [key(first), key(second)];
    const [x, y] = [Number.parseFloat(a), Number.parseFloat(b)];
    if (column === 0 || (Number.isNaN(x) && Number.isNaN(y))) return (up ? 1 : -1) * a.localeCompare(b, undefined, {numeric: true});
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;  // the unknown stays below
    return (up ? 1 : -1) * (x - y);
  });
  body.append(...rows);
}

// The slice browser: three views of truth and of one network, over PET or MR.
const VIEWS = {axial: [0, 1, 2], coronal: [0, 2, 1], sagittal: [1, 2, 0]};  // across, up, through

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Browser {
  constructor(root) {
    this.root = root;
    this.data = JSON.parse(root.querySelector("script").textContent);
    this.volumes = new Map();
    this.at = [0, 0, 0];
    for (const control of root.querySelectorAll("[data-choose], [data-opacity]")) control.addEventListener("input", () => this.choose());
    for (const [view, [, , through]] of Object.entries(VIEWS)) {
      this.slider(view).addEventListener("input", event => this.move(through, Number(event.target.value)));
      for (const canvas of root.querySelectorAll(`canvas[data-view="${view}"]`)) {
        canvas.addEventListener("click", event => this.point(canvas, event));
        canvas.addEventListener("wheel", event => { event.preventDefault(); this.move(through, this.at[through] + Math.sign(event.deltaY)); }, {passive: false});
      }
    }
    this.choose();
  }

  slider(view) { return this.root.querySelector(`input[data-slice="${view}"]`); }
  chosen(name) { return this.root.querySelector(`[data-choose="${name}"]`).value; }

  async volume(kind, name) {
    const key = `${this.subject.id}/${kind}/${name}`;
    if (!this.volumes.has(key)) this.volumes.set(key, await inflate(this.subject[kind][name]));
    return this.volumes.get(key);
  }

  async choose() {
    const subject = this.data.subjects[Number(this.chosen("subject"))];
    if (subject !== this.subject) {
      this.subject = subject;
      this.at = subject.shape.map(side => Math.floor(side / 2));
      for (const [view, [, , through]] of Object.entries(VIEWS)) this.slider(view).max = subject.shape[through] - 1;
    }
    this.opacity = Number(this.root.querySelector("[data-opacity]").value) / 100;
    const turn = this.turn = {};  // of several quick choices only the last one is drawn
    const image = await this.volume("images", this.chosen("image"));
    const truth = await this.volume("labels", "truth");
    const name = this.chosen("network"), predicted = name in subject.labels;
    const network = predicted ? await this.volume("labels", name) : new Uint8Array(truth.length);
    if (turn !== this.turn) return;
    this.shown = {image, truth, network};
    this.root.querySelector("[data-row=network]").textContent = predicted ? name : `${name}: no prediction`;
    this.draw();
  }

  move(axis, place) {
    this.at[axis] = Math.max(0, Math.min(this.subject.shape[axis] - 1, place));
    this.draw();
  }

  point(canvas, event) {
    const [across, up] = VIEWS[canvas.dataset.view];
    const box = canvas.getBoundingClientRect();
    this.at[across] = Math.min(canvas.width - 1, Math.floor((event.clientX - box.left) / box.width * canvas.width));
    this.at[up] = Math.max(0, canvas.height - 1 - Math.floor((event.clientY - box.top) / box.height * canvas.height));
    this.draw();
  }

  draw() {
    for (const canvas of this.root.querySelectorAll("canvas")) this.paint(canvas, this.shown[canvas.dataset.of]);
    for (const [view, [, , through]] of Object.entries(VIEWS)) this.slider(view).value = this.at[through];
    this.say();
    this.root.dataset.ready = "yes";
  }

  paint(canvas, labels) {
    const [across, up, through] = VIEWS[canvas.dataset.view], {shape, spacing} = this.subject;
    const stride = [1, shape[0], shape[0] * shape[1]], [width, height] = [shape[across], shape[up]];
    Object.assign(canvas, {width, height});
    canvas.style.aspectRatio = `${width * spacing[across]} / ${height * spacing[up]}`;
    const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
    const disagreement = this.chosen("show") === "disagreement";
    for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) {
      const voxel = column * stride[across] + row * stride[up] + this.at[through] * stride[through];
      const pixel = 4 * ((height - 1 - row) * width + column);
      const cross = (column === this.at[across]) !== (row === this.at[up]) && (column + row) % 2;
      this.blend(picture.data, pixel, voxel, labels[voxel], disagreement, cross);
    }
    context.putImageData(picture, 0, 0);
  }

  blend(pixels, pixel, voxel, label, disagreement, cross) {
    const grey = this.shown.image[voxel] / (this.data.greys - 1) * 255;
    const painted = disagreement ? this.shown.truth[voxel] !== this.shown.network[voxel] : label > 0;
    const colour = disagreement ? [230, 97, 0] : this.data.structures[label].colour;
    for (let channel = 0; channel < 3; channel++) {
      const value = painted ? (1 - this.opacity) * grey + this.opacity * colour[channel] : grey;
      pixels[pixel + channel] = cross ? 0.5 * value + 90 : value;
    }
    pixels[pixel + 3] = 255;
  }

  say() {
    const [x, y, z] = this.at, [width, height] = this.subject.shape, voxel = x + width * (y + height * z);
    const output = this.root.querySelector("output");
    output.replaceChildren("At the cross:");
    for (const [name, labels] of [["truth", this.shown.truth], [this.chosen("network"), this.shown.network]]) {
      const swatch = document.createElement("i"), structure = this.data.structures[labels[voxel]];
      swatch.style.background = `rgb(${structure.colour})`;
      output.append(swatch, `${name}: ${structure.name}`);
    }
  }
}

for (const root of document.querySelectorAll(".viewer")) new Browser(root);
