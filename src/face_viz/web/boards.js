// The sensor boards: small rounded plates with a chip and a lamp that shows their state. z out of the skin, x up.

import {
  BoxGeometry, Color, ExtrudeGeometry, Group, InstancedBufferAttribute, InstancedMesh, Matrix4, MeshBasicMaterial,
  MeshStandardMaterial, Quaternion, Shape, ShapeGeometry, SphereGeometry, Vector2, Vector3,
} from "three";

const MOST = 64; // units that a hub can have
const SIDE_M = 0.0078; // 0.6 cm2
const RADIUS_M = 0.0018;
const BEVEL_M = 0.00025;
const PLATE = new Color(0x22303f);
const TOP_M = 0.0011;
const PADS = [-1, 1].flatMap((side) => [-0.0017, -0.0008, 0.0001].map((x) => [x, 0.0027 * side]));
const UNIT = new Vector3(1, 1, 1);

// Colour of the lamp and how far the plate takes it: valid, faulty, missing.
const STATES = [[0x1ee58f, 0.06], [0xff9420, 0.4], [0x9c9ea2, 0.65]].map(([hex, share]) => {
  const lamp = new Color(hex);
  return { lamp, plate: PLATE.clone().lerp(lamp, share) };
});

// A square with round corners.
function outline(half, radius) {
  const shape = new Shape();
  const inner = half - radius;
  [[1, 1], [-1, 1], [-1, -1], [1, -1]].forEach(([x, y], quarter) =>
    shape.absarc(x * inner, y * inner, radius, (quarter * Math.PI) / 2, ((quarter + 1) * Math.PI) / 2));
  return shape;
}

const rectangle = (x, y, halfX, halfY) =>
  new Shape([[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([sx, sy]) => new Vector2(x + sx * halfX, y + sy * halfY)));

function plate() {
  const settings = {
    depth: 0.001 - 2 * BEVEL_M, bevelThickness: BEVEL_M, bevelSize: BEVEL_M, bevelOffset: -BEVEL_M, bevelSegments: 1,
    curveSegments: 4,
  };
  return new ExtrudeGeometry(outline(SIDE_M / 2, RADIUS_M), settings).translate(0, 0, 0.0001 + BEVEL_M);
}

export class Boards extends Group {
  constructor() {
    super();
    const lamp = new SphereGeometry(0.0012, 12, 3, 0, 2 * Math.PI, 0, Math.PI / 2).rotateX(Math.PI / 2).scale(1, 1, 0.5);
    lamp.translate(0.0022, 0, TOP_M);
    const chip = new BoxGeometry(0.0028, 0.0028, 0.0008).translate(-0.0008, 0, TOP_M + 0.0002);
    const pads = new ShapeGeometry(PADS.map(([x, y]) => rectangle(x, y, 0.0003, 0.0004))).translate(0, 0, TOP_M + 0.00003);
    this.poses = new InstancedBufferAttribute(new Float32Array(16 * MOST), 16);
    this.plates = this.part(plate(), new MeshStandardMaterial({ roughness: 0.55 }));
    this.lamps = this.part(lamp, new MeshBasicMaterial({ toneMapped: false }));
    this.part(chip, new MeshStandardMaterial({ color: 0x1a1e25, roughness: 0.45 }));
    this.part(pads, new MeshStandardMaterial({ color: 0xc9b37c, roughness: 0.35 }));
  }

  part(geometry, material) {
    const mesh = new InstancedMesh(geometry, material, MOST);
    mesh.instanceMatrix = this.poses; // one for all parts
    mesh.receiveShadow = mesh.castShadow = !material.isMeshBasicMaterial;
    mesh.frustumCulled = false;
    mesh.count = 0;
    this.add(mesh);
    return mesh;
  }

  // boards: [{ pose: position, quaternion x y z w; status }]
  place(boards) {
    const matrix = new Matrix4(), position = new Vector3(), turn = new Quaternion();
    const shown = boards.slice(0, MOST);
    shown.forEach(({ pose, status }, i) => {
      matrix.compose(position.fromArray(pose), turn.fromArray(pose, 3), UNIT).toArray(this.poses.array, 16 * i);
      this.plates.setColorAt(i, STATES[status].plate);
      this.lamps.setColorAt(i, STATES[status].lamp);
    });
    for (const part of this.children) part.count = shown.length;
    this.poses.needsUpdate = true;
    for (const part of [this.plates, this.lamps]) if (part.instanceColor) part.instanceColor.needsUpdate = true;
  }
}
