"""Painting a phantom's tissues, from outside inwards, onto the voxels of one slab."""

import numpy as np
from numpy.typing import NDArray

from datamodules.labels.protocol import load_protocol
from datamodules.simulation import phantom_shapes as shapes
from datamodules.simulation.phantom_shapes import Ellipsoid, union
from datamodules.simulation.random_fields import Floats

MIRROR = {s.label: s.partner for s in load_protocol("aseg45").structures if s.side == "left" and s.partner}
HEAD_LAYERS = ((16.0, 509), (14.5, 507))
"""Distance in millimetres outside brain and face, and the tissue that fills it inwards: skin, soft tissue."""
SKULL_LAYERS = ((9.0, 515), (7.0, 516), (5.0, 515), (3.0, 500))
"""The same outside the brain: compact bone, diploe, compact bone, extra-ventricular CSF."""
WHITE_MATTER = (2, 41)
CALLOSUM = (251, 252, 253, 254, 255)
WHOLE = (slice(0, None),) * 3
SULCUS = 0.5
"""Half the width of a sulcus, in millimetres."""


class Canvas:
    """Labels of some voxels, with their head coordinates.

    Args:
        x: [X, Y, Z], millimetres to the right of the mid-plane; `y` to the front, `z` upwards.
        y: See `x`.
        z: See `x`.
        margin: Millimetres around an ellipsoid in which the voxel nearest to it is looked for.

    Attributes:
        labels: int16 [X, Y, Z], FreeSurfer labels.
        nearest: For every deep structure and part of the callosum the depth of its deepest voxel (negative outside)
            and that voxel's flat index.
    """

    def __init__(self, x: Floats, y: Floats, z: Floats, *, margin: float) -> None:
        self.labels = np.zeros(x.shape, np.int16)
        self.nearest: dict[int, tuple[float, int]] = {}
        self._right = x > 0
        self._points = (np.abs(x), y, z)
        self._margin = margin
        across = ((1, 2), (0, 2), (0, 1))
        self._ranges = [(p.min(axes), p.max(axes)) for p, axes in zip(self._points, across, strict=True)]

    def paint(self, where: NDArray[np.bool_], label: int, box: tuple[slice, ...] = WHOLE) -> None:
        """Paint a structure and its mirror image."""
        self.labels[box][where] = label
        if label in MIRROR:
            self.labels[box][where & self._right[box]] = MIRROR[label]

    def cerebrum(self) -> Floats:
        """Depth inside both hemispheres, above the cerebellum and around the brain stem."""
        depth = union(shapes.FRONTAL_AND_PARIETAL.depth(*self._points), shapes.TEMPORAL.depth(*self._points), 8.0)
        depth = np.minimum(depth, -shapes.TENTORIUM.depth(*self._points))
        above_stem: Floats = np.minimum(depth, -shapes.INCISURA.depth(*self._points))
        return above_stem

    def paint_head(self, cerebrum: Floats) -> None:
        """Paint skin, soft tissue, skull and the CSF inside it, neck, eyes and nose."""
        brain = union(cerebrum, shapes.POSTERIOR_FOSSA.depth(*self._points), 10.0)
        brain = union(brain, shapes.FORAMEN.depth(*self._points), 8.0)
        head = union(brain, shapes.FACE.depth(*self._points), 14.0)
        for depth, layers in ((head, HEAD_LAYERS), (brain, SKULL_LAYERS)):
            for distance, label in layers:
                self.paint(depth > -distance, label)
        for part in (shapes.NECK, shapes.EYE, shapes.NOSE):
            box = self._box(part)
            outside_skull = (self.labels[box] == 0) | ((self.labels[box] == 507) & (part is not shapes.NECK))
            self.paint((part.depth(*(p[box] for p in self._points)) > 0) & outside_skull, part.label, box)

    def paint_cerebrum(self, depth: Floats, to_sulcus: Floats, sulcal_depth: float, thickness: float) -> None:
        """Paint sulci, cortex, white matter and insula; `to_sulcus` is the distance to the next fold's sheet."""
        x, _, z = self._points
        inside = depth > 0
        to_pia = np.minimum(depth, np.maximum(to_sulcus, depth - np.float32(sulcal_depth)))
        outside_arch = (self._callosal_radius() > 1.02 * shapes.CALLOSAL_HEIGHT) | (z < shapes.CALLOSAL_FLOOR)
        to_pia = np.where(outside_arch, np.minimum(to_pia, x + np.float32(SULCUS - 0.4)), to_pia)
        self.paint(inside, 500)
        self.paint(inside & (to_pia > SULCUS), 3)
        self.paint(inside & (to_pia > SULCUS + thickness), 2)
        for part in (shapes.DEEP_WHITE_MATTER, shapes.INSULA):
            box = self._box(part)
            self.paint((part.depth(*(p[box] for p in self._points)) > 0) & inside[box], part.label, box)

    def paint_callosum(self, thickness: float, width: float) -> None:
        """Paint the callosal arch in its five parts, and the white matter beside it."""
        x, y, z = self._points
        radius = self._callosal_radius()
        depth = np.minimum(shapes.CALLOSAL_HEIGHT - radius, radius - np.float32(shapes.CALLOSAL_HEIGHT - thickness))
        depth = np.minimum(depth, z - np.float32(shapes.CALLOSAL_FLOOR))
        self.paint((depth > 0) & (x < 14), 2)
        depth = np.minimum(depth, np.float32(width) - x)
        fifth = np.floor((y - np.float32(shapes.CALLOSAL_BACK)) / np.float32(shapes.CALLOSAL_LENGTH / 5))
        for part, label in enumerate(CALLOSUM):
            part_depth = np.where(np.clip(fifth, 0, 4) == part, depth, -np.inf)
            self.paint(part_depth > 0, label)
            self._note_nearest(label, part_depth, WHOLE)

    def _callosal_radius(self) -> Floats:
        """Distance in millimetres from the arch's centre, lengths from back to front shrunk to heights."""
        _, y, z = self._points
        _, centre_y, centre_z = shapes.CALLOSAL_CENTRE
        shrink = np.float32(2 * shapes.CALLOSAL_HEIGHT / shapes.CALLOSAL_LENGTH)
        radius: Floats = np.hypot((y - np.float32(centre_y)) * shrink, z - np.float32(centre_z))
        return radius

    def paint_cerebellum(self, cerebrum: Floats, foliation: Floats) -> None:
        """Paint the cerebellum, its white matter branching after the `foliation`."""
        depth = np.maximum(shapes.CEREBELLAR_HEMISPHERE.depth(*self._points), shapes.VERMIS.depth(*self._points))
        core = shapes.CEREBELLAR_CORE.depth(*self._points) + 2 - 3 * np.minimum(np.abs(foliation), 1)
        self.paint((depth > 0) & (cerebrum < 0), 8)
        self.paint((depth > 3) & (core > 0) & (cerebrum < 0), 7)

    def paint_deep_structure(self, part: Ellipsoid) -> None:
        """Paint an ellipsoid; cisterns only outside the brain, hypointensities only in white matter."""
        box = self._box(part)
        depth = part.depth(*(points[box] for points in self._points))
        if not depth.size:
            return
        if part.label == 24:
            depth = np.where((self.labels[box] == 0) | (self.labels[box] >= 500), depth, -np.inf)
        elif part.label == 77:
            depth = np.where(np.isin(self.labels[box], WHITE_MATTER), depth, -np.inf)
        self.paint(depth > 0, part.label, box)
        if part.label in MIRROR:
            self._note_nearest(MIRROR[part.label], np.where(self._right[box], depth, -np.inf), box)
            depth = np.where(self._right[box], -np.inf, depth)
        self._note_nearest(part.label, depth, box)

    def _note_nearest(self, label: int, depth: Floats, box: tuple[slice, ...]) -> None:
        deepest = np.unravel_index(int(depth.argmax()), depth.shape)
        voxel = [int(i) + s.start for i, s in zip(deepest, box, strict=True)]
        found = (float(depth[deepest]), int(np.ravel_multi_index(voxel, self.labels.shape)))
        self.nearest[label] = max(found, self.nearest.get(label, found))

    def _box(self, part: Ellipsoid) -> tuple[slice, ...]:
        """Smallest box of voxels that holds an ellipsoid, its mirror image and the margin; may be empty."""
        slices = []
        for centre, (lowest, highest) in zip(part.centre, self._ranges, strict=True):
            reach = part.reach + self._margin
            (within,) = np.nonzero((highest > centre - reach) & (lowest < centre + reach))
            slices.append(slice(int(within[0]), int(within[-1]) + 1) if len(within) else slice(0, 0))
        return tuple(slices)
