"""The phantom's shapes: ellipsoids in head coordinates, in millimetres.

x is the distance from the mid-plane (both sides are mirror images), y runs to the front, z upwards; the origin is near
the anterior commissure. Places and sizes are of the order of an adult brain's; they are not anatomical.
"""

from dataclasses import dataclass, replace

import numpy as np

from datamodules.simulation.random_fields import Floats

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid, and its mirror image.

    Attributes:
        label: FreeSurfer label of the left or only structure.
        centre: In millimetres.
        axes: Semi-axes in millimetres.
        pitch: Degrees by which the front end is lifted.
        yaw: Degrees by which the front end is turned to the mid-plane.
    """

    label: int
    centre: Vector
    axes: Vector
    pitch: float = 0.0
    yaw: float = 0.0

    @property
    def reach(self) -> float:
        """Radius in millimetres of a ball around the centre that holds the ellipsoid."""
        return max(self.axes)

    def thickened(self, least: float) -> "Ellipsoid":
        """The same ellipsoid with no semi-axis shorter than `least` millimetres."""
        x, y, z = (max(axis, least) for axis in self.axes)
        return replace(self, axes=(x, y, z))

    def depth(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """About how far inside the surface points lie, in millimetres; negative outside."""
        x, y, z = (points - np.float32(c) for points, c in zip((x, y, z), self.centre, strict=True))
        y, z = _turn(y, z, self.pitch)
        x, y = _turn(x, y, self.yaw)
        radius = sum((points / np.float32(axis)) ** 2 for points, axis in zip((x, y, z), self.axes, strict=True))
        return (1 - np.sqrt(radius)) * np.float32(min(self.axes))


def _turn(first: Floats, second: Floats, degrees: float) -> tuple[Floats, Floats]:
    if not degrees:
        return first, second
    cos, sin = np.float32(np.cos(np.deg2rad(degrees))), np.float32(np.sin(np.deg2rad(degrees)))
    return cos * first + sin * second, cos * second - sin * first


def union(first: Floats, second: Floats, softness: float) -> Floats:
    """Depth inside either of two shapes, the crease between them rounded over `softness` millimetres."""
    blend = np.clip(0.5 + (first - second) * np.float32(0.5 / softness), 0, 1)
    joined: Floats = second + (first - second) * blend + np.float32(softness) * blend * (1 - blend)
    return joined


FRONTAL_AND_PARIETAL = Ellipsoid(3, (0, -12, 20), (65, 84, 53))
TEMPORAL = Ellipsoid(3, (42, 2, -14), (23, 39, 21), pitch=-15, yaw=8)
TENTORIUM = Ellipsoid(3, (0, -62, -34), (54, 34, 25))
INCISURA = Ellipsoid(3, (0, -19, -34), (20, 22, 30))
DEEP_WHITE_MATTER = Ellipsoid(2, (17, -6, 6), (22, 40, 24), yaw=5)
INSULA = Ellipsoid(3, (39, 2, 2), (2.8, 20, 13), yaw=8)

CALLOSAL_CENTRE = (0.0, -5.0, 11.0)
CALLOSAL_HEIGHT = 22.0
CALLOSAL_LENGTH = 80.0
CALLOSAL_BACK = -45.0
CALLOSAL_FLOOR = 7.7
"""The callosum is the part above the floor of an elliptic arch around the centre, seen from the side."""

CEREBELLAR_HEMISPHERE = Ellipsoid(8, (24, -60, -36), (27, 25, 19))
VERMIS = Ellipsoid(8, (0, -57, -34), (14, 22, 18))
CEREBELLAR_CORE = Ellipsoid(7, (20, -55, -34), (16, 14, 9))

POSTERIOR_FOSSA = Ellipsoid(515, (0, -56, -34), (50, 30, 23))
FORAMEN = Ellipsoid(515, (0, -28, -40), (15, 14, 34))
FACE = Ellipsoid(507, (0, 18, -48), (52, 62, 50))
NECK = Ellipsoid(507, (0, -25, -110), (48, 52, 60))
EYE = Ellipsoid(506, (30, 70, -16), (13, 13, 13))
NOSE = Ellipsoid(530, (0, 70, -34), (12, 20, 14))

DEEP_STRUCTURES = (
    Ellipsoid(24, (0, 2, -19), (10, 8, 6)),
    Ellipsoid(77, (22, -35, 22), (5, 8, 6), yaw=20),
    Ellipsoid(77, (17, 29, 15), (4, 6, 6), yaw=-20),
    Ellipsoid(28, (9, -14, -7), (8, 10, 6)),
    Ellipsoid(10, (11.5, -16, 7), (8.5, 13.5, 9), pitch=10, yaw=25),
    Ellipsoid(12, (26, 2, 1), (5.5, 16, 10.5), yaw=12),
    Ellipsoid(13, (18.5, -1, 0), (4.5, 10, 7), yaw=22),
    Ellipsoid(11, (12, 16, 8), (5.5, 9.5, 9), pitch=25, yaw=-5),
    Ellipsoid(11, (15, -3, 18.5), (3.6, 17, 3.8), yaw=12),
    Ellipsoid(26, (9.5, 11, -5), (4.5, 5.5, 4.5)),
    Ellipsoid(17, (27, -20, -13), (6, 17, 5.5), pitch=-22, yaw=18),
    Ellipsoid(18, (24, -3, -17), (7, 7, 7)),
    Ellipsoid(4, (8.5, 8, 17), (4.5, 20, 6), pitch=-8),
    Ellipsoid(4, (13, -22, 18), (6, 17, 7), pitch=-12, yaw=20),
    Ellipsoid(4, (24, -46, 9), (5, 18, 6), pitch=5, yaw=-8),
    Ellipsoid(5, (33, -15, -13), (3.2, 16, 3.6), pitch=-25, yaw=18),
    Ellipsoid(31, (17, -30, 14), (3.2, 7.5, 4.2), pitch=-30, yaw=15),
    Ellipsoid(14, (0, -12, 2), (2.2, 12, 10)),
    Ellipsoid(30, (21, 4, -8), (2, 3.4, 2)),
    Ellipsoid(72, (0, 5, 14), (1.6, 6, 3.6)),
    Ellipsoid(85, (0, 8, -15), (7.5, 4, 2.6)),
    Ellipsoid(16, (0, -25, -17), (13, 9, 14), pitch=12),
    Ellipsoid(16, (0, -22, -29), (16, 13, 13), pitch=12),
    Ellipsoid(16, (0, -30, -48), (8.5, 8, 23), pitch=-6),
    Ellipsoid(15, (0, -41, -31), (5.5, 5, 9), pitch=12),
)
"""Painted in this order, later over earlier."""
