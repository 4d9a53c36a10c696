// A face with blendshapes, as face_model.stored_rig keeps it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "arkit.hpp"

namespace imusic_rviz
{

// `V` vertices, in face_head axes (x out of the face, y to the wearer's left, z up) and metres. `A` displacements: the
// 52 shapes, then the correctives, each of which belongs to two shapes.
struct Rig
{
  std::string name;
  std::vector<float> neutral;                                  // (V, 3)
  std::vector<std::uint32_t> triangles;                        // (T, 3), counter-clockwise seen from outside
  std::vector<float> displacements;                            // (A, V, 3), m at activation 1
  std::vector<std::uint8_t> colors;                            // (V, 3), sRGB
  std::vector<std::pair<std::size_t, std::size_t>> pairs;      // (A - 52), shapes of each corrective
  std::map<std::string, std::pair<std::size_t, std::size_t>> parts;  // first vertex, and the one behind the last
  std::map<std::string, std::size_t> landmarks;

  std::size_t vertices() const {return neutral.size() / 3;}
  std::size_t moves() const {return SHAPES + pairs.size();}
};

// Reads what `save_rig` or `imusic rig export FILE.npz` wrote.
// Throws RigError: no such file, damaged, of another format, or contradicting itself.
Rig load_rig(const std::string & path);

// Weights followed by the activation of each corrective, w_i w_j, or 4 w_i (1 - w_i) where i is j: (A).
std::vector<float> activations(const Rig & rig, const Weights & weights);

}  // namespace imusic_rviz
