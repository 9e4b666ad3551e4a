// Slices of volumes [x, y, z], x fastest, from the subject's left, back and feet.
const VIEWS = {axial: [0, 1, 2], coronal: [0, 2, 1], sagittal: [1, 2, 0]};  // across, up, through
const MISSED = [86, 180, 233], FALSE = [230, 159, 0], CONFUSED = [204, 121, 167], FOUND = [0, 158, 115];

// Inflated volumes of all scenes, each once.
class Volumes {
  constructor(scenes) { [this.scenes, this.known] = [scenes, new Map()]; }

  get(scene, kind, name) {
    const key = `${scene}/${kind}/${name}`;
    if (!this.known.has(key)) this.known.set(key, inflate(this.scenes[scene][kind][name]));
    return this.known.get(key);
  }
}

// Draws one slice: `paint(voxel)` gives a colour and its opacity, or nothing.
function drawSlice(canvas, view, scene, at, grey, paint, cross) {
  const [across, up, through] = VIEWS[view], {shape, spacing} = scene;
  const stride = [1, shape[0], shape[0] * shape[1]], [width, height] = [shape[across], shape[up]];
  Object.assign(canvas, {width, height});
  canvas.style.aspectRatio = `${width * spacing[across]} / ${height * spacing[up]}`;
  const context = canvas.getContext("2d"), picture = context.createImageData(width, height), pixels = picture.data;
  for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) {
    const voxel = column * stride[across] + row * stride[up] + at[through] * stride[through];
    const pixel = 4 * ((height - 1 - row) * width + column), shade = grey(voxel), painted = paint(voxel);
    const onCross = cross && (column === at[across]) !== (row === at[up]) && (column + row) % 2;
    for (let channel = 0; channel < 3; channel++) {
      const value = painted ? (1 - painted.opacity) * shade + painted.opacity * painted.colour[channel] : shade;
      pixels[pixel + channel] = onCross ? 0.5 * value + 90 : value;
    }
    pixels[pixel + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

// Which error a voxel is: nothing where both agree.
function errorAt(truth, found) {
  if (truth === found) return null;
  return found === 0 ? MISSED : truth === 0 ? FALSE : CONFUSED;
}
