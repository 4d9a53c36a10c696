"""Blender plays a take.

    ./imusic takes export last --to glb -o take.glb
    blender --python examples/blender_take.py -- take.glb [picture.png]

With a picture's name the frame with the widest smile is rendered into it; `blender -b --python ...` does so without a
window.
"""

import sys
from math import radians
from pathlib import Path

import bpy

take, *picture = [Path(word).resolve() for word in sys.argv[sys.argv.index("--") + 1 :]]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = 60
bpy.ops.import_scene.gltf(filepath=str(take))

# The take's 52 weights are shape keys of one mesh, by their ARKit names, each with its curve.
face = next(thing for thing in scene.objects if thing.type == "MESH" and thing.data.shape_keys)
keys = face.data.shape_keys
first, last = keys.animation_data.action.frame_range if keys.animation_data.action else (1, 1)
scene.frame_start, scene.frame_end = int(first), int(last)


def smile(frame: int) -> float:
    """How wide it is then."""
    scene.frame_set(frame)
    return float(keys.key_blocks["mouthSmileLeft"].value)


widest = max(range(scene.frame_start, scene.frame_end + 1, 5), key=smile)
print(f"{face.name}: {len(keys.key_blocks) - 1} shapes, frames {first:.0f} to {last:.0f}, widest smile at {widest}")

# glTF's z, out of the face, is Blender's -y.
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
camera.location, camera.rotation_euler = (0.0, -0.75, 0.0), (radians(90.0), 0.0, 0.0)
camera.data.angle = radians(30.0)
lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "SUN"))
lamp.rotation_euler = (radians(60.0), 0.0, radians(30.0))
lamp.data.energy = 3.0
for thing in (camera, lamp):
    scene.collection.objects.link(thing)
scene.camera = camera
scene.frame_set(widest)
if picture:
    scene.render.engine, scene.cycles.samples = "CYCLES", 16
    scene.render.resolution_x = scene.render.resolution_y = 480
    scene.render.filepath = str(picture[0])
    bpy.ops.render.render(write_still=True)
